"""The board of the Curate tab as one component."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.shell.components import component, read_assets

CURATE_SCRIPTS = (
    *("shell/tools.js", "shell/board.js", "shell/charts.js"),
    *(f"tabs/curate/curate.{part}.js" for part in ("funnel", "charts", "lists")),
    "tabs/curate/curate.js",
)


def curate_board(*, plotly: str, **settings: Any) -> gr.HTML:
    """The board of the Curate tab: draws what `routes.py` answers; its value is what the form's buttons return.

    Args:
        plotly: the name of the drawing library under `/curves/`.
        **settings: for `gr.HTML`.
    """
    script = read_assets(*CURATE_SCRIPTS)
    return component(read_assets("tabs/curate/curate.html"), script, value=None, plotly=plotly, **settings)
