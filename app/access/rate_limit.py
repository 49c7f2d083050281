"""A token bucket for each visitor: a burst, then a sustained rate. Pure but for the clock."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_KNOWN = 10_000
"""Names that are remembered; the least recently used is dropped, and then counts as new."""


class Pace:
    """Counts by name."""

    def __init__(self, per_s: float, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with empty counts.

        Args:
            per_s: sustained rate, in requests per second.
            at_once: burst, in requests.
            clock: monotonic, in seconds.
        """
        self._per_s, self._at_once, self._clock = per_s, at_once, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def lets(self, name: str) -> bool:
        """Count a request of this name; return whether it is within the limit."""
        now_s = self._clock()
        left, since_s = self._left.pop(name, (float(self._at_once), now_s))
        left = min(self._at_once, left + (now_s - since_s) * self._per_s)
        passes = left >= 1
        self._left[name] = (left - passes, now_s)
        if len(self._left) > MOST_KNOWN:
            self._left.popitem(last=False)
        return passes
