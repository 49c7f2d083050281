"""Token streams from the scheduler's thread to consumers, synchronous and asynchronous: one for each request.

A consumer is woken at once for the first token and for the end, in between at most every `PACE_S`: a wake-up costs
about as much as a decode step of a small model. A slow consumer gets several chunks merged into one; it never blocks
the scheduler, and no token is lost.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from s1core.engines.base import Chunk
from s1core.errors import EngineFailed


class TokenStream(Protocol):
    """Where the scheduler puts the chunks of one request."""

    def put(self, item: Chunk | EngineFailed) -> bool:
        """Deliver; False when the consumer is gone for good."""
        ...


PACE_S = 0.02
"""50 times a second, more often than the page draws; a model with slower tokens is read token by token."""


class _TokenStream:
    """Buffers items until a wake-up is due."""

    def __init__(self) -> None:
        self._items: deque[Chunk | EngineFailed] = deque()
        self._woke_at = -PACE_S

    def _buffer(self, item: Chunk | EngineFailed) -> bool:
        """Buffer an item; return whether to wake the consumer now. The end always does."""
        self._items.append(item)
        now = time.monotonic()
        if isinstance(item, Chunk) and item.finish is None and now - self._woke_at < PACE_S:
            return False
        self._woke_at = now
        return True

    def _take(self) -> list[Chunk | EngineFailed]:
        items: list[Chunk | EngineFailed] = []
        while self._items:
            items.append(self._items.popleft())
        return items


class SyncTokenStream(_TokenStream):
    """Read by a thread."""

    def __init__(self) -> None:
        super().__init__()
        self._ready = threading.Event()

    def put(self, item: Chunk | EngineFailed) -> bool:
        """Deliver."""
        if self._buffer(item):
            self._ready.set()
        return True

    def get(self) -> Chunk:
        """Wait for the next chunk, together with all that is there by then."""
        while True:
            self._ready.wait()
            # Before the items are taken, so that later ones set it again.
            self._ready.clear()
            if items := self._take():
                return _merged(items)


class AsyncTokenStream(_TokenStream):
    """Read by a task; made on its event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._woken = False

    def put(self, item: Chunk | EngineFailed) -> bool:
        """Deliver from another thread; wakes the consumer unless a wake-up is pending."""
        if not self._buffer(item) or self._woken:
            return not self._loop.is_closed()
        self._woken = True
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:  # the loop is closed: there is no consumer any more
            return False
        return True

    async def get(self) -> Chunk:
        """Wait for the next chunk, together with all that is there by then."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            # Before the items are taken, so that later ones set it again.
            self._woken = False
            if items := self._take():
                return _merged(items)


def _merged(items: Sequence[Chunk | EngineFailed]) -> Chunk:
    """Join consecutive chunks; raises the failure if there is one among them."""
    chunks: list[Chunk] = []
    for item in items:
        if isinstance(item, EngineFailed):
            raise item
        chunks.append(item)
    if len(chunks) == 1:
        return chunks[0]
    first, last = chunks[0], chunks[-1]
    return Chunk(
        token_ids=tuple(i for chunk in chunks for i in chunk.token_ids),
        finish=last.finish,
        stop_id=last.stop_id,
        logprobs=tuple(p for chunk in chunks for p in chunk.logprobs),
        prefill_computed=first.prefill_computed,
        prefill_reused=first.prefill_reused,
    )
