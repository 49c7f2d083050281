"""A reply as server-sent events. A comment line after every silence shows clients and proxies that it goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import Send

SILENCE_S = 10.0
"""After so many seconds without a word a comment is sent."""
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_COMMENT = b": still working\n\n"


class EventStream:
    """Sends what it is given; the status and headers go with whatever comes first, a comment included."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._spoke_s = time.monotonic()
        self._sending = asyncio.Lock()
        self._over = False
        self.begun = False
        """The status is sent: later errors can only be reported in the stream."""

    @asynccontextmanager
    async def alive(self) -> AsyncGenerator[None, None]:
        """Break every silence with a comment for the length of a block."""
        beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            self._over = True
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating

    async def say(self, data: Mapping[str, Any]) -> None:
        """Send one event."""
        await self._write(f"data: {json.dumps(data)}\n\n".encode())

    async def end(self) -> None:
        """Send the last event."""
        await self._write(b"data: [DONE]\n\n", more=False)

    async def _write(self, body: bytes, *, more: bool = True) -> None:
        async with self._sending:
            if self._over:  # a comment that comes too late, where somebody else answers by now
                return
            if not self.begun:
                self.begun = True
                await self._send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
            self._spoke_s = time.monotonic()

    async def _beat(self) -> None:
        while True:
            silent_s = time.monotonic() - self._spoke_s
            if silent_s < SILENCE_S:
                await asyncio.sleep(SILENCE_S - silent_s)
            else:
                # Whole, even if the beat ends meanwhile: half a response would be none.
                await asyncio.shield(self._write(_COMMENT))
