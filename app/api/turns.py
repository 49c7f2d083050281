"""The request queue of a model: first in, first out; a full queue refuses with a Retry-After."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from s1core import S1Error

RUNNING, WAITING = 64, 256
"""Concurrent runs and queued runs."""
SHORTEST_RETRY_S, LONGEST_RETRY_S = 1, 60
FIRST_RETRY_S = 5
"""Where no run has ended yet."""
_NEWEST = 0.1
"""Weight of the newest run in the average length of one."""


class Busy(S1Error, RuntimeError):
    """The queue is full."""


class Turns:
    """Concurrent runs and queue length; further runs are refused."""

    def __init__(self, running: int = RUNNING, waiting: int = WAITING) -> None:
        self._running = asyncio.Semaphore(running)
        self._most = running + waiting
        self._usual_s: float | None = None
        self.here = 0
        """Runs that go on or wait."""

    @property
    def retry_s(self) -> int:
        """Seconds until many a place will be free: as long as a run usually takes."""
        usual_s = FIRST_RETRY_S if self._usual_s is None else self._usual_s
        return min(max(math.ceil(usual_s), SHORTEST_RETRY_S), LONGEST_RETRY_S)

    @contextmanager
    def places(self, runs: int = 1) -> Generator[None, None, None]:
        """Hold places in the queue while a block runs.

        Raises:
            Busy: there are not so many.
        """
        if self.here + runs > self._most:
            raise Busy(f"{self.here} runs go on or wait already; try again in {self.retry_s} seconds.")
        self.here += runs
        try:
            yield
        finally:
            self.here -= runs

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None, None]:
        """Wait for the turn of one run, and hold it."""
        async with self._running:
            began_s = time.monotonic()
            yield
            took_s = time.monotonic() - began_s
            self._usual_s = took_s if self._usual_s is None else (1 - _NEWEST) * self._usual_s + _NEWEST * took_s

    @asynccontextmanager
    async def taken(self) -> AsyncGenerator[None, None]:
        """Queue, wait for the turn and hold it.

        Raises:
            Busy: there is no place.
        """
        with self.places():
            async with self.turn():
                yield
