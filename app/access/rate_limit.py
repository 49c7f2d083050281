"""How fast somebody may come: so many at once, then so many a second. Pure but for the clock."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_KNOWN = 10_000
"""Names that are remembered; who came longest ago is forgotten first, and may then come as a new one."""


class Pace:
    """Counts by name."""

    def __init__(self, per_s: float, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nobody.

        Args:
            per_s: sustained rate, in requests per second.
            at_once: how many before that counts.
            clock: seconds, which never go back.
        """
        self._per_s, self._at_once, self._clock = per_s, at_once, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def lets(self, name: str) -> bool:
        """Count one more of this name; whether it may pass."""
        now_s = self._clock()
        left, since_s = self._left.pop(name, (float(self._at_once), now_s))
        left = min(self._at_once, left + (now_s - since_s) * self._per_s)
        passes = left >= 1
        self._left[name] = (left - passes, now_s)
        if len(self._left) > MOST_KNOWN:
            self._left.popitem(last=False)
        return passes
