"""The board of the Train tab as one component."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.shell.components import component, read_assets

TRAIN_SCRIPTS = (
    *("shell/tools.js", "shell/board.js", "shell/charts.js"),
    *(f"tabs/train/train.{part}.js" for part in ("charts", "preflight", "runs", "saved")),
    "tabs/train/train.js",
)


def train_board(*, plotly: str, **settings: Any) -> gr.HTML:
    """The board of the Train tab: draws what `routes.py` answers; its value is what the form's buttons return.

    Args:
        plotly: the name of the drawing library under `/curves/`.
        **settings: for `gr.HTML`.
    """
    script = read_assets(*TRAIN_SCRIPTS)
    return component(read_assets("tabs/train/train.html"), script, value=None, plotly=plotly, **settings)
