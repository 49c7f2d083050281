"""The page's own components: a stepped slider and the stage on which a run is shown.

Both are `gr.HTML` with a fixed template. Values reach the page as JSON and enter it through `textContent` only: what
a template interpolates would be executed (`{{ }}` and `${ }` alike), so templates here interpolate nothing that a
model or a visitor wrote.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.context import Context

_APP = Path(__file__).parents[1]
CURVES_SCRIPTS = (
    "shell/tools.js",
    "runs/trace.js",
    *(
        f"tabs/curves/curves.{part}.js"
        for part in ("tools", "chart", "metrics", "compare", "samples", "import", "link")
    ),
    "tabs/curves/curves.js",
)
"""One script to the browser: each file but the last defines functions, the last one wires them."""
RACE_SCRIPTS = (
    "shell/tools.js",
    "runs/run.js",
    "runs/trace.js",
    *(f"tabs/compare/race.{part}.js" for part in ("words", "tape", "lanes", "chart", "player", "talk")),
)
"""What plays a race: on the Compare tab, and in a file of its own that is opened without this app."""
COMPARE_SCRIPTS = (
    *RACE_SCRIPTS,
    *(f"tabs/compare/compare.{part}.js" for part in ("form", "link", "share")),
    *("tabs/compare/lab/lab.tree.js", "tabs/compare/lab/lab.trunk.js", "tabs/compare/lab/lab.js"),
    "tabs/compare/compare.js",
)

CURATE_SCRIPTS = (
    *("shell/tools.js", "shell/board.js", "shell/charts.js"),
    *(f"tabs/curate/curate.{part}.js" for part in ("funnel", "charts", "lists")),
    "tabs/curate/curate.js",
)
TRAIN_SCRIPTS = (
    *("shell/tools.js", "shell/board.js", "shell/charts.js"),
    *(f"tabs/train/train.{part}.js" for part in ("charts", "preflight", "runs", "saved")),
    "tabs/train/train.js",
)


def read_static(name: str) -> str:
    """Return a file by its path under `app/`."""
    return (_APP / name).read_text(encoding="utf-8")


def stepped_slider(
    *, label: str, stops: Sequence[int], value: int, unit: str, info: str = "", **settings: Any
) -> gr.HTML:
    """A slider whose value is a count and whose thumb rests at given stops, evenly spaced however far they lie apart.

    The native range input stays underneath, with the true value: keyboards, screen readers and tests use that one.
    """
    template = read_static("shell/slider.html")
    for name, text in {"LABEL": label, "UNIT": unit, "INFO": info}.items():
        template = template.replace(f"[{name}]", html.escape(text))
    script = read_static("shell/slider.js")
    return _component(template, script, value=value, label=label, stops=list(stops), unit=unit, **settings)


def stage(*, example: str, **settings: Any) -> gr.HTML:
    """Where a run is shown: meter, trace, track, answer and receipt, from the JSON of `session.ThinkRun.view`."""
    template = read_static("tabs/think/stage.html").replace("[EXAMPLE]", html.escape(example))
    script = "\n".join(
        read_static(name)
        for name in ("shell/tools.js", "runs/run.js", "runs/trace.js", "tabs/think/track.js", "tabs/think/stage.js")
    )
    return _component(template, script, value=None, **settings)


def curves_board(*, plotly: str, largest_mb: int, **settings: Any) -> gr.HTML:
    """The board of the Curves tab: draws the JSON of `curves_live.LiveSweep.view` and what `curves_routes` answers.

    Args:
        plotly: the name of the drawing library under `/curves/`.
        largest_mb: of a file that may be added.
        **settings: for `gr.HTML`.
    """
    script = "\n".join(read_static(name) for name in CURVES_SCRIPTS)
    return _component(
        read_static("tabs/curves/curves.html"), script, value=None, plotly=plotly, largest_mb=largest_mb, **settings
    )


def compare_board(**settings: Any) -> gr.HTML:
    """The board of the Compare tab: form, lanes, chart, player, Wait lab, from the JSON of `compare_race.Race.view`."""
    script = "\n".join(read_static(name) for name in COMPARE_SCRIPTS)
    template = read_static("tabs/compare/compare.html")
    for place, part in {"[RACE]": "tabs/compare/race.html", "[LAB]": "tabs/compare/lab/lab.html"}.items():
        template = template.replace(place, read_static(part))
    return _component(template, script, value=None, **settings)


def curate_board(*, plotly: str, **settings: Any) -> gr.HTML:
    """The board of the Curate tab: draws what `curate_routes` answers; its value is the news of the form's buttons.

    Args:
        plotly: the name of the drawing library under `/curves/`.
        **settings: for `gr.HTML`.
    """
    script = "\n".join(read_static(name) for name in CURATE_SCRIPTS)
    return _component(read_static("tabs/curate/curate.html"), script, value=None, plotly=plotly, **settings)


def train_board(*, plotly: str, **settings: Any) -> gr.HTML:
    """The board of the Train tab: draws what `train_routes` answers; its value is the news of the form's buttons.

    Args:
        plotly: the name of the drawing library under `/curves/`.
        **settings: for `gr.HTML`.
    """
    script = "\n".join(read_static(name) for name in TRAIN_SCRIPTS)
    return _component(read_static("tabs/train/train.html"), script, value=None, plotly=plotly, **settings)


def command_line(**settings: Any) -> gr.HTML:
    """What would run, as a line for a shell that can be copied; or what keeps it from running."""
    script = "\n".join(read_static(name) for name in ("shell/tools.js", "shell/command.js"))
    return _component(read_static("shell/command.html"), script, value=None, **settings)


def open_from_link(tab: str) -> None:
    """Have an address with `?tab=` open this tab, whose `elem_id` is its name with `-tab`."""
    asked = 'new URLSearchParams(location.search).get("tab")'
    click = f'document.getElementById("{tab}-tab-button")?.click()'
    page = Context.root_block
    assert page is not None, "tabs are built inside the page"
    page.load(None, None, None, js=f'() => {{ if ({asked} === "{tab}") {click}; }}')


def note(*, kind: str, value: str = "", **settings: Any) -> gr.HTML:
    """One line of plain text under a field; hidden while there is nothing to say."""
    template = f'<p class="note note-{kind}" role="status" aria-live="polite" hidden></p>'
    return _component(template, read_static("shell/note.js"), value=value, **settings)


def _component(template: str, script: str, *, value: Any, **settings: Any) -> gr.HTML:
    """Make a component of a fixed template and a script that draws its value, which may be any JSON."""
    # Not a subclass: Gradio would write a generated stub file next to its module.
    return gr.HTML(value=value, html_template=template, js_on_load=script, apply_default_css=False, **settings)
