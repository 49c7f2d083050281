"""The Train tab: recipe, data and settings; preflight, the command, launch; curves while they grow, and past runs.

The form is Gradio's. The board is one component; it reads runs over `routes.py` and follows them by their files.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.access.limits import is_public
from app.access.owner import is_owner, require_owner, sees_all
from app.access.read_only import offer_to_owner
from app.artifacts.curated.sets import CuratedSet, SetStore
from app.shell.board_updates import BoardUpdates
from app.shell.components import command_line, open_from_link
from app.shell.events import QUIET
from app.shell.gradio_compat import current_page
from app.shell.plotly import PLOTLY
from app.shell.responses import View
from app.tabs.train import form as train_form
from app.tabs.train.board import train_board
from app.tabs.train.evals import QUESTIONS, TrainEvals
from app.tabs.train.exports import TrainSteps, read_step
from app.tabs.train.form import TrainingRequest, catalogue, is_personal, keys_of, read_form
from app.tabs.train.jobs import TrainJobs
from app.tabs.train.models import TrainedModels
from app.tabs.train.slurm import A_DAY, HERE, SLURM
from app.tabs.train.slurm import is_here as slurm_is_here
from evals.benchmarks import BENCHMARKS, own_benchmark
from s1core.models import S1_135M

FIRST = {S1_135M: ("s1-135m", "problems:1000")}
"""Recipe and data at first, by the model that the page opens on; for every other one s1-nano's recipe on a set."""
MADE = [("1,000 problems of s1-135M's families, not curated", "problems:1000")]
FIELDS = ("recipe", "data", "settings", "where", "processes", "nodes", "gpus", "partition", "time", "name", "on")
_TIGHT = "It should not fit there, so nothing was launched. Press Launch once more to launch it all the same."
_PROCESSES, _OF_EACH = "Processes", " of each node"


def build(
    jobs: TrainJobs,
    sets: SetStore,
    models: TrainedModels,
    sweeps: TrainEvals,
    steps: TrainSteps,
    tab: gr.Tab,
    model: gr.Dropdown,
) -> None:
    """Lay out the tab and wire it.

    Args:
        jobs: launches and stops.
        sets: the curated sets.
        models: the models that can be tried.
        sweeps: evaluates them.
        steps: makes models of checkpoints.
        tab: the tab itself.
        model: where Think chooses among them.
    """
    with gr.Row(elem_id="train", equal_height=False):
        with gr.Column(elem_id="train-form"):
            fields = _form(sets, *FIRST.get(model.value, ("s1-nano", None)))
            line = command_line(elem_id="train-command")
            with gr.Row(elem_id="train-actions"):
                ask = gr.Button("Preflight", elem_id="train-preflight")
                launch = gr.Button("Launch", variant="primary", visible=not is_public(), elem_id="train-launch")
                stop = gr.Button("Stop job", visible=not is_public(), elem_id="train-stop")
            offer_to_owner((launch, stop))
        # The first is what is chosen before anybody chooses.
        benchmarks = sorted(BENCHMARKS, key=lambda name: name != own_benchmark(model.value))
        board = train_board(plotly=PLOTLY, benchmarks=benchmarks, questions=list(QUESTIONS), elem_id="train-board")
    _wire_buttons([fields[name] for name in FIELDS], (ask, launch, stop), board, jobs, sets)
    _wire_form(fields, line, tab, jobs, sets)
    _wire_models(board, models, sweeps, steps, model)
    open_from_link("train")


