"""Runs recorded with the time of every event, for replay, saving, export and forks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.runs import render
from app.runs.request import RunRequest
from app.runs.samples import LiveSamples
from s1core.types import Event


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """An event of one of a lane's runs."""

    at_s: float
    """Seconds since all lanes began."""
    number: int
    """Which run, from 0: a vote has several."""
    event: Event


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedLane:
    """What was asked of a lane and what happened in it."""

    asked: RunRequest
    happened: Sequence[TimedEvent]
    note: str = ""
    """Why it broke off, where that is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedRace:
    """A race that is over."""

    question: str
    expected: str | None
    lanes: tuple[RecordedLane, ...]
    title: str = ""


class RecordedSamples(LiveSamples):
    """Folds the events of a lane and keeps them, with their times."""

    def __init__(self, asked: RunRequest, now_s: Callable[[], float]) -> None:
        super().__init__(asked)
        self._now_s = now_s
        self.happened: list[TimedEvent] = []

    def take(self, number: int, event: Event) -> None:
        """Fold one event of run `number`, and remember when it came."""
        self.happened.append(TimedEvent(round(self._now_s(), 4), number, event))
        super().take(number, event)


class KeptRun:
    """A run outside of a race, of which the events are kept, so that its traces can be forked when it is over."""

    def __init__(self, asked: RunRequest, expected: str | None, keep: Callable[[RecordedRace], str] | None) -> None:
        """Begin with nothing; `keep` takes the run as a race of one lane and says under which key it is found."""
        began_s = time.monotonic()
        self.live = RecordedSamples(asked, lambda: time.monotonic() - began_s)
        self._asked, self._expected, self._keep = asked, expected, keep
        self._key = ""

    def key(self, state: render.State) -> str:
        """Return the key of a run whose traces are there; empty before."""
        if not self._key and self._keep and state in ("probing", "done", "cancelled") and self.live.receipts:
            lane = RecordedLane(asked=self._asked, happened=tuple(self.live.happened))
            self._key = self._keep(RecordedRace(question=self._asked.question, expected=self._expected, lanes=(lane,)))
        return self._key
