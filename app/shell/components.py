"""Components that several tabs share; each is a `gr.HTML` with a fixed template, as the boards of the tabs are.

Values reach the page as JSON and enter it through `textContent` only: what a template interpolates would be executed
(`{{ }}` and `${ }` alike), so templates here interpolate nothing that a model or a visitor wrote.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from app.shell.gradio_compat import current_page

_APP = Path(__file__).parents[1]


def read_assets(*paths: str) -> str:
    """Return scripts, styles or markup, one after another, by their paths under `app/`."""
    return "\n".join((_APP / path).read_text(encoding="utf-8") for path in paths)


def stepped_slider(
    *, label: str, stops: Sequence[int], value: int, unit: str, info: str = "", **settings: Any
) -> gr.HTML:
    """A slider whose value is a count and whose thumb rests at given stops, evenly spaced however far they lie apart.

    The native range input stays underneath, with the true value: keyboards, screen readers and tests use that one.
    """
    template = read_assets("shell/slider.html")
    for name, text in {"LABEL": label, "UNIT": unit, "INFO": info}.items():
        template = template.replace(f"[{name}]", html.escape(text))
    script = read_assets("shell/slider.js")
    return component(template, script, value=value, label=label, stops=list(stops), unit=unit, **settings)


def command_line(**settings: Any) -> gr.HTML:
    """What would run, as a line for a shell that can be copied; or what keeps it from running."""
    script = read_assets("shell/tools.js", "shell/command.js")
    return component(read_assets("shell/command.html"), script, value=None, **settings)


def open_from_link(tab: str) -> None:
    """Have an address with `?tab=` open this tab, whose `elem_id` is its name with `-tab`."""
    asked = 'new URLSearchParams(location.search).get("tab")'
    click = f'document.getElementById("{tab}-tab-button")?.click()'
    page = current_page()
    page.load(None, None, None, js=f'() => {{ if ({asked} === "{tab}") {click}; }}')


def note(*, kind: str, value: str = "", details: bool = False, **settings: Any) -> gr.HTML:
    """One line of plain text under a field; hidden while there is nothing to say.

    Args:
        kind: of note, for the style sheet.
        value: the line.
        details: lines after the first one are shown when they are asked for.
        **settings: for `gr.HTML`.
    """
    template = f'<p class="note note-{kind}" role="status" aria-live="polite" hidden></p>'
    if details:
        template += '<details class="note-details" hidden><summary>Details</summary><p></p></details>'
    return component(template, read_assets("shell/note.js"), value=value, **settings)


def component(template: str, script: str, *, value: Any, **settings: Any) -> gr.HTML:
    """Make a component of a fixed template and a script that draws its value, which may be any JSON."""
    # Not a subclass: Gradio would write a generated stub file next to its module.
    return gr.HTML(value=value, html_template=template, js_on_load=script, apply_default_css=False, **settings)
