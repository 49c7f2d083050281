"""A pool of servers: which is least busy, which has failed, and when to check it again. No input or output of its own.

A failed server gets no requests; the others take over. After a while it is due for a check: `health_check.py` asks it
whether it is back. Where all are put aside, questions themselves ask, the one that waited longest first.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from s1core.errors import InvalidSetting

COOL_DOWN_S = 2.0
"""A server that failed is left alone for so long; twice as long after every further failure without an answer."""
LONGEST_COOL_DOWN_S = 60.0
HEAD_TOKENS = 64
REMEMBERED = 4096


@dataclass(slots=True, eq=False)
class Server:
    """One address."""

    url: str
    answers_as: str | None = None
    """The name under which it answered first; another one later means that it runs another model now."""
    live: int = 0
    """Requests that it is answering now."""
    failures: int = 0
    """How often it was put aside since it last answered a question."""
    aside: bool = False
    """It failed, and has not been seen to be back."""
    due_at: float = 0.0
    """From this moment of the monotonic clock on it may be asked whether it is back."""
    asked_after: bool = False
    """It is being asked now."""
    turn: int = 0
    """When it was last chosen, in choices."""


class Pool:
    """Chooses the least busy of the servers in service; among equals the one that knows the beginning of the prompt."""

    def __init__(self, urls: Sequence[str]) -> None:
        if not urls:
            raise InvalidSetting("no server was named; give url='http://127.0.0.1:8000'")
        self.servers = [Server(checked_url(url)) for url in dict.fromkeys(urls)]
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[int, ...], Server] = OrderedDict()
        self._turns = 0

    def acquire(self, prompt_ids: Sequence[int]) -> Server:
        """Take a server; `release` it afterwards. When all are put aside, they are tried in turns."""
        head = tuple(prompt_ids[:HEAD_TOKENS])
        with self._lock:
            in_service = [s for s in self.servers if not s.aside]
            knows = self._seen.get(head)
            if in_service:
                chosen = min(in_service, key=lambda s: (s.live, s is not knows))
            else:
                chosen = min(self.servers, key=lambda s: s.turn)
            self._turns += 1
            chosen.turn = self._turns
            chosen.live += 1
            self._seen[head] = chosen
            self._seen.move_to_end(head)
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            return chosen

    def release(self, server: Server) -> None:
        """Give a server back."""
        with self._lock:
            server.live -= 1

    def succeeded(self, server: Server) -> None:
        """Note an answer: nothing is held against the server any more."""
        with self._lock:
            server.failures, server.aside = 0, False

    def failed(self, server: Server) -> None:
        """Note a failure: the server is put aside for a while."""
        with self._lock:
            # Questions that break off together are one failure, not one each.
            if not server.aside or server.due_at <= time.monotonic():
                self._put_aside(server)

    def take_due(self) -> list[Server]:
        """Return the servers whose health is to be checked now; report the results with `asked`."""
        with self._lock:
            now = time.monotonic()
            due = [s for s in self.servers if s.aside and not s.asked_after and s.due_at <= now]
            for server in due:
                server.asked_after = True
            return due

    def asked(self, server: Server, *, back: bool) -> None:
        """Take a server back into service, or leave it aside for longer. Its failures stay until it has answered."""
        with self._lock:
            server.asked_after = False
            if back:
                server.aside = False
            elif server.aside:
                self._put_aside(server)

    def _put_aside(self, server: Server) -> None:
        wait = min(COOL_DOWN_S * 2 ** min(server.failures, 10), LONGEST_COOL_DOWN_S)
        server.failures += 1
        server.aside, server.due_at = True, time.monotonic() + wait


def checked_url(url: str) -> str:
    """Return the address without a trailing slash or `/v1`.

    Raises:
        InvalidSetting: not an http address, or one with a password in it.
    """
    try:
        parts = urlsplit(url.strip())
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        raise InvalidSetting("the server's address cannot be read; write it as http://host:8000") from None
    if parts.username or parts.password:
        raise InvalidSetting("the server's address holds a password; put the key into S1_API_KEY instead")
    if not named or parts.query or parts.fragment:
        raise InvalidSetting(f"{url!r} is not a server's address; write it as http://host:8000")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/v1')}"
