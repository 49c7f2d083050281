"""A fake Claude and short ways to real parts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from claude_helpers import MODEL, MakeClaude
from fake_claude import FakeClaude

from curate.claude.client import Claude
from curate.claude.journal import Journal
from curate.claude.live import Pace
from curate.claude.prices import MODELS
from curate.claude.requests import connect


@pytest.fixture(scope="session")
def data() -> Path:
    """Public question files beside the checkout, or wherever S1_DATA says."""
    folder = Path(os.environ.get("S1_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the public question files are not beside the checkout; S1_DATA may name their folder")
    return folder


@pytest.fixture
def fake() -> Iterator[FakeClaude]:
    server = FakeClaude()
    yield server
    server.close()


@pytest.fixture
def make_claude(fake: FakeClaude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeClaude]:
    """The real client against the fake server; waits are counted, not waited."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", fake.url)
    opened: list[Journal] = []

    def make(*, cap_usd: float = 10.0, run: str = "run", timeout_s: float = 5.0, **options: Any) -> Claude:
        for journal in opened:
            journal.close()
        opened[:] = [Journal(tmp_path / "claude", run, cap_usd)]
        options = {"mode": "live", "poll_s": 0.01, "pace": Pace(sleep=lambda s: None), **options}
        return Claude(
            client=connect(fake.key, timeout_s=timeout_s),
            api_key=fake.key,
            model_name=MODEL,
            model=MODELS[MODEL],
            journal=opened[0],
            **options,
        )

    yield make
    for journal in opened:
        journal.close()
