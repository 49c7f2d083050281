"""Blocks Gradio endpoints that this app does not use, so that nobody uploads files or makes this server fetch a URL.

Gradio takes files by its own upload, and fetches the address in any input that looks like a file. This page has no
such input; its own routes take files (`tabs/curves/routes.py`, `tabs/compare/routes.py`).
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from fastapi.responses import JSONResponse

from app.access.security_headers import App, Receive, Send

_API = "/gradio_api/"
_POSTS = re.compile(r"(queue/join|(call|run|api)/.*|cancel|reset)/?")
"""What the page and clients of the documented calls send."""
_GETS = re.compile(r"(proxy=|file=|file/|stream/|dev/|vibe|deep_link).*", re.DOTALL)
"""Unused endpoints; a deep link would write a file for every request."""
_TOOLS = re.compile(r"mcp/?")
"""Where agents call the tools (`app/api/mcp.py`)."""
_ABOUT_TOOLS = re.compile(r"mcp(/(?!schema).*)?", re.DOTALL)
"""Streams that no client needs, since every call is answered in its own response."""
_ELSEWHERE = re.compile(r"/(monitoring.*|login/?)", re.DOTALL)
"""The same, beside Gradio's API; `login/huggingface` is how the owner signs in on a Space."""


class Closed:
    """Answers 403 to every endpoint that is not on the list."""

    def __init__(self, app: App, *, tools: bool = False) -> None:
        """Wrap `app`.

        Args:
            app: Gradio's ASGI app.
            tools: whether it has tools for agents.
        """
        self._app, self._tools = app, tools

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and (status := self._refusal(scope["method"], scope["path"])):
            response = JSONResponse({"error": "This page has no use for that."}, status_code=status)
            await response(scope, receive, send)  # type: ignore[arg-type]
            return
        await self._app(scope, receive, send)

    def _refusal(self, method: str, path: str) -> int | None:
        """Return the status to refuse with, or None for an allowed endpoint."""
        if not path.startswith(_API):
            return 403 if _ELSEWHERE.fullmatch(path) else None
        rest = path.removeprefix(_API)
        if self._tools and _TOOLS.fullmatch(rest):
            return None if method == "POST" else 405  # by which clients know that there is no stream to open
        if method in ("GET", "HEAD", "OPTIONS"):
            return 403 if _GETS.match(rest) or _ABOUT_TOOLS.fullmatch(rest) else None
        return None if _POSTS.fullmatch(rest) else 403