def _form(sets: SetStore, recipe: str, data: str | None) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    recipes = [(f"{name} — {told['what'].partition(':')[0]}", name) for name, told in catalogue()["recipes"].items()]
    fields["recipe"] = gr.Dropdown(recipes, value=recipe, label="Recipe", elem_id="train-recipe")
    where = "a curated set" if is_public() else "a curated set, or the path of a .jsonl or .parquet file"
    choices = _data_choices(sets, owner=not is_public())
    fields["data"] = gr.Dropdown(
        choices, value=data or choices[0][1], label="Data", info=where, allow_custom_value=True, elem_id="train-data"
    )
    fields["settings"] = gr.Textbox(
        label="Settings",
        lines=2,
        max_lines=8,
        placeholder="key=value, one per line, such as max_steps=20",
        max_length=4_000,
    )
    fields["key"] = gr.Dropdown(
        _key_choices(recipe), value=None, label="Available settings", info="with their defaults", elem_id="train-keys"
    )
    _place(fields)
    with gr.Row(elem_id="train-numbers"):
        fields["processes"].render()
        fields["on"] = gr.Textbox(label="Preflight for", placeholder="here, or 16xH100", max_length=100)
    fields["name"] = gr.Textbox(label="Name of the run", placeholder="made of recipe and data", max_length=100)
    return fields


def _place(fields: dict[str, Any]) -> None:
    """Where it runs; offered where Slurm is."""
    fields["where"] = gr.Radio(
        [HERE, SLURM], value=HERE, label="Run on", visible=slurm_is_here(), elem_id="train-where"
    )
    with gr.Row(elem_id="train-slurm", visible=False) as row:
        fields["nodes"] = gr.Number(1, label="Nodes", precision=0)
        fields["gpus"] = gr.Number(0, label="GPUs of each node", precision=0)
        fields["partition"] = gr.Textbox(label="Partition", placeholder="any", max_length=100)
        fields["time"] = gr.Textbox(A_DAY, label="Time at most", max_length=20)
    fields["processes"] = gr.Number(max(1, catalogue()["gpus"]), label=_PROCESSES, precision=0, render=False)
    fields["where"].change(
        lambda where: (
            gr.update(visible=where == SLURM),
            gr.update(label=f"{_PROCESSES}{_OF_EACH * (where == SLURM)}"),
        ),
        fields["where"],
        [row, fields["processes"]],
        show_progress="hidden",
        api_visibility="private",
        queue=False,
        trigger_mode="multiple",
    )


def _data_choices(sets: SetStore, *, owner: bool) -> list[tuple[str, str]]:
    """The curated sets that have rows, the newest first."""
    found = [(sets.line(one), one) for one in sets.all(owner=owner)]
    return [(f"{line['title']}, {_rows(one, line['rows'])}", one.id) for line, one in found if line["rows"]] + MADE


def _rows(one: CuratedSet, count: int) -> str:
    if not one.example:
        return f"{count:,} rows"
    rows = one.rows()
    return f"{rows.table.num_rows if rows else 0} rows of the example"


def _key_choices(recipe: str) -> list[tuple[str, str]]:
    return [(f"{key} = {value}", f"{key}={value}") for key, value in keys_of(recipe)]


def _asked(request: gr.Request, values: tuple[Any, ...], sets: SetStore) -> TrainingRequest:
    form: dict[str, Any] = dict(zip(FIELDS, values, strict=True))
    # Before anything is read: whether a file or a home folder is there is nobody else's business.
    if is_personal(form, sets):
        require_owner(request)
    return read_form(form, sets, owner=sees_all(request))


def _wire_buttons(
    inputs: list[Any], buttons: tuple[gr.Button, ...], board: gr.HTML, jobs: TrainJobs, sets: SetStore
) -> None:
    updates = BoardUpdates()
    ask, launch, stop = buttons

    def on_preflight(request: gr.Request, *values: Any) -> View:
        def work() -> View:
            return {"report": train_form.preflight(_asked(request, values, sets))}

        return updates.of("preflight", work)

    def on_launch(request: gr.Request, warned: str, *values: Any) -> tuple[View, str]:
        words: list[str] = []

        def work() -> View:
            require_owner(request)
            asked = _asked(request, values, sets)
            words.append(asked.command(jobs.root))
            report = None if warned == words[0] else train_form.shortfall(asked)
            return {"kind": "preflight", "report": report, "text": _TIGHT} if report else {"run": jobs.launch(asked)}

        update = updates.of("launched", work)
        return update, words[0] if update["kind"] == "preflight" else ""

    def on_stop(request: gr.Request, shown: str) -> View:
        def work() -> View:
            require_owner(request)
            return {"text": jobs.stop(shown)}

        return updates.of("said", work)

    shown = gr.Textbox(visible=False)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    ask.click(on_preflight, inputs, board, concurrency_limit=4, **quiet)
    warned = gr.State("")  # the command about which this page was warned that it does not fit
    launch.click(on_launch, [warned, *inputs], [board, warned], concurrency_limit=4, **quiet)
    stop.click(on_stop, shown, board, js=_SHOWN_RUN, **quiet)


