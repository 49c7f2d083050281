"""Keeps the fields of a form in the browser, so that they survive a restart of the server."""

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


def keep(name: str, fields: Sequence[Component], shown: Component, restored: View) -> None:
    """Store these fields, and restore them when the page is loaded again in the same browser tab.

    Args:
        name: storage key.
        fields: the first is the question.
        shown: component that says that the server was restarted.
        restored: its value then; the question is added to it.
    """
    page = current_page()
    script = read_assets("shell/keep.js")
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    changed = f"(...values) => {{ {script} s1Keep.change({json.dumps(name)}, values); return []; }}"
    gr.on([field.change for field in fields], None, list(fields), None, js=changed, **quiet)  # type: ignore[attr-defined]
    loaded = f"() => {{ {script} return s1Keep.restored({json.dumps(name)}, {len(fields)}, {json.dumps(restored)}); }}"
    page.load(None, None, [*fields, shown], js=loaded, **quiet)
