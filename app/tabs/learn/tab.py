"""The Learn tab: the method on one page. Static, and its text is the project's own."""

from __future__ import annotations

import gradio as gr

from app.shell.components import read_assets


def build() -> None:
    """Lay out the tab."""
    gr.HTML(
        html_template=read_assets("tabs/learn/learn.html"), js_on_load=None, apply_default_css=False, elem_id="learn"
    )