def _wire_models(
    board: gr.HTML, models: TrainedModels, sweeps: TrainEvals, steps: TrainSteps, model: gr.Dropdown
) -> None:
    """What the buttons at a run's checkpoints do; a page that is opened later knows the models too."""
    updates = BoardUpdates()

    def on_open() -> Any:
        return gr.update(choices=models.names) if models.any else gr.skip()

    def on_ask(request: gr.Request, asked: Any) -> tuple[View, Any]:
        def work() -> View:
            require_owner(request)
            run, step = models.run(str(asked.get("run"))), read_step(asked.get("step"))
            if step is not None and run.model(step) is None:
                return {"kind": "writing", "text": steps.write(run, step), "run": run.name}
            if asked.get("what") == "evaluate":
                sentence = sweeps.launch(run, asked.get("benchmark"), asked.get("questions"), step)
                return {"kind": "evaluating", "text": sentence, "run": run.name}
            return {"model": models.offer(run.name, step)}

        asked = asked if isinstance(asked, dict) else {}
        found = updates.of("tried", work)
        tried = found["kind"] == "tried"
        return found, gr.update(choices=models.names, value=found["model"]) if tried else gr.skip()

    page = current_page()
    page.load(on_open, None, model, **QUIET)
    board.submit(on_ask, board, [board, model], **QUIET)


_SHOWN_RUN = """() => document.querySelector('.train .board-pick select')?.value ?? ''"""


def _wire_form(fields: dict[str, Any], line: gr.HTML, tab: gr.Tab, jobs: TrainJobs, sets: SetStore) -> None:
    inputs = [fields[name] for name in FIELDS]
    updates = BoardUpdates()

    def on_change(request: gr.Request, *values: Any) -> View:
        def work() -> View:
            asked = _asked(request, values, sets)
            # The owner sees what runs here, others what would run at their own place.
            return {"line": asked.command(jobs.root) if is_owner(request) else asked.command_elsewhere()}

        return updates.of("command", work)

    def on_open(request: gr.Request) -> Any:
        return gr.update(choices=_data_choices(sets, owner=sees_all(request)))

    typed = [fields[name] for name in ("settings", "name", "on", "partition", "time")]
    chosen = [fields[name] for name in ("recipe", "data", "where", "processes", "nodes", "gpus")]
    changes = [tab.select, *(field.blur for field in typed), *(field.change for field in (*chosen, fields["settings"]))]
    gr.on(changes, on_change, inputs, line, trigger_mode="always_last", **QUIET)
    gr.on([tab.select, fields["data"].focus], on_open, None, fields["data"], **QUIET)
    fields["recipe"].change(
        lambda recipe: gr.update(choices=_key_choices(recipe)),
        fields["recipe"],
        fields["key"],
        trigger_mode="multiple",
        **QUIET,
    )
    # A key that is chosen becomes a line of the settings, to be changed there.
    fields["key"].input(
        None, [fields["settings"], fields["key"]], [fields["settings"], fields["key"]], js=_ADD_KEY, **QUIET
    )


_ADD_KEY = (
    """(settings, line) => [[...(settings || '').split('\\n').filter((one) => one.trim()), line].join('\\n'), null]"""
)
