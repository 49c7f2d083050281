"""The Think tab: one question, one model, one budget; the trace, the answer, its track and the receipt."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import api

from app.access.admission import Gate, visitor_of
from app.access.limits import MOST, bounded, is_public, runs_of
from app.models.registry import EngineRegistry
from app.runs import questions
from app.runs import request as settings
from app.runs.recent_runs import RaceStore
from app.runs.recording import KeptRun
from app.runs.session import LiveRuns, ThinkRun, refusal
from app.shell.components import note, read_assets, stepped_slider
from app.shell.events import QUIET, QUIET_LAST, STREAMS
from app.shell.form_storage import BACK, keep
from app.shell.gradio_compat import current_page
from app.shell.responses import View
from app.tabs.think.stage import stage
from s1core import S1Error
from s1core.engines.base import Engine
from s1core.engines.capabilities import capability_line
from s1core.models import S1_135M
from s1core.problems import expected_answer

FIRST_CONTEXT = 1024
FIRST_BUDGET = 128
FIRST_COUNT = 5


@dataclass(frozen=True, slots=True)
class Advanced:
    """The components under `More settings`."""

    method: gr.Dropdown
    method_note: gr.HTML
    count: gr.Number
    force_too: gr.Checkbox
    rest: tuple[Component, ...]

    @property
    def inputs(self) -> list[Any]:
        """In the order of `settings.read_settings`."""
        return [self.method, self.count, self.force_too, *self.rest]


@dataclass(frozen=True, slots=True)
class Controls:
    """The components of the left column."""

    question: gr.Textbox
    hint: gr.HTML
    chips: dict[str, gr.Row]
    """By the model that was taught these families."""
    model: gr.Dropdown
    model_note: gr.HTML
    budget: gr.HTML
    waits: gr.HTML
    waits_note: gr.HTML
    wait_text: gr.Dropdown
    run: gr.Button
    stop: gr.Button
    advanced: Advanced

    @property
    def inputs(self) -> list[Any]:
        """In the order of `settings.read_settings`."""
        return [self.question, self.model, self.budget, self.waits, self.wait_text, *self.advanced.inputs]


def build(registry: EngineRegistry, runs: LiveRuns[ThinkRun], gate: Gate, races: RaceStore) -> gr.Dropdown:
    """Lay out the tab and wire it; returns where the model is chosen."""
    first_example = questions.example_families(registry.default)[0].questions[0]
    with gr.Row(elem_id="think", equal_height=False):
        with gr.Column(scale=1, min_width=300, elem_id="controls"):
            controls = _controls(registry)
        with gr.Column(scale=2, min_width=300, elem_id="stage-column"):
            stage_view = stage(model=registry.default, elem_id="stage")
    _wire_runs(controls, stage_view, registry, runs, gate, first_example, races)
    _wire_fields(controls, registry)
    keep("s1-think", controls.inputs, stage_view, refusal(BACK, question=""))
    _offer_api(registry, gate)
    return controls.model


def _controls(registry: EngineRegistry) -> Controls:
    question = gr.Textbox(
        questions.example_families(registry.default)[0].questions[0],
        label="Question",
        lines=1,
        max_lines=8,
        elem_id="question",
        placeholder="Ask something…",
    )
    hint = note(kind="hint")
    chips = {model: _chips(question, model, shown=_chips_of(registry.default) == model) for model in questions.TAUGHT}
    budget = stepped_slider(
        label="Thinking budget",
        stops=settings.budget_stops(FIRST_CONTEXT),
        value=FIRST_BUDGET,
        unit="tokens",
        info="When the budget runs out, the model must answer. 0 means no thinking.",
        elem_id="budget",
    )
    waits = stepped_slider(
        label="Waits",
        stops=range(settings.MAX_WAITS + 1),
        value=1,
        unit="forced",
        info="Each time the model tries to stop, we add “Wait” and it keeps thinking.",
        elem_id="waits",
    )
    waits_note = note(kind="hint")
    with gr.Row(elem_id="actions"):
        run = gr.Button("Run", variant="primary", elem_id="run")
        stop = gr.Button("Stop", elem_id="stop")
    gr.HTML(html_template=read_assets("tabs/think/keys.html"), js_on_load=None, apply_default_css=False, elem_id="keys")
    with gr.Row(elem_id="choices"):
        wait_text = gr.Dropdown(
            list(settings.WAIT_TEXTS), value="Wait", label="Wait text", allow_custom_value=True, elem_id="wait-text"
        )
        model = gr.Dropdown(
            registry.models, value=registry.default, label="Model", allow_custom_value=True, elem_id="model"
        )
    model_note = note(kind="model", value=f"Loading {registry.default}…", details=True, elem_id="model-note")
    return Controls(
        question, hint, chips, model, model_note, budget, waits, waits_note, wait_text, run, stop, advanced=_advanced()
    )


def _chips_of(model: str) -> str:
    """Name the model whose chips are shown for this one."""
    return model if model in questions.TAUGHT else S1_135M


def _chips(question: gr.Textbox, model: str, *, shown: bool) -> gr.Row:
    """One chip a family; pressing it again shows the family's next example. It never leaves the browser."""
    with gr.Row(elem_classes="chips", visible=shown) as row:
        for family in questions.example_families(model):
            chip = gr.Button(family.name, size="sm", elem_classes="chip")
            chip.click(None, question, question, js=_next_of(family.questions), api_visibility="private")
    return row


