"""The page's footer: paper, source, model card and license, as links that are followed only when pressed."""

from __future__ import annotations

import html
import os
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from app.shell.components import read_assets
from s1core.errors import UnknownModel
from s1core.models import resolve

PAPER = "https://arxiv.org/abs/2501.19393"
PAPERS_CODE = "https://github.com/simplescaling/s1"
APACHE = "https://www.apache.org/licenses/LICENSE-2.0"
_LICENSE = Path(__file__).parents[2] / "LICENSE"


def footer(model: str) -> str:
    """Return the markup; `model` is the one that the page opens on."""
    links = {"Paper": PAPER, "The paper’s code": PAPERS_CODE}
    if space := os.environ.get("SPACE_ID"):
        links["Source of this Space"] = f"https://huggingface.co/spaces/{space}/tree/main"
    links |= {
        f"Model card of {model}": _card(model),
        "License: Apache-2.0": "./about/license" if _LICENSE.is_file() else APACHE,
    }
    anchors = (
        f'<a href="{html.escape(address)}" target="_blank" rel="noopener">{html.escape(name)}</a>'
        for name, address in links.items()
    )
    return read_assets("shell/footer.html").replace("[LINKS]", "\n".join(anchors))


def router(model: str) -> APIRouter:
    """Return the routes of what the footer links to and this server has."""
    routes = APIRouter(prefix="/about")

    @routes.get("/model")
    def model_card() -> Response:
        found = _readme(model)
        return PlainTextResponse(found.read_text(encoding="utf-8")) if found else Response(status_code=404)

    @routes.get("/license")
    def license_text() -> Response:
        return (
            PlainTextResponse(_LICENSE.read_text(encoding="utf-8")) if _LICENSE.is_file() else Response(status_code=404)
        )

    return routes


def _card(model: str) -> str:
    if _readme(model):
        return "./about/model"
    try:
        place = resolve(model).location
    except UnknownModel:  # an engine that was given under a name of its own
        return PAPERS_CODE
    return f"https://huggingface.co/{place}" if not Path(place).is_absolute() else PAPERS_CODE


def _readme(model: str) -> Path | None:
    """Only of a bundled model: another folder of this machine is not for visitors to read."""
    try:
        preset = resolve(model)
    except UnknownModel:
        return None
    found = Path(preset.location) / "README.md"
    return found if preset.bundled and found.is_file() else None
