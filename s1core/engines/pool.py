"""Several servers as one: who is least busy, who is down, and when to try it again. No input or output of its own."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from s1core.errors import InvalidSetting

COOL_DOWN_S = 5.0
"""A server that failed is left alone for so long; twice as long after every further failure."""
LONGEST_COOL_DOWN_S = 60.0
HEAD_TOKENS = 64
REMEMBERED = 4096


@dataclass(slots=True, eq=False)
class Server:
    """One address."""

    url: str
    live: int = 0
    """Requests that it is answering now."""
    failures: int = 0
    """Failures in a row."""
    back_at: float = 0.0
    """Not before this moment of the monotonic clock is it asked again."""


class Pool:
    """Chooses the least busy of the healthy servers; among equals the one that knows the beginning of the prompt."""

    def __init__(self, urls: Sequence[str]) -> None:
        if not urls:
            raise InvalidSetting("no server was named; give url='http://127.0.0.1:8000'")
        self.servers = [Server(checked_url(url)) for url in dict.fromkeys(urls)]
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[int, ...], Server] = OrderedDict()

    def acquire(self, prompt_ids: Sequence[int]) -> Server:
        """Take a server; `release` it afterwards. When all are down, the one that is due first is tried."""
        head = tuple(prompt_ids[:HEAD_TOKENS])
        with self._lock:
            now = time.monotonic()
            healthy = [s for s in self.servers if s.back_at <= now]
            knows = self._seen.get(head)
            if healthy:
                chosen = min(healthy, key=lambda s: (s.live, s is not knows))
            else:
                chosen = min(self.servers, key=lambda s: s.back_at)
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
        """Note an answer."""
        with self._lock:
            server.failures, server.back_at = 0, 0.0

    def failed(self, server: Server) -> None:
        """Note a failure: the others go first for a while."""
        with self._lock:
            wait = min(COOL_DOWN_S * 2**server.failures, LONGEST_COOL_DOWN_S)
            server.failures += 1
            server.back_at = time.monotonic() + wait


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
