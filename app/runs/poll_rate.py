"""How often a page is told of its run: 20 times a second, and less when many look on, so that nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator, Iterable
from typing import Any

OFTEN_S = 0.05
EACH_S = 0.01
"""Of the event loop's time, for one page: about three times what Gradio takes to tell it something (`make load`)."""


class Refresh:
    """Shared by all who look on. For one event loop."""

    def __init__(self) -> None:
        self._looking = 0

    @property
    def every_s(self) -> float:
        """The time between two looks of one page."""
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
        """Wait until it is time, or until one of the tasks has ended."""
        await asyncio.wait(list(tasks), timeout=self.every_s)


REFRESH = Refresh()
