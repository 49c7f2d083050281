"""The Compare tab: one question in two to four lanes, live; and again, from a recording.

Form, lanes, chart and player are one component. Pressing Race puts what is asked into its value and submits that; the
race streams back into the same value.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.events import api

from app.access.admission import Gate, visitor_of
from app.access.limits import bounded, runs_of
from app.models.registry import EngineRegistry
from app.runs import questions
from app.runs.recent_runs import RaceStore
from app.runs.request import COUNTED, METHODS, WAIT_TEXTS
from app.runs.session import LiveRuns
from app.shell.components import open_from_link
from app.shell.events import QUIET, STREAMS
from app.shell.responses import View
from app.tabs.compare.board import compare_board
from app.tabs.compare.opening import example_of
from app.tabs.compare.race import Race, refusal
from app.tabs.compare.request import presets, read_comparison
from s1core import S1Error
from s1core.models import S1_135M, S1_135M_BASE, S1_NANO
from s1core.problems import expected_answer


def build(registry: EngineRegistry, races: RaceStore, gate: Gate) -> None:
    """Lay out the tab and wire it."""
    runs = LiveRuns[Race]()
    with gr.Column(elem_id="compare"):
        board = compare_board(elem_id="compare-board", **_choices(registry))

    async def race(request: gr.Request, asked: Any) -> AsyncGenerator[View, None]:
        async with aclosing(_views(asked, registry, races, runs, gate, request)) as views:
            async for view in views:
                yield view

    def stop(request: gr.Request) -> None:
        runs.stop(request.session_hash or "")

    board.submit(
        race,
        board,
        board,
        show_progress="hidden",
        trigger_mode="multiple",
        concurrency_limit=STREAMS,
        concurrency_id="think",
        api_visibility="private",
    )
    board.stop(stop, **QUIET)
    open_from_link("compare")

    async def compare(request: gr.Request, comparison: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Race a question under several settings, and stream what the Compare tab shows of it."""
        async with aclosing(_views(comparison, registry, races, LiveRuns[Race](), gate, request)) as views:
            async for view in views:
                yield view

    api(compare, api_name="compare", concurrency_limit=STREAMS, concurrency_id="think")


def _choices(registry: EngineRegistry) -> dict[str, Any]:
    """Return what the form offers."""
    # A weaker model of the same kind; it is bundled, so that the comparison works offline.
    default = registry.default
    other = S1_135M_BASE if default == S1_135M else next(n for n in ("weak-2", S1_NANO) if n != default)
    return {
        "example": example_of(default),
        "models": registry.models,
        "methods": [{"name": name, "words": words, "counts": COUNTED.get(name)} for words, name in METHODS.items()],
        "words": list(WAIT_TEXTS),
        "families": [
            {"name": f.name, "questions": list(f.questions)} for f in questions.example_families(registry.default)
        ],
        "presets": presets(registry.default, other),
    }


async def _views(
    asked: Any, registry: EngineRegistry, races: RaceStore, runs: LiveRuns[Race], gate: Gate, request: gr.Request
) -> AsyncGenerator[View, None]:
    page = request.session_hash or ""
    for earlier in runs.of(page):
        earlier.supersede()
    try:
        read = read_comparison(asked, expected_answer)
        comparison = replace(read, lanes=tuple(map(bounded, read.lanes)))
        with gate.place(visitor_of(request), sum(map(runs_of, comparison.lanes))) as place:
            race = Race(comparison, questions.same_answer, races.keep)
            with runs.registered(page, race):
                async with aclosing(race.views(lambda model: place.before(registry.load(model)))) as views:
                    async for view in views:
                        yield view
    except S1Error as error:
        yield refusal(str(error), asked)