def _next_of(examples: tuple[str, ...]) -> str:
    return f"(now) => {{ const all = {json.dumps(examples)}; return all[(all.indexOf(now) + 1) % all.length]; }}"


def _advanced() -> Advanced:
    # Bounds are checked in `settings`, where the sentence about them is ours and lands on the stage.
    with gr.Accordion("More settings", open=False, elem_id="advanced"):
        method = gr.Dropdown(list(settings.METHODS), value=settings.FORCING, label="Method", elem_id="method")
        method_note = note(kind="hint")
        count = gr.Number(FIRST_COUNT, label="Samples", visible=False, elem_id="count")
        force_too = gr.Checkbox(False, label="Force the budget and the Waits too", visible=False, elem_id="force-too")
        with gr.Row():
            temperature = gr.Number(0.0, label="Temperature", step=0.1, info="0 is greedy")
            seed = gr.Number(0, label="Seed", info="used above temperature 0")
        with gr.Row():
            at_least = gr.Number(0, label="Think at least", info="tokens")
            longest = gr.Number(0, label="Longest answer", info="tokens; 0 keeps the model's own limit")
        counts = gr.Dropdown(list(settings.ACCOUNTING), value=settings.TOTAL, label="The budget counts")
        track = gr.Checkbox(True, label="Ask along the way (answer track)", elem_id="track-too")
    rest = (temperature, seed, at_least, counts, longest, track)
    return Advanced(method, method_note, count, force_too, rest)


def _wire_runs(
    controls: Controls,
    stage_view: gr.HTML,
    registry: EngineRegistry,
    runs: LiveRuns[ThinkRun],
    gate: Gate,
    example: str,
    races: RaceStore,
) -> None:
    async def on_run(request: gr.Request, *values: Any) -> AsyncGenerator[View, None]:
        # The page's own id: a Stop finds this run and no other visitor's, and a new Run takes the place of the last.
        async with aclosing(_views(values, registry, runs, gate, request, races)) as views:
            async for view in views:
                yield view

    def on_stop(request: gr.Request) -> None:
        runs.stop(request.session_hash or "")

    running: dict[str, Any] = {
        "fn": on_run,
        "inputs": controls.inputs,
        "outputs": stage_view,
        "show_progress": "hidden",
        "trigger_mode": "multiple",
        "concurrency_limit": STREAMS,
        "concurrency_id": "think",
        "api_visibility": "private",
    }
    controls.run.click(**running)
    controls.question.submit(**running)
    tried = stage_view.example(
        None, None, controls.question, js=f"() => {json.dumps(example)}", api_visibility="private"
    )
    tried.then(**running)
    controls.stop.click(on_stop, **QUIET)


