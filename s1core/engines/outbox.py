"""From the worker's thread to whoever reads: one outbox a request, for synchronous and asynchronous readers.

A reader that lags gets several chunks in one; nothing is lost and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import queue
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from s1core.engines.base import Chunk
from s1core.errors import EngineFailed


class Outbox(Protocol):
    """Where the worker puts what it sampled."""

    def put(self, item: Chunk | EngineFailed) -> bool:
        """Deliver; False when the reader is gone for good."""
        ...


class SyncOutbox:
    """Read by a thread."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[Chunk | EngineFailed] = queue.SimpleQueue()

    def put(self, item: Chunk | EngineFailed) -> bool:
        """Deliver."""
        self._items.put(item)
        return True

    def get(self) -> Chunk:
        """Wait for the next chunk, together with all that is there by then."""
        items = [self._items.get()]
        while not self._items.empty():
            items.append(self._items.get())
        return _merged(items)


class AsyncOutbox:
    """Read by a task; made on its event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._items: deque[Chunk | EngineFailed] = deque()
        self._woken = False

    def put(self, item: Chunk | EngineFailed) -> bool:
        """Deliver from another thread; wakes the reader unless that is already on its way."""
        self._items.append(item)
        if self._woken:
            return not self._loop.is_closed()
        self._woken = True
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:  # the loop is closed, so nobody will ever read this
            return False
        return True

    async def get(self) -> Chunk:
        """Wait for the next chunk, together with all that is there by then."""
        await self._ready.wait()
        self._ready.clear()
        # Before the items are taken: whatever comes later must wake us again.
        self._woken = False
        items: list[Chunk | EngineFailed] = []
        while self._items:
            items.append(self._items.popleft())
        return _merged(items) if items else await self.get()


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
