"""Finished races, kept for a while so that they can be replayed, saved, exported and forked.

Their keys cannot be guessed, so that no visitor finds another's. The least recently used are evicted.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence

from app.runs.recording import RecordedRace
from s1core import S1Error

MOST_RACES = 64
MOST_EVENTS = 150_000
"""Of all races together: some 50 MB."""


class NoSuchRace(S1Error, LookupError):
    """No race has this key, or it was evicted."""


class RaceStore:
    """Races by key; thread-safe."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._races: OrderedDict[str, RecordedRace] = OrderedDict()

    def keep(self, race: RecordedRace) -> str:
        """Store a race and return its key."""
        key = secrets.token_urlsafe(18)
        with self._lock:
            self._races[key] = race
            while len(self._races) > 1 and (len(self._races) > MOST_RACES or self._events() > MOST_EVENTS):
                self._races.popitem(last=False)
        return key

    def find(self, key: str) -> RecordedRace:
        """Return a race.

        Raises:
            NoSuchRace: no race has this key, or it was evicted.
        """
        with self._lock:
            if key not in self._races:
                raise NoSuchRace("This race is no longer here; races are kept for a while only. Race again.")
            self._races.move_to_end(key)
            return self._races[key]

    def __contains__(self, key: str) -> bool:
        with self._lock:
            return key in self._races

    def _events(self) -> int:
        return sum(len(lane.happened) for race in self._races.values() for lane in race.lanes)


def find_in(stores: Sequence[RaceStore], key: str) -> RecordedRace:
    """Return the race with this key, from whichever store has it.

    Raises:
        NoSuchRace: none has.
    """
    return next((store for store in stores if key in store), stores[0]).find(key)
