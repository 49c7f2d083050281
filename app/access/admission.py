"""Admission control: concurrent runs in total and per visitor, and queue length, on a public page."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

from app.access.limits import is_public
from s1core import S1Error

UPDATE_EVERY_S = 0.25
Step = TypeVar("Step")


class Busy(S1Error, RuntimeError):
    """The queue is full; the message says which limit was reached."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """The limits of a page."""

    at_once: int
    """Runs."""
    per_visitor: int
    """Runs of one visitor, those that wait included."""
    waiting: int
    """Requests in the queue."""


class Ticket:
    """A request that is queued or running."""

    def __init__(self, visitor: str, runs: int, gate: Gate) -> None:
        self.visitor, self.runs = visitor, runs
        self._gate = gate

    async def turn(self) -> None:
        """Wait until the request may run."""
        while self._gate.number(self):
            await asyncio.sleep(UPDATE_EVERY_S)

    async def before(self, steps: AsyncGenerator[Step, None]) -> AsyncGenerator[Step | str, None]:
        """Yield the position in the queue until the request may run, and then all that `steps` yields."""
        async with aclosing(steps):
            while number := self._gate.number(self):
                yield f"In line: place {number}."
                await asyncio.sleep(UPDATE_EVERY_S)
            async for step in steps:
                yield step


class Gate:
    """First in, first out; without limits where the page is not public. For one event loop."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._places: list[Ticket] = []

    @contextlib.contextmanager
    def place(self, visitor: str, runs: int = 1) -> Generator[Ticket, None, None]:
        """Queue a request while a block runs.

        Args:
            visitor: who asks, from `visitor_of`.
            runs: how many runs the request makes at once.

        Raises:
            Busy: there is none, or too many runs are asked for.
        """
        place = Ticket(visitor, runs, self)
        if is_public():
            self._refuse(visitor, runs)
            self._places.append(place)
        try:
            yield place
        finally:
            if place in self._places:
                self._places.remove(place)

    def number(self, place: Ticket) -> int:
        """Return the position in the queue, from 1; 0 for a request that may run."""
        waits = self._waiting()
        return waits.index(place) + 1 if place in waits else 0

    def _refuse(self, visitor: str, runs: int) -> None:
        room = self._room
        own = sum(place.runs for place in self._places if place.visitor == visitor)
        if own + runs > room.per_visitor:
            raise Busy(
                f"One visitor may have {room.per_visitor} runs at once here, and you have {own} and ask for {runs}; "
                "ask for less, or wait until yours are done."
            )
        if len(self._waiting()) >= room.waiting:
            raise Busy(
                f"All places are taken, and {room.waiting} visitors are in line, the most here; "
                "try again in a moment, or start a playground yourself."
            )

    def _waiting(self) -> list[Ticket]:
        taken, waits = 0, list[Ticket]()
        for place in self._places:
            taken += place.runs
            # First in, first out: otherwise small requests would keep a large one waiting forever.
            if waits or taken > self._room.at_once:
                waits.append(place)
        return waits


def visitor_of(request: Any) -> str:
    """Return the identity of a visitor: the address that a request comes from."""
    if os.environ.get("SPACE_ID"):
        # On a Space all connections come from its proxy. A forged header evades the limit per visitor, never the total.
        forwarded = str(dict(request.headers).get("x-forwarded-for", "")).partition(",")[0].strip()
        if forwarded:
            return forwarded[:64]
    return str(getattr(request.client, "host", None) or "")