async def _views(
    values: tuple[Any, ...],
    registry: EngineRegistry,
    runs: LiveRuns[ThinkRun],
    gate: Gate,
    request: gr.Request,
    races: RaceStore | None = None,
) -> AsyncGenerator[View, None]:
    page = request.session_hash or ""
    for earlier in runs.of(page):
        earlier.supersede()
    try:
        asked = bounded(settings.read_settings(*values))
        with gate.place(visitor_of(request), runs_of(asked)) as place:
            expected = expected_answer(asked.question)
            kept = KeptRun(asked, expected, races.keep if races else None)
            run = ThinkRun(asked, expected=expected, same=questions.same_answer, live=kept.live)
            with runs.registered(page, run):
                async with aclosing(run.views(lambda: place.before(registry.load(asked.model)))) as views:
                    async for view in views:
                        yield view | {"key": kept.key(view["state"])} if races else view
    except S1Error as error:
        yield refusal(str(error), question=str(values[0] or ""))


def _offer_api(registry: EngineRegistry, gate: Gate) -> None:
    async def think(
        request: gr.Request,
        question: str,
        model: str = registry.default,
        budget: int = FIRST_BUDGET,
        waits: int = 1,
        wait_text: str = "Wait",
        method: str = "forcing",
        count: int = FIRST_COUNT,
        force_too: bool = False,
        temperature: float = 0.0,
        seed: int = 0,
        min_tokens: int = 0,
        accounting: str = "total",
        max_answer: int = 0,
        track: bool = False,
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Think about a question under a budget, and stream what the Think tab shows of it."""
        values = (
            question,
            model,
            budget,
            waits,
            wait_text,
            method,
            count,
            force_too,
            temperature,
            seed,
            min_tokens,
            accounting,
            max_answer,
            track,
        )
        # Calls of one client do not end each other.
        async with aclosing(_views(values, registry, LiveRuns[ThinkRun](), gate, request)) as views:
            async for view in views:
                yield view

    # Gradio asks for it at every step of a stream, and takes it from here when it is there.
    think.__signature__ = inspect.signature(think)  # type: ignore[attr-defined]
    api(think, api_name="think", concurrency_limit=STREAMS, concurrency_id="think")


def _wire_fields(controls: Controls, registry: EngineRegistry) -> None:
    async def on_model(model: str) -> tuple[str, Any]:
        try:
            return await _when_loaded(registry, model)
        except S1Error as error:
            return str(error), gr.skip()

    # What is chosen while one of these is at work comes after it. Gradio then repeats the whole event, so that two of
    # them on one event would wake each other forever; chained to it, each is an event of its own.
    said = 'model => "Loading " + model + "…"'
    named = controls.model.change(None, controls.model, controls.model_note, js=said, api_visibility="private")
    rows = controls.chips
    named.then(
        lambda model: [gr.update(visible=_chips_of(model) == taught) for taught in rows],
        controls.model,
        list(rows.values()),
        **QUIET_LAST,
    )
    page = current_page()
    for event in (page.load, named.then):
        event(on_model, controls.model, [controls.model_note, controls.budget], **QUIET_LAST)
    more = controls.advanced
    for field, say, shown in (
        (controls.question, questions.hint, controls.hint),
        (controls.waits, questions.waits_note, controls.waits_note),
        (more.method, _on_method, [more.method_note, more.count, more.force_too]),
    ):
        for event in (field.change, named.then):
            event(say, [field, controls.model], shown, **QUIET_LAST)


def _on_method(method: str, model: str) -> tuple[str, Any, Any]:
    """Say what the method does, and show the fields that it needs."""
    chosen = settings.METHODS.get(method, "forcing")
    counted = settings.COUNTED.get(chosen)
    count = gr.update(visible=False) if counted is None else gr.update(visible=True, label=counted)
    return questions.method_note(chosen, model), count, gr.update(visible=chosen in settings.ASKING)


async def _when_loaded(registry: EngineRegistry, model: str) -> tuple[str, Any]:
    async for step in registry.load(model):
        if not isinstance(step, str):
            return _ready(step), _stops(step)
    raise AssertionError("a load ends with an engine or an error")


def _ready(engine: Engine) -> str:
    """One line for everybody, and under it the details."""
    return (
        f"Ready · {engine.context_length:,}-token context\n{engine.model} on {engine.name}. {capability_line(engine)}"
    )


def _stops(engine: Engine) -> Any:
    """Let the slider end where the model's context does. Its value stays the visitor's, who may be moving it now."""
    most = MOST.thinking_tokens if is_public() else engine.context_length
    return gr.update(stops=settings.budget_stops(min(engine.context_length, most)))
