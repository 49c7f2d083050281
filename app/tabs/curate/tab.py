"""The Curate tab: sources, estimate, launch; the funnel while it fills, and every question that came or went.

The form is Gradio's. The board is one component; it reads sets over `routes.py` and follows a run by its files.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.access.limits import is_public
from app.access.read_only import offer_to_owner
from app.shell.board_updates import BoardUpdates
from app.shell.components import open_from_link
from app.shell.plotly import PLOTLY
from app.shell.responses import View
from app.tabs.curate import form as curate_form
from app.tabs.curate.board import curate_board
from app.tabs.curate.form import RECIPES, CurationRequest, catalogue, is_personal, read_form, sources_of
from app.tabs.curate.jobs import CurateJobs

FIRST = "nano"
"""Needs neither a hub nor an hour."""
MADE_QUESTIONS = 22_000
FIELDS = (
    "recipe",
    "sources",
    "made",
    "files",
    "target",
    "selection",
    "max_usd",
    "may_spend",
    "judge",
    "domains",
    "teacher",
    "weak",
    "url",
    "evaluation",
)
_JUDGES = [("rules and math-verify", "local"), ("Claude judges", "claude")]
_LABELLERS = [("what sources say", "local"), ("Claude sorts", "claude")]


def build(jobs: CurateJobs) -> None:
    """Lay out the tab and wire it."""
    with gr.Row(elem_id="curate", equal_height=False):
        with gr.Column(elem_id="curate-form"):
            fields = _form()
            with gr.Row(elem_id="curate-actions"):
                estimate = gr.Button("Estimate", elem_id="curate-estimate")
                launch = gr.Button("Launch", variant="primary", visible=not is_public(), elem_id="curate-launch")
                stop = gr.Button("Stop job", visible=not is_public(), elem_id="curate-stop")
            offer_to_owner((launch, stop))
        board = curate_board(plotly=PLOTLY, elem_id="curate-board")
    _wire([fields[name] for name in FIELDS], fields, (estimate, launch, stop), board, jobs)


def _form() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    fields["recipe"] = gr.Radio([(title, name) for name, title in RECIPES.items()], value=FIRST, label="Recipe")
    sources = [(_named(source), source["name"]) for source in catalogue()["sources"]]
    fields["sources"] = gr.CheckboxGroup(sources, value=sources_of(FIRST), label="Sources", elem_id="curate-sources")
    fields["files"] = gr.Textbox(
        label="Local files",
        lines=1,
        max_lines=6,
        placeholder="questions.jsonl, or name=questions.csv; one per line",
        max_length=8_000,
    )
    with gr.Row(elem_id="curate-numbers"):
        fields["target"] = gr.Number(catalogue()["target"], label="Target size", precision=0)
        fields["made"] = gr.Number(MADE_QUESTIONS, label="Questions made here", precision=0)
    fields["selection"] = gr.Dropdown(catalogue()["selections"], value="published", label="Selection")
    with gr.Accordion("Models and cost", open=False, elem_id="curate-more"):
        fields["judge"] = gr.Radio(_JUDGES, value="local", label="Judge")
        fields["domains"] = gr.Radio(_LABELLERS, value="local", label="Domains")
        fields["max_usd"] = gr.Number(5, label="Spending cap, dollars")
        fields["may_spend"] = gr.Checkbox(False, label="Allow spending up to the cap")
        fields["teacher"] = gr.Textbox(label="Teacher", placeholder="the recipe's", max_length=1_000)
        fields["weak"] = gr.Textbox(
            label="Weaker models", lines=1, max_lines=4, placeholder="the recipe's; one per line", max_length=4_000
        )
        fields["url"] = gr.Textbox(label="Server", placeholder="http://…, for all models", max_length=1_000)
        fields["evaluation"] = gr.Textbox(
            label="Not to be trained on",
            lines=1,
            max_lines=4,
            placeholder="AIME24/25, MATH500, GPQA; or name=file, none",
            max_length=4_000,
        )
    return fields


def _named(source: View) -> str:
    rows = source["rows"]
    return f"{source['title']} · {rows:,}" if rows else source["title"]


def _wire(
    inputs: list[Any], fields: dict[str, Any], buttons: tuple[gr.Button, ...], board: gr.HTML, jobs: CurateJobs
) -> None:
    updates = BoardUpdates()
    estimate, launch, stop = buttons

    def asked(values: tuple[Any, ...]) -> CurationRequest:
        return read_form(dict(zip(FIELDS, values, strict=True)))

    def on_estimate(request: gr.Request, *values: Any) -> View:
        def work() -> View:
            # Before anything is read: whether a file or a home folder is there is nobody else's business.
            if is_personal(dict(zip(FIELDS, values, strict=True))):
                jobs.require_owner(request)
            return {"estimate": curate_form.estimate(asked(values))}

        return updates.of("estimate", work)

    def on_launch(request: gr.Request, *values: Any) -> View:
        def work() -> View:
            jobs.require_owner(request)
            return {"set": jobs.launch(asked(values))}

        return updates.of("launched", work)

    def on_stop(request: gr.Request, shown: str) -> View:
        def work() -> View:
            jobs.require_owner(request)
            return {"text": jobs.stop(shown)}

        return updates.of("said", work)

    shown = gr.Textbox(visible=False)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    estimate.click(on_estimate, inputs, board, concurrency_limit=4, **quiet)
    launch.click(on_launch, inputs, board, **quiet)
    stop.click(on_stop, shown, board, js=_SHOWN_SET, **quiet)
    recipe = fields["recipe"]
    recipe.input(_of_recipe, recipe, [fields[n] for n in ("sources", "judge", "domains")], **quiet)
    open_from_link("curate")


_SHOWN_SET = """() => document.querySelector('.curate .board-pick select')?.value ?? ''"""


def _of_recipe(recipe: str) -> tuple[list[str], str, str]:
    """What a recipe takes, as a start; the fields stay free."""
    pairs = dict(tuple(pair) for pair in catalogue()["recipes"].get(recipe, []))
    return sources_of(recipe), pairs.get("judge", "local"), pairs.get("domains", "local")
