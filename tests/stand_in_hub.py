"""A hub that keeps what it is given and reaches nobody: the client's calls end here."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


class StandInHub:
    """Repositories by name: whether they are private, and their files."""

    def __init__(self) -> None:
        self.private: dict[str, bool] = {}
        self.files: dict[str, dict[str, bytes]] = {}
        self.rows: dict[str, int] = {}
        self.refuses: Exception | None = None

    def create_repo(self, name: str, *, private: bool, exist_ok: bool, repo_type: str) -> None:
        if self.refuses:
            raise self.refuses
        assert exist_ok or name not in self.private
        self.private.setdefault(name, private)

    def repo_info(self, name: str, *, repo_type: str) -> SimpleNamespace:
        return SimpleNamespace(private=self.private[name])

    def create_commit(self, name: str, operations: list[Any], *, commit_message: str, repo_type: str) -> None:
        assert commit_message and name in self.private
        held = {op.path_in_repo: op.path_or_fileobj for op in operations}
        added = {path: what if isinstance(what, bytes) else Path(what).read_bytes() for path, what in held.items()}
        self.files.setdefault(name, {}).update(added)

    def push_dataset(self, dataset: Any, name: str, private: bool) -> None:
        assert self.private[name] == private
        self.rows[name] = len(dataset)


def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandInHub:
    """Put one in place of the hub."""
    hub = StandInHub()
    for method in ("create_repo", "repo_info", "create_commit"):
        call = getattr(hub, method)
        monkeypatch.setattr(f"huggingface_hub.HfApi.{method}", lambda self, *a, _call=call, **k: _call(*a, **k))
    monkeypatch.setattr("datasets.Dataset.push_to_hub", lambda self, to, private: hub.push_dataset(self, to, private))
    return hub
