"""Checks failed servers in the background and adds healthy ones back to the pool, so that no request waits for it."""

from __future__ import annotations

import threading

import httpx

from s1core.engines.http.kinds import served
from s1core.engines.http.pool import Pool, Server

PATIENCE_S = 2.0
"""Silence after which a server that is asked counts as still away."""
HAS_NO_HEALTH = (404, 405, 501)


class HealthCheck:
    """Looks after the servers of one pool, all of which serve `model`."""

    def __init__(self, pool: Pool, client: httpx.Client, model: str) -> None:
        self._pool = pool
        self._client = client
        self._model = model

    def start(self) -> None:
        """Check the servers that are due, each in its own thread; called whenever a server is chosen."""
        for server in self._pool.take_due():
            threading.Thread(target=self._ask, args=(server,), name=f"s1-health {server.url}", daemon=True).start()

    def _ask(self, server: Server) -> None:
        back = False
        try:
            back = self.is_back(server)
        finally:
            self._pool.asked(server, back=back)

    def is_back(self, server: Server) -> bool:
        """Whether it answers, says that it is well where it can, and still serves the model."""
        try:
            with self._client.stream("GET", f"{server.url}/health", timeout=PATIENCE_S) as health:
                well = health.status_code == 200 or health.status_code in HAS_NO_HEALTH
            if not well:
                return False
            models = self._client.get(f"{server.url}/v1/models", timeout=PATIENCE_S)
            return models.status_code == 200 and self._model in served(models.json())
        except (httpx.HTTPError, ValueError, RuntimeError):  # RuntimeError: the client was closed meanwhile
            return False
