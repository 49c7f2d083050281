"""A race as one file that plays in any browser, without this app and without a network. Pure."""

from __future__ import annotations

import html
import json

from app.shell import fonts
from app.shell.components import read_assets
from app.shell.responses import View
from app.tabs.compare.board import RACE_SCRIPTS, race_markup

STYLES = ("shell/base.css", "runs/stage.css", "runs/player.css", "tabs/compare/race.css", "tabs/compare/race.file.css")


def page(tape: View) -> str:
    """Return the whole page; the tape's texts are data in it, never markup or code."""
    parts = {
        "TITLE": html.escape(tape["question"][:200]),
        "STYLE": f"{fonts.styles(inline=True)}\n{read_assets(*STYLES)}",
        "RACE": race_markup(),
        "TAPE": _inert(tape),
        "SCRIPT": read_assets(*RACE_SCRIPTS, "tabs/compare/race.file.js"),
    }
    # One pass over the template: what is put in is not searched for further places.
    shell = read_assets("tabs/compare/race.file.html")
    pieces = shell.split("[[")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("]]")
        filled += [parts[name], rest]
    return "".join(filled)


def _inert(value: View) -> str:
    """Return JSON that cannot end the script element that holds it."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")
