"""How often a page is updated: 20 times a second, and less often with many pages, so that updates never queue up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator, Iterable
from typing import Any

MIN_INTERVAL_S = 0.05
INTERVAL_PER_PAGE_S = 0.01
"""Of the event loop's time, for one page: about three times the cost of one update in Gradio (`make load`)."""


class PollRate:
    """The update interval, shared by all open pages. For one event loop."""

    def __init__(self) -> None:
        self._pages = 0

    @property
    def every_s(self) -> float:
        """Seconds between two updates of one page."""
        return max(MIN_INTERVAL_S, INTERVAL_PER_PAGE_S * self._pages)

    @contextlib.contextmanager
    def open_page(self) -> Generator[None, None, None]:
        """Count one more page while the block runs."""
        self._pages += 1
        try:
            yield
        finally:
            self._pages -= 1

    async def next_update(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        """Wait for the next update, or until one of the tasks has ended."""
        await asyncio.wait(list(tasks), timeout=self.every_s)


POLL_RATE = PollRate()
