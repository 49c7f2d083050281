"""The board of the Compare tab as one component."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.shell.components import component, read_assets

RACE_SCRIPTS = (
    "shell/tools.js",
    "runs/run.js",
    "runs/trace.js",
    "runs/tape.js",
    "runs/player.js",
    *(f"tabs/compare/race.{part}.js" for part in ("words", "trunk", "lanes", "chart", "talk")),
)
"""What plays a race: on the Compare tab, and in a file of its own that is opened without this app."""
COMPARE_SCRIPTS = (
    *RACE_SCRIPTS,
    *(f"tabs/compare/compare.{part}.js" for part in ("form", "link", "share")),
    *("tabs/compare/lab/lab.tree.js", "tabs/compare/lab/lab.trunk.js", "tabs/compare/lab/lab.js"),
    "tabs/compare/compare.js",
)


def race_markup() -> str:
    """The markup of lanes and player."""
    return read_assets("tabs/compare/race.html").replace("[PLAYER]", read_assets("runs/player.html"))


def compare_board(**settings: Any) -> gr.HTML:
    """The board of the Compare tab: form, lanes, chart, player, Wait lab, from the JSON of `Race.view`."""
    script = read_assets(*COMPARE_SCRIPTS)
    template = read_assets("tabs/compare/compare.html")
    for place, markup in {"[RACE]": race_markup(), "[LAB]": read_assets("tabs/compare/lab/lab.html")}.items():
        template = template.replace(place, markup)
    return component(template, script, value=None, **settings)
