"""The stage of the Think tab as one component."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.shell.components import component, read_assets

STAGE_SCRIPTS = (
    "shell/tools.js",
    *(f"runs/{part}.js" for part in ("run", "trace", "tape", "player", "drawing")),
    *(f"tabs/think/{part}.js" for part in ("track", "opening", "bar", "stage")),
)
"""One script to the browser: each file but the last defines functions, the last one wires them."""


def stage(*, model: str, **settings: Any) -> gr.HTML:
    """Where a run is shown: trace, player, track, answer and receipt, from the JSON of `session.ThinkRun.view`.

    Args:
        model: whose recorded pair is shown before the first run.
        **settings: for `gr.HTML`.
    """
    template = read_assets("tabs/think/stage.html").replace("[OPENING]", read_assets("tabs/think/opening.html"))
    template = template.replace("[PLAYER]", read_assets("runs/player.html"))
    template = template.replace("[BAR]", read_assets("tabs/think/bar.html"))
    return component(template, read_assets(*STAGE_SCRIPTS), value=None, model=model, **settings)
