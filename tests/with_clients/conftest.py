"""One server for all clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.with_clients.served import served


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    with served("--mcp") as url:
        yield url
