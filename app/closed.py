"""Doors of Gradio that nothing here uses: shut, so that nobody leaves files here or makes this server fetch something.

Gradio takes files by its own upload, and fetches the address in any input that looks like a file. This page has no
such input; its own routes take files (`curves_routes.py`, `compare_routes.py`).
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any, NoReturn

import gradio as gr
from fastapi.responses import JSONResponse

from app.csp import App, Receive, Send

_API = "/gradio_api/"
_POSTS = re.compile(r"(queue/join|(call|run|api)/.*|cancel|reset)/?")
"""What the page and clients of the documented calls send."""
_GETS = re.compile(r"(proxy=|file=|file/|stream/|dev/|vibe|deep_link).*", re.DOTALL)
"""What nobody asks for here; a deep link would be a file for everyone who asks for one."""
_ELSEWHERE = re.compile(r"/(monitoring.*|login/?)", re.DOTALL)
"""The same, beside Gradio's API; `login/huggingface` is how the owner signs in on a Space."""


class Closed:
    """Answers 403 where Gradio would do more than this page needs."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and _is_shut(scope["method"], scope["path"]):
            response = JSONResponse({"error": "This page has no use for that."}, status_code=403)
            await response(scope, receive, send)  # type: ignore[arg-type]
            return
        await self._app(scope, receive, send)


def _is_shut(method: str, path: str) -> bool:
    if not path.startswith(_API):
        return bool(_ELSEWHERE.fullmatch(path))
    rest = path.removeprefix(_API)
    if method in ("GET", "HEAD", "OPTIONS"):
        return bool(_GETS.match(rest))
    return not _POSTS.fullmatch(rest)


def take_no_files(page: gr.Blocks) -> None:
    """Let no component fetch an address or copy a file that an input names."""

    def refuse(url_or_file_path: Any) -> NoReturn:
        raise gr.Error("Neither files nor addresses are taken here; send text.")

    async def refuse_later(url_or_file_path: Any) -> NoReturn:
        refuse(url_or_file_path)

    for block in page.blocks.values():
        block.move_resource_to_block_cache = refuse
        block.async_move_resource_to_block_cache = refuse_later
