"""The Curves tab: accuracy against compute, published and measured, down to the single trace; and a sweep of one's own.

The board (chart, tables, samples) is one component that reads results over `routes.py`; the sweep streams into its
value.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import gradio as gr

from app.access.admission import Gate, Room, visitor_of
from app.artifacts.curves.store import CurveStore
from app.models.registry import EngineRegistry
from app.runs.session import LiveRuns
from app.shell.components import open_from_link, stepped_slider
from app.shell.plotly import PLOTLY
from app.shell.responses import View
from app.tabs.curves import upload as curves_upload
from app.tabs.curves.board import curves_board
from app.tabs.curves.live_sweep import BUDGETS, WAITS, Line, LiveSweep, budget_name, models_here, read_sweep
from s1core import S1Error
from s1core.models import S1_NANO

FIRST_BUDGETS = ("0", "16", "32", "64", "128", "no limit")
SWEEPS = Room(at_once=24, per_visitor=2, waiting=0)
"""On a public page; how many of these go on together, `Line` says."""
FIRST_WAITS = ("0", "1", "2")


def build(registry: EngineRegistry, results: CurveStore) -> None:
    """Lay out the tab and wire it."""
    with gr.Column(elem_id="curves"):
        with gr.Row(elem_id="curves-run", equal_height=False):
            questions = stepped_slider(
                label="Questions",
                stops=(20, 60, 100, 200, 300, 500),
                value=60,
                unit="of its own test",
                elem_id="curves-questions",
            )
            # Beside the groups, so that all three share one row of the panel's grid.
            here = models_here()
            first = registry.default if registry.default in here else S1_NANO
            model = gr.Radio(here, value=first, label="Model", visible=len(here) > 1, elem_id="curves-model")
            budgets = gr.CheckboxGroup(
                [budget_name(budget) for budget in BUDGETS],
                value=list(FIRST_BUDGETS),
                label="Thinking budgets",
                elem_id="curves-budgets",
            )
            waits = gr.CheckboxGroup(
                [str(count) for count in WAITS], value=list(FIRST_WAITS), label="Forced Waits", elem_id="curves-waits"
            )
            with gr.Row(elem_id="curves-actions"):
                run = gr.Button("Run it now", variant="primary", elem_id="curves-start")
                cancel = gr.Button("Cancel", elem_id="curves-cancel")
        board = curves_board(plotly=PLOTLY, largest_mb=curves_upload.limits().file_mb, elem_id="curves-board")
    _wire([questions, budgets, waits, model], run, cancel, board, registry, results)


def _wire(
    inputs: list[Any], run: gr.Button, cancel: gr.Button, board: gr.HTML, registry: EngineRegistry, results: CurveStore
) -> None:
    runs, line, gate = LiveRuns[LiveSweep](), Line(), Gate(SWEEPS)

    async def sweep(
        request: gr.Request, questions: Any, budgets: Any, waits: Any, model: Any = S1_NANO
    ) -> AsyncGenerator[View, None]:
        try:
            asked = read_sweep(questions, budgets, waits, model)
            with gate.place(visitor_of(request)):
                live = LiveSweep(asked, results, line)
                with runs.registered(request.session_hash or "", live):
                    async with aclosing(live.views(lambda: registry.load(asked.model))) as views:
                        async for view in views:
                            yield view
        except S1Error as error:
            yield {"run": "", "state": "error", "note": str(error), "done": 0, "total": 0, "series": []}

    def stop(request: gr.Request) -> None:
        runs.stop(request.session_hash or "")

    # No limit by Gradio's queue: `Line` bounds the sweeps, and can say who is before whom.
    run.click(sweep, inputs, board, show_progress="hidden", concurrency_limit=None, api_name="sweep")
    cancel.click(stop, queue=False, show_progress="hidden", api_visibility="private")
    open_from_link("curves")
