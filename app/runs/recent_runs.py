"""Races that are over, kept for a while so that they can be played again, saved, exported and forked.

They are found by keys that cannot be guessed, so that nobody sees another visitor's. The oldest make room for new ones.
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
    """The key names no race that is still here."""


class RaceStore:
    """Races by key. Safe from any thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._races: OrderedDict[str, RecordedRace] = OrderedDict()

    def keep(self, race: RecordedRace) -> str:
        """Put a race on the shelf and return its key."""
        key = secrets.token_urlsafe(18)
        with self._lock:
            self._races[key] = race
            while len(self._races) > 1 and (len(self._races) > MOST_RACES or self._events() > MOST_EVENTS):
                self._races.popitem(last=False)
        return key

    def find(self, key: str) -> RecordedRace:
        """Return a race.

        Raises:
            NoSuchRace: the key is none, or its race has made room for newer ones.
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
    """Return the race of that key, whichever shelf has it.

    Raises:
        NoSuchRace: none has.
    """
    return next((store for store in stores if key in store), stores[0]).find(key)
