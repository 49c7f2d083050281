"""A run for one visitor: its own task, stopped and freed at once. No Gradio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from app.session import LiveRuns, ThinkRun, View
from app.settings import Asked
from s1core import Budget, S1Error, Sampling
from s1core.engines.base import Engine
from s1core.errors import ModelUnavailable
from tests.browser.playground import PacedEngine, endless, think


def run_of(question: str = "How many r in raspberry?", waits: int = 0) -> ThinkRun:
    asked = Asked(question=question, model="m", budget=Budget(waits=waits), sampling=Sampling())
    return ThinkRun(asked, expected="3")


def loads(engine: Engine, *sentences: str):
    async def load() -> AsyncGenerator[str | Engine, None]:
        for sentence in sentences:
            yield sentence
        yield engine

    return load


async def last_of(views: AsyncGenerator[View, None]) -> View:
    return [view async for view in views][-1]


async def test_a_run_ends_with_a_receipt_and_a_verdict() -> None:
    view = await last_of(run_of(waits=1).views(loads(PacedEngine(think))))
    assert view["state"] == "done"
    assert view["answer"]["verdict"] == "right"
    assert ["Waits forced", "1 of 1"] in view["receipt"]


async def test_waiting_for_the_model_is_shown() -> None:
    views = run_of().views(loads(PacedEngine(think), "Loading m: 3 s so far."))
    assert (await anext(views))["note"] == "Loading m: 3 s so far."
    assert (await anext(views))["state"] == "running"
    await views.aclose()


async def test_a_model_that_cannot_be_loaded_is_one_sentence() -> None:
    async def load() -> AsyncGenerator[str | Engine, None]:
        raise ModelUnavailable("needs 61 GiB; choose a smaller one")
        yield ""

    view = await last_of(run_of().views(load))
    assert (view["state"], view["note"]) == ("error", "needs 61 GiB; choose a smaller one")


async def test_stop_ends_the_run_with_a_receipt() -> None:
    engine, run, runs = PacedEngine(endless, delay_s=0.001), run_of(), LiveRuns()
    with runs.registered("page", run):
        views = run.views(loads(engine))
        while not (await anext(views))["meter"]["spent"]:
            pass
        runs.stop("another page")
        assert (await anext(views))["state"] == "running"
        runs.stop("page")
        view = await last_of(views)
    assert view["state"] == "cancelled"
    assert ["Closed by", "you, with Stop"] in view["receipt"]
    assert engine.running == 0 and len(runs) == 0


async def test_stop_does_not_wait_for_an_engine_that_hangs() -> None:
    engine, run = PacedEngine(endless, delay_s=60), run_of()
    views = run.views(loads(engine))
    await anext(views)
    run.stop()
    view = await asyncio.wait_for(last_of(views), timeout=5)
    assert (view["state"], view["receipt"]) == ("cancelled", [])
    assert engine.running == 0


async def test_a_page_that_goes_away_frees_the_engine() -> None:
    engine = PacedEngine(endless, delay_s=0.001)
    views = run_of().views(loads(engine))
    while not (await anext(views))["meter"]["spent"]:
        pass
    assert engine.running == 1
    await views.aclose()
    assert engine.running == 0


async def test_an_engine_that_breaks_leaves_its_text_and_a_remedy() -> None:
    engine = PacedEngine(think, breaks_after=9)
    view = await last_of(run_of().views(loads(engine)))
    assert view["state"] == "error"
    assert "Press Run to try again" in view["note"]
    assert "First" in view["text"]


async def test_reused_tokens_are_counted_while_the_run_goes_on() -> None:
    view = await last_of(run_of(waits=1).views(loads(PacedEngine(think))))
    assert int(view["meter"]["reused"]) > 0


def test_errors_of_the_core_are_for_visitors() -> None:
    assert issubclass(ModelUnavailable, S1Error)


@pytest.mark.parametrize("runs", [2, 5])
async def test_runs_side_by_side_keep_their_own_text(runs: int) -> None:
    engine = PacedEngine(lambda text, _: text.partition("user\n")[2][:9] + "<|im_start|>", delay_s=0.001)
    views = await asyncio.gather(*(last_of(run_of(f"visitor {n}").views(loads(engine))) for n in range(runs)))
    assert all(f"visitor {n}" in view["text"] for n, view in enumerate(views))
