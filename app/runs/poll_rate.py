"""How often a page is updated: 20 times a second, and less often with many pages, so that updates never queue up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator, Iterable
from typing import Any

OFTEN_S = 0.05
EACH_S = 0.01
"""Of the event loop's time, for one page: about three times the cost of one update in Gradio (`make load`)."""


class Refresh:
    """The update interval, shared by all open pages. For one event loop."""

    def __init__(self) -> None:
        self._looking = 0

    @property
    def every_s(self) -> float:
        """Seconds between two updates of one page."""
        return max(OFTEN_S, EACH_S * self._looking)

    @contextlib.contextmanager
    def looking(self) -> Generator[None, None, None]:
        """Count one more page while the block runs."""
        self._looking += 1
        try:
            yield
        finally:
            self._looking -= 1

    async def next_look(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        """Wait for the next update, or until one of the tasks has ended."""
        await asyncio.wait(list(tasks), timeout=self.every_s)


REFRESH = Refresh()
