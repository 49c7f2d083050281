"""A form that outlives the server: its fields are kept in the browser, for when the page is loaded anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from app.shell.components import read_assets
from app.shell.gradio_compat import current_page
from app.shell.responses import View

BACK = "The server was started anew, and what it was doing is lost. Your question and settings are kept: press Run."


def keep(name: str, fields: Sequence[Component], shown: Component, told: View) -> None:
    """Keep what these fields hold, and fill them in when the page is loaded again in the same tab of the browser.

    Args:
        name: under which they are kept.
        fields: the first is the question.
        shown: where it is told that another server answers now.
        told: what is shown then; its question is put in.
    """
    page = current_page()
    script = read_assets("shell/keep.js")
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    changed = f"(...values) => {{ {script} s1Keep.change({json.dumps(name)}, values); return []; }}"
    gr.on([field.change for field in fields], None, list(fields), None, js=changed, **quiet)  # type: ignore[attr-defined]
    loaded = f"() => {{ {script} return s1Keep.restored({json.dumps(name)}, {len(fields)}, {json.dumps(told)}); }}"
    page.load(None, None, [*fields, shown], js=loaded, **quiet)
