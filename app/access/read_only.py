"""What a visitor who may not launch jobs sees in place of the buttons: a sentence, and the way to run one's own."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from typing import Any

import gradio as gr

from app.access.limits import is_public
from app.access.owner import is_owner, refusal
from app.shell.events import QUIET
from app.shell.gradio_compat import current_page


def offer_to_owner(buttons: Sequence[gr.Button]) -> None:
    """Show these buttons to the owner alone, and to others what they can do instead. Call it where that shall stand."""
    notice = gr.HTML(html_template=_notice(), js_on_load=None, apply_default_css=False, visible=is_public())

    def on_open(request: gr.Request) -> list[Any]:
        owner = is_owner(request)
        return [gr.update(visible=owner) for _ in buttons] + [gr.update(visible=not owner)]

    current_page().load(on_open, None, [*buttons, notice], **QUIET)


def _notice() -> str:
    sentence = html.escape(refusal(sign_in=False))
    if space := os.environ.get("SPACE_ID"):
        address = f"https://huggingface.co/spaces/{html.escape(space)}?duplicate=true"
        sentence = sentence.replace(
            "Duplicate this Space", f'<a href="{address}" target="_blank" rel="noopener">Duplicate this Space</a>'
        )
    return f'<p class="read-only">{sentence}</p>'
