"""Checks of every request: rate limit per visitor, same origin, maximum body size and JSON depth.

Pure ASGI, so that streams pass through unbuffered. Routes that take files or forms of their own count those themselves.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import MutableMapping
from typing import Any

from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from app.access.admission import visitor_of
from app.access.json_depth import is_deeper
from app.access.limits import is_public
from app.access.owner import is_same_origin
from app.access.rate_limit import Pace
from app.access.security_headers import App, Message, Receive, Send
from app.shell.responses import openai_error

SAFE = ("GET", "HEAD", "OPTIONS")
MOST_BYTES, IN_PUBLIC_BYTES = 4 * 2**20, 256 * 2**10
"""Maximum body for Gradio, in bytes: the longest question with every character escaped; and on a public page."""
MOST_DEPTH = 32
SLOWEST_S = 30.0
"""For a body to arrive."""
ONE_VISITOR, EVERYBODY = (20.0, 400), (400.0, 4_000)
"""Requests a second, and how many at once before that counts."""
RETRY_S = 5
"""After which a rate-limited visitor may send another hundred requests."""
_FREE = re.compile(r"/(assets|static|svelte|theme|favicon|manifest|fonts/|curves/plotly-)")
"""Files of the page, of which a visit needs hundreds."""


class Refused(Exception):
    """The request is refused."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class Entrance:
    """Answers refused requests with one sentence and passes on the rest."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._visitors = Pace(*ONE_VISITOR)
        self._everybody = Pace(*EVERYBODY)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            receive = await self._admit(Request(scope, receive), receive)  # type: ignore[arg-type]
        except Refused as refused:
            await _answer(refused, scope["path"])(scope, receive, send)  # type: ignore[arg-type]
        except ClientDisconnect:
            return
        else:
            await self._app(scope, receive, send)

    async def _admit(self, request: Request, receive: Receive) -> Receive:
        """Return what the request is read from, once it may be."""
        path = request.url.path
        if is_public() and not _FREE.match(path):
            self._count(visitor_of(request))
        if request.method in SAFE:
            return receive
        if not is_same_origin(request.headers):
            raise Refused(403, "Pages of other hosts may send nothing here; open the playground itself.")
        return await _read_before(request, receive) if path.startswith("/gradio_api/") else receive

    def _count(self, visitor: str) -> None:
        if not self._visitors.lets(visitor) or not self._everybody.lets(""):
            raise Refused(429, f"More requests come than will be answered; wait {RETRY_S} seconds and try again.")


async def _read_before(request: Request, receive: Receive) -> Receive:
    """Read the whole body, which has an end, and return what gives it once more."""
    content = bytearray()
    most = IN_PUBLIC_BYTES if is_public() else MOST_BYTES
    try:
        async with asyncio.timeout(SLOWEST_S):
            async for part in request.stream():
                content += part
                if len(content) > most:
                    raise Refused(
                        413, f"The request has more than {most:,} bytes, the most here; shorten the question."
                    )
    except TimeoutError:
        raise Refused(408, f"The request did not arrive within {SLOWEST_S:.0f} seconds; send it again.") from None
    if await run_in_threadpool(is_deeper, bytes(content), MOST_DEPTH):
        raise Refused(400, f"The request is nested more than {MOST_DEPTH} deep; nothing here needs that.")
    held: list[Message] = [{"type": "http.request", "body": bytes(content), "more_body": False}]

    async def again() -> Message:
        return held.pop() if held else await receive()

    return again


def _answer(refused: Refused, path: str) -> JSONResponse:
    said: dict[str, Any] = {"error": refused.words, "detail": refused.words}  # Gradio's own client shows the latter
    if path.startswith("/v1/"):
        said = openai_error(refused.words, status=refused.status)
    headers = {"cache-control": "no-store"} | ({"retry-after": str(RETRY_S)} if refused.status == 429 else {})
    return JSONResponse(said, status_code=refused.status, headers=headers)
