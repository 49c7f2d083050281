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

_STATIC = Path(__file__).parent / "static"
CURVES_SCRIPTS = (
    "tools.js",
    "trace.js",
    *(f"curves.{part}.js" for part in ("tools", "chart", "metrics", "compare", "samples", "import", "link")),
    "curves.js",
)
"""One script to the browser: each file but the last defines functions, the last one wires them."""
RACE_SCRIPTS = (
    "tools.js",
    "run.js",
    "trace.js",
    *(f"race.{part}.js" for part in ("words", "tape", "lanes", "chart", "player", "talk")),
)
"""What plays a race: on the Compare tab, and in a file of its own that is opened without this app."""
COMPARE_SCRIPTS = (
    *RACE_SCRIPTS,
    *(f"compare.{part}.js" for part in ("form", "link", "share")),
    *("lab.tree.js", "lab.trunk.js", "lab.js"),
    "compare.js",
)

CURATE_SCRIPTS = (
    *("tools.js", "board.js", "charts.js"),
    *(f"curate.{part}.js" for part in ("funnel", "charts", "lists")),
    "curate.js",
)
TRAIN_SCRIPTS = (
    *("tools.js", "board.js", "charts.js"),
    *(f"train.{part}.js" for part in ("charts", "preflight", "runs", "saved")),
    "train.js",
)


def read_static(name: str) -> str:
    """Return a file of `app/static`."""
    return (_STATIC / name).read_text(encoding="utf-8")


def stepped_slider(
    *, label: str, stops: Sequence[int], value: int, unit: str, info: str = "", **settings: Any
) -> gr.HTML:
    """A slider whose value is a count and whose thumb rests at given stops, evenly spaced however far they lie apart.

    The native range input stays underneath, with the true value: keyboards, screen readers and tests use that one.
    """
    template = read_static("slider.html")
    for name, text in {"LABEL": label, "UNIT": unit, "INFO": info}.items():
        template = template.replace(f"[{name}]", html.escape(text))
    script = read_static("slider.js")
    return _component(template, script, value=value, label=label, stops=list(stops), unit=unit, **settings)


def stage(*, example: str, **settings: Any) -> gr.HTML:
    """Where a run is shown: meter, trace, track, answer and receipt, from the JSON of `session.ThinkRun.view`."""
    template = read_static("stage.html").replace("[EXAMPLE]", html.escape(example))
    script = "\n".join(read_static(name) for name in ("tools.js", "run.js", "trace.js", "track.js", "stage.js"))
    return _component(template, script, value=None, **settings)


def curves_board(*, plotly: str, largest_mb: int, **settings: Any) -> gr.HTML:
    """The board of the Curves tab: draws the JSON of `curves_live.LiveSweep.view` and what `curves_routes` answers.

    Args:
        plotly: the name of the drawing library under `/curves/`.
        largest_mb: of a file that may be added.
        **settings: for `gr.HTML`.
    """
    script = "\n".join(read_static(name) for name in CURVES_SCRIPTS)
    return _component(read_static("curves.html"), script, value=None, plotly=plotly, largest_mb=largest_mb, **settings)


def compare_board(**settings: Any) -> gr.HTML:
    """The board of the Compare tab: form, lanes, chart, player, Wait lab, from the JSON of `compare_race.Race.view`."""
    script = "\n".join(read_static(name) for name in COMPARE_SCRIPTS)
    template = read_static("compare.html")
    for place, part in {"[RACE]": "race.html", "[LAB]": "lab.html"}.items():
        template = template.replace(place, read_static(part))
    return _component(template, script, value=None, **settings)


def curate_board(*, plotly: str, **settings: Any) -> gr.HTML:
    """The board of the Curate tab: draws what `curate_routes` answers; its value is the news of the form's buttons.

    Args:
        plotly: the name of the drawing library under `/curves/`.
        **settings: for `gr.HTML`.
    """
    script = "\n".join(read_static(name) for name in CURATE_SCRIPTS)
    return _component(read_static("curate.html"), script, value=None, plotly=plotly, **settings)


def train_board(*, plotly: str, **settings: Any) -> gr.HTML:
    """The board of the Train tab: draws what `train_routes` answers; its value is the news of the form's buttons.

    Args:
        plotly: the name of the drawing library under `/curves/`.
        **settings: for `gr.HTML`.
    """
    script = "\n".join(read_static(name) for name in TRAIN_SCRIPTS)
    return _component(read_static("train.html"), script, value=None, plotly=plotly, **settings)


def command_line(**settings: Any) -> gr.HTML:
    """What would run, as a line for a shell that can be copied; or what keeps it from running."""
    script = "\n".join(read_static(name) for name in ("tools.js", "command.js"))
    return _component(read_static("command.html"), script, value=None, **settings)


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
    return _component(template, read_static("note.js"), value=value, **settings)


def _component(template: str, script: str, *, value: Any, **settings: Any) -> gr.HTML:
    """Make a component of a fixed template and a script that draws its value, which may be any JSON."""
    # Not a subclass: Gradio would write a generated stub file next to its module.
    return gr.HTML(value=value, html_template=template, js_on_load=script, apply_default_css=False, **settings)
