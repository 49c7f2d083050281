"""Compare mathematics in processes at hand, as many as it takes to have one that is free.

Requests queue up for one process; when it stays at one comparison, as with a hostile answer, another is started for the
others. A forked child starts processes of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
from queue import Empty, LifoQueue

from s1core.grading.process import DEADLINE_S, Client, Reply

HELD_UP_S = 0.5
"""A process that is longer than this at one comparison holds the others up; honest ones take hundredths of a second."""
MOST_PROCESSES = 3
"""Each takes about 100 MB; as many hostile answers at once hold all others up until their deadlines."""
_PATIENCE_S = 0.05


class Pool:
    """As many clients as it takes to have one that is not held up, within a limit."""

    def __init__(self, deadline_s: float = DEADLINE_S, limit: int = MOST_PROCESSES) -> None:
        self.deadline_s = deadline_s
        self.limit = limit
        self.clients: list[Client] = []
        self._idle: LifoQueue[Client] = LifoQueue()
        self._lock = threading.Lock()

    def compare(self, text: str, gold: str, *, found: str) -> Reply:
        """Compare by the first client that is free; see `Client.compare`."""
        client = self._take()
        try:
            return client.compare(text, gold, found=found)
        finally:
            self._idle.put(client)

    def stop(self) -> None:
        """Stop every process; the next comparison starts another."""
        for client in self.clients:
            client.stop()

    def _take(self) -> Client:
        while True:
            with contextlib.suppress(Empty):
                return self._idle.get(timeout=_PATIENCE_S if self.clients else 0)
            with self._lock:
                held_up = all(time.monotonic() - client.since_s > HELD_UP_S for client in self.clients)
                if held_up and len(self.clients) < self.limit:
                    self.clients.append(Client(self.deadline_s))
                    return self.clients[-1]


_pool = Pool()


def compare(text: str, gold: str, *, found: str = "") -> Reply:
    """Compare by math-verify in a process at hand.

    Args:
        text: an answer, or a text in which to look for one.
        gold: the expected answer.
        found: the rule by which the answer was found; empty for a text in which it is still to be found.
    """
    return _pool.compare(text, gold, found=found)


def _after_fork() -> None:
    # The parent's workers and locks are the parent's: sharing the pipes would mix up the replies.
    global _pool
    _pool = Pool(_pool.deadline_s, _pool.limit)


atexit.register(lambda: _pool.stop())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
