"""The board of the Curves tab as one component."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.shell.components import component, read_assets

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


def curves_board(*, plotly: str, largest_mb: int, **settings: Any) -> gr.HTML:
    """The board of the Curves tab: draws the JSON of `LiveSweep.view` and what `routes.py` answers.

    Args:
        plotly: the name of the drawing library under `/curves/`.
        largest_mb: of a file that may be added.
        **settings: for `gr.HTML`.
    """
    script = read_assets(*CURVES_SCRIPTS)
    return component(
        read_assets("tabs/curves/curves.html"), script, value=None, plotly=plotly, largest_mb=largest_mb, **settings
    )
