"""A live sweep: drawn while it runs, cancelled within a step, one visitor beside the other. No Gradio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from app.artifacts.curves.store import CurveStore, NoSuchRun
from app.shell.responses import View
from app.tabs.curves.live_sweep import BUDGETS, WAITS, Line, LiveSweep, SweepRequest, read_sweep
from s1core.engines.base import Engine
from s1core.errors import EngineFailed, InvalidSetting, ModelUnavailable
from s1core.metrics import wilson
from tests.browser.playground import PacedEngine, endless, think

SMALL = SweepRequest(questions=20, budgets=(4, None), waits=(0, 1))


def loads(engine: Engine):
    async def load() -> AsyncGenerator[str | Engine, None]:
        yield "Loading s1-nano: 0 s so far."
        yield engine

    return load


async def all_of(views: AsyncGenerator[View, None]) -> list[View]:
    return [view async for view in views]


async def test_a_sweep_draws_every_point_and_leaves_its_samples() -> None:
    store = CurveStore()
    views = await all_of(LiveSweep(SMALL, store, Line()).views(loads(PacedEngine(think))))
    last = views[-1]
    assert [views[0]["state"], last["state"], last["done"]] == ["loading", "done", 20]
    assert "20 questions, 4 points each" in last["note"]
    main = last["series"][0]
    assert [point["label"] for point in main["points"]] == ["budget 4", "natural", "1 x Wait"]
    assert all(point["n"] == 20 for series in last["series"] for point in series["points"])
    assert main["own"] and "run now on 20 questions" in main["source"]
    rows = list(store.find(last["run"]).rows())
    right = [row["correct"] for row in rows if row["setting"] == "natural"]
    natural = next(point for point in main["points"] if point["label"] == "natural")
    share = wilson(sum(right), 20)
    assert (natural["accuracy"], natural["low"], natural["high"]) == (share.percent, share.low, share.high)


async def test_the_curve_grows_under_one_name() -> None:
    asked = SweepRequest(questions=40, budgets=(0, 4), waits=(0,))
    views = await all_of(LiveSweep(asked, CurveStore(), Line()).views(loads(PacedEngine(think, delay_s=0.01))))
    running = [view for view in views if view["state"] == "running" and view["series"]]
    assert running and 0 < running[0]["done"] < 40
    assert "s left" in running[0]["note"]
    assert {view["series"][0]["id"] for view in [*running, views[-1]]} == {views[-1]["series"][0]["id"]}


async def test_cancel_frees_the_engine_and_keeps_what_was_measured() -> None:
    engine, store = PacedEngine(think, delay_s=0.01), CurveStore()
    sweep = LiveSweep(SweepRequest(questions=500, budgets=(0, 64), waits=(0,)), store, Line())
    last: View = {}
    async with aclosing(sweep.views(loads(engine))) as views:
        async for view in views:
            last = view
            if view["done"] >= 5:
                sweep.stop()
    assert engine.running == 0
    assert last["state"] == "cancelled" and f"after {last['done']} questions" in last["note"]
    assert len(list(store.find(last["run"]).rows())) == 2 * last["done"]


async def test_a_page_that_is_gone_frees_the_engine_and_its_samples() -> None:
    engine, store = PacedEngine(endless, delay_s=0.001), CurveStore()
    views = LiveSweep(SweepRequest(questions=20, budgets=(4000,), waits=(0,)), store, Line()).views(loads(engine))
    run = ""
    async for view in views:
        run = view["run"]
        if engine.running:
            break
    await views.aclose()
    assert engine.running == 0
    with pytest.raises(NoSuchRun):
        store.find(run)


async def test_two_visitors_sweep_beside_each_other_and_the_third_waits_in_line() -> None:
    store, line, engine = CurveStore(), Line(), PacedEngine(think, delay_s=0.002)
    sweeps = [LiveSweep(SMALL, store, line).views(loads(engine)) for _ in range(3)]
    first, second, third = await asyncio.gather(*(all_of(views) for views in sweeps))
    assert [views[-1]["state"] for views in (first, second, third)] == ["done"] * 3
    assert {first[-1]["run"], second[-1]["run"], third[-1]["run"]} == {
        views[-1]["run"] for views in (first, second, third)
    }
    assert first[-1]["series"][0]["points"] == third[-1]["series"][0]["points"]
    assert third[0]["note"] == "In line: one sweep is before yours."
    assert not any(view["state"] == "waiting" for view in [*first, *second])


async def test_leaving_the_line_starts_nothing() -> None:
    line, engine = Line(at_once=0), PacedEngine(think)
    sweep = LiveSweep(SMALL, CurveStore(), line)
    views: list[View] = []
    async for view in sweep.views(loads(engine)):
        views.append(view)
        sweep.stop()
    assert [view["state"] for view in views] == ["waiting", "cancelled"]
    assert engine.requests == []


async def test_an_engine_that_fails_is_one_sentence_and_what_was_measured_stays() -> None:
    class Fails(PacedEngine):
        async def agenerate(self, request):  # pyright: ignore
            if len(self.requests) > 60:
                raise EngineFailed("the engine was closed; load it again")
            async for chunk in super().agenerate(request):
                yield chunk

    last = (await all_of(LiveSweep(SMALL, CurveStore(), Line()).views(loads(Fails(think)))))[-1]
    assert (last["state"], last["note"]) == ("error", "the engine was closed; load it again")


async def test_a_model_that_cannot_be_loaded_is_one_sentence() -> None:
    async def load() -> AsyncGenerator[str | Engine, None]:
        raise ModelUnavailable("no weights; install them")
        yield ""

    last = (await all_of(LiveSweep(SMALL, CurveStore(), Line()).views(load)))[-1]
    assert (last["state"], last["note"]) == ("error", "no weights; install them")


@pytest.mark.parametrize(
    ("questions", "budgets", "waits", "said"),
    [
        (10, ["0"], ["0"], "between 20 and 500"),
        (501, ["0"], ["0"], "between 20 and 500"),
        (20.5, ["0"], ["0"], "whole number"),
        (float("nan"), ["0"], ["0"], "whole number"),
        ("many", ["0"], ["0"], "whole number"),
        (None, ["0"], ["0"], "whole number"),
        (20, [], ["0"], "at least one budget"),
        (20, ["0"], None, "at least one number of Waits"),
        (20, ["999999999"], ["0"], "A budget is one of 0, 8"),
        (20, ["0"], ["-1"], "A number of Waits is one of 0, 1"),
        (20, [{"a": 1}], ["0"], "A budget is one of"),
    ],
)
def test_what_cannot_be_swept_is_refused_in_one_sentence(questions, budgets, waits, said: str) -> None:
    with pytest.raises(InvalidSetting, match=said):
        read_sweep(questions, budgets, waits)


def test_a_sweep_runs_on_bundled_models_alone() -> None:
    assert read_sweep(20, ["0"], ["0"], "s1-nano").model == "s1-nano"
    for model in ("s1-32B", "weak-1", None, 7):
        with pytest.raises(InvalidSetting, match="A sweep runs on one of"):
            read_sweep(20, ["0"], ["0"], model)


def test_a_sweep_asks_the_questions_of_its_model() -> None:
    for model, benchmark in (("s1-nano", "nano"), ("s1-135M", "problems")):
        asked = SweepRequest(model=model, questions=20, budgets=(0,), waits=(0,))
        assert LiveSweep(asked, CurveStore(), Line()).view("loading")["benchmark"] == benchmark


def test_what_can_be_swept_is_read_in_the_order_of_the_page() -> None:
    asked = read_sweep(100, ["no limit", "16", "0"], ["4", "0"])
    assert (asked.questions, asked.budgets, asked.waits, asked.points) == (100, (0, 16, None), (0, 4), 6)
    everything = read_sweep(20.0, [str(b) if b is not None else "no limit" for b in BUDGETS], [str(w) for w in WAITS])
    assert (everything.budgets, everything.waits) == (BUDGETS, WAITS)
