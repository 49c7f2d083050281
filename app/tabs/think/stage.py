"""The stage of the Think tab as one component."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from app.shell.components import component, read_assets


def stage(*, example: str, **settings: Any) -> gr.HTML:
    """Where a run is shown: meter, trace, track, answer and receipt, from the JSON of `session.ThinkRun.view`."""
    template = read_assets("tabs/think/stage.html").replace("[EXAMPLE]", html.escape(example))
    script = read_assets("shell/tools.js", "runs/run.js", "runs/trace.js", "tabs/think/track.js", "tabs/think/stage.js")
    return component(template, script, value=None, **settings)
