"""One server for all clients."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.with_clients.served import served

# The clients live in an environment of their own, which `make clients` makes.
collect_ignore_glob = ["test_*.py"] if find_spec("lm_eval") is None else []


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    with served("--mcp") as url:
        yield url
