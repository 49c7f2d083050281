"""Wrong passwords: whoever sends many waits longer and longer, and nobody else does. Pure but for the clock.

There is no limit for everybody together, by which anyone could keep the owner out; many of them are an alarm.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable

FREE = 5
"""Wrong passwords of one address before it waits."""
FIRST_DELAY_S, LONGEST_DELAY_S = 2.0, 600.0
"""After the next one; it doubles with every further one."""
FORGOTTEN_S = 3_600.0
"""After which an address that sent no more begins anew."""
ALARM, ALARM_S = 20, 60.0
"""Wrong passwords of everybody within so many seconds, at which the log says so."""
MOST_KNOWN = 10_000
"""Addresses that are remembered; who came longest ago is forgotten first."""

_log = logging.getLogger(__name__)


class WrongPasswords:
    """Counts by address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none.

        Args:
            clock: seconds, which never go back.
        """
        self.total = 0
        """Of everybody, ever."""
        self._clock = clock
        self._of: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._latest: deque[float] = deque(maxlen=ALARM)
        self._alarmed_s = -ALARM_S

    def delay_s(self, address: str) -> float:
        """Return how many seconds this address still waits before another password of it is looked at."""
        count, since_s = self._of.get(network(address), (0, 0.0))
        if count < FREE:
            return 0.0
        delay_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(count - FREE, 30))
        return max(0.0, since_s + delay_s - self._clock())

    def add(self, address: str) -> None:
        """Count one more of this address."""
        now_s, name = self._clock(), network(address)
        count, since_s = self._of.pop(name, (0, now_s))
        self._of[name] = (1 if now_s - since_s > FORGOTTEN_S else count + 1, now_s)
        if len(self._of) > MOST_KNOWN:
            self._of.popitem(last=False)
        self.total += 1
        self._latest.append(now_s)
        self._raise_alarm(now_s)

    def forget(self, address: str) -> None:
        """Begin anew with this address: the right password came from it."""
        self._of.pop(network(address), None)

    def _raise_alarm(self, now_s: float) -> None:
        many = len(self._latest) == ALARM and now_s - self._latest[0] <= ALARM_S
        if many and now_s - self._alarmed_s >= ALARM_S:
            self._alarmed_s = now_s
            _log.warning(
                "%d wrong passwords of the owner came within %.0f seconds (%d in all); "
                "if they are not yours, see that your password is a long one.",
                ALARM,
                ALARM_S,
                self.total,
            )


def network(address: str) -> str:
    """Return what stands for the sender: a visitor of IPv6 has a whole /64 to send from."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return address
    return str(known.ipv4_mapped or ipaddress.IPv6Network((int(known), 64), strict=False))
