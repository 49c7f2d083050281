"""A run for one visitor: its own task, stopped and freed at once. No Gradio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from app.runs.request import RunRequest
from app.runs.session import TRACKS_AT_ONCE, LiveRuns, ThinkRun
from app.shell.responses import View
from s1core import Budget, S1Error, Sampling
from s1core.engines.base import Capabilities, Chunk, Engine, Request
from s1core.errors import EngineFailed, ModelUnavailable
from s1core.probe import AT_ONCE
from tests.browser.playground import PacedEngine, endless, think

DRAWN: dict[str, Any] = {"sampling": Sampling()}
VOTE: dict[str, Any] = {"method": "vote", "sampling": Sampling(temperature=1.0)}


def run_of(question: str = "How many r in raspberry?", waits: int = 0, **settings: Any) -> ThinkRun:
    asked = RunRequest(question=question, model="m", budget=Budget(waits=waits), **DRAWN | settings)
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


async def test_what_the_engine_cannot_keep_is_refused_with_one_that_can() -> None:
    engine = PacedEngine(think)
    engine.capabilities = Capabilities(forbid_first="unsupported")
    wordless = ThinkRun(
        RunRequest(question="q", model="m", budget=Budget(waits=1, wait_text=""), **DRAWN), expected=None
    )
    view = await last_of(wordless.views(loads(engine)))
    assert view["state"] == "error"
    assert "cannot ignore an end without a word" in view["note"] and "engine='transformers'" in view["note"]


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


async def test_the_receipt_is_there_before_the_first_probe() -> None:
    engine = PacedEngine(think, delay_s=0.01)
    views = [view async for view in run_of(waits=1, track=True).views(loads(engine))]
    first = next(n for n, view in enumerate(views) if view["receipt"])
    assert {view["state"] for view in views[:first]} == {"running"}
    assert {view["state"] for view in views[first:-1]} == {"probing"}
    assert [view["track"]["state"] for view in views[:first]] == ["none"] * first
    track = views[-1]["track"]
    assert (views[-1]["state"], track["state"], track["total"]) == ("done", "done", len(track["cells"]))
    assert [wait["words"] for wait in track["waits"]] == ["fixed"]
    assert views[-1]["receipt"] == views[first]["receipt"]


async def test_no_probe_is_asked_while_the_trace_is_written() -> None:
    engine = PacedEngine(think, delay_s=0.001)
    await last_of(run_of(waits=1, track=True).views(loads(engine)))
    thinking, after_the_wait, answer, *probes = engine.requests
    assert [r.first_step for r in (thinking, after_the_wait, answer)] == sorted(
        r.first_step for r in (thinking, after_the_wait, answer)
    )
    assert len(probes) > 30 and all(r.first_step <= answer.first_step + 40 for r in probes)
    assert engine.running == 0


async def test_stop_ends_the_track_and_keeps_the_run() -> None:
    engine, run = PacedEngine(think), run_of(waits=1, track=True)
    healthy = engine.agenerate

    async def hangs(request: Request) -> AsyncGenerator[Chunk, None]:
        one_of_the_last = len(engine.requests) > 12
        async for chunk in healthy(request):
            if one_of_the_last:
                await asyncio.sleep(60)
            yield chunk

    engine.agenerate = hangs
    views = run.views(loads(engine))
    while not (await anext(views))["track"]["cells"]:
        pass
    assert engine.running > 0
    run.stop()
    view = await last_of(views)
    assert engine.running == 0
    assert (view["state"], view["answer"]["verdict"]) == ("done", "right")
    assert view["receipt"] and view["track"]["state"] == "stopped"
    assert view["track"]["note"].startswith("Stopped. ")


async def test_a_track_that_breaks_off_leaves_the_run_whole() -> None:
    engine = PacedEngine(think)
    healthy = engine.agenerate

    async def breaks(request: Request) -> AsyncGenerator[Chunk, None]:
        if len(engine.requests) > 12:
            raise EngineFailed("the server is gone; start it again")
        async for chunk in healthy(request):
            yield chunk

    engine.agenerate = breaks
    view = await last_of(run_of(waits=1, track=True).views(loads(engine)))
    assert (view["state"], view["answer"]["verdict"]) == ("done", "right")
    assert view["track"]["note"].startswith("The answer track broke off: the server is gone; start it again.")


async def test_tracks_take_turns_and_leave_the_engine_to_traces() -> None:
    engine = PacedEngine(think, delay_s=0.002, forced_delay_s=0.01)
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, engine.running)
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    ends = await asyncio.gather(*(last_of(run_of(waits=1, track=True).views(loads(engine))) for _ in range(6)))
    watching.cancel()
    assert [view["track"]["state"] for view in ends] == ["done"] * 6
    assert AT_ONCE < most <= TRACKS_AT_ONCE * AT_ONCE + 6


async def test_stop_ends_a_track_that_waits_for_its_turn() -> None:
    engine = PacedEngine(think, forced_delay_s=0.2)
    runs = [run_of(waits=1, track=True) for _ in range(TRACKS_AT_ONCE + 1)]
    ends = [asyncio.create_task(last_of(run.views(loads(engine)))) for run in runs]
    await asyncio.sleep(0.3)
    runs[-1].stop()
    assert (await ends[-1])["track"]["note"].startswith("Stopped. 0 of ")
    for end in ends:
        end.cancel()


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"track": False}, "Switched off"), ({"track": True, "count": 2} | VOTE, "this method has several")],
)
async def test_a_missing_track_says_why(settings: dict[str, Any], says: str) -> None:
    view = await last_of(run_of(**settings).views(loads(PacedEngine(think))))
    assert (view["track"]["state"], says in view["track"]["note"]) == ("none", True)


async def test_a_new_run_silences_the_one_before() -> None:
    engine, run = PacedEngine(endless, delay_s=0.001), run_of()
    views = run.views(loads(engine))
    while not (await anext(views))["meter"]["spent"]:
        pass
    run.supersede()
    assert [view async for view in views] == []
    assert engine.running == 0


async def test_stopping_a_vote_frees_the_engine_and_keeps_the_text() -> None:
    engine, run = PacedEngine(endless, delay_s=0.001), run_of(**VOTE, count=3)
    views = run.views(loads(engine))
    while (await anext(views))["meter"]["spent"] < 30:
        pass
    assert engine.running == 3
    run.stop()
    view = await last_of(views)
    assert (view["state"], view["receipt"], engine.running) == ("cancelled", [], 0)
    assert "before all samples were there" in view["note"] and "Step 0" in view["text"]


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
