"""Facts that cost something (traces, attempts, verdicts), kept by question across runs: nothing is worked out twice.

A fact belongs to a stage and all that decided it (model, settings): `<cache>/<stage>-<hash>/`, one JSON line each,
synced before it counts. Several machines may fill several shards of it; all of them are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from s1core.store import RunStore, config_hash

Fact = dict[str, Any]


class Facts:
    """The facts of one stage. Only places are held in memory; a fact is read when asked for."""

    def __init__(self, cache: Path, stage: str, config: dict[str, Any], shard: str = "") -> None:
        """Open for writing, by one process.

        Args:
            cache: folder of all facts.
            stage: what they are about.
            config: all that decides them, JSON-ready; other settings have other facts.
            shard: name of a part, where several machines share the work.

        Raises:
            StoreError: another process writes here, or the disk refuses.
        """
        base = f"{stage}-{config_hash({'stage': stage, **config})}"
        self.folder = cache / (f"{base}.{shard}" if shard else base)
        self._store = RunStore(self.folder, {"stage": stage, **config})
        self._places: dict[str, tuple[Path, int]] = {}
        self._read_up_to: dict[Path, int] = {}
        for folder in sorted(p for p in cache.iterdir() if p.name == base or p.name.startswith(f"{base}.")):
            self._learn(folder / "samples.jsonl")

    def _learn(self, path: Path) -> None:
        if not path.exists():
            return
        with path.open("rb") as file:
            at = file.seek(self._read_up_to.get(path, 0))
            for line in file:
                if not line.endswith(b"\n"):
                    break
                if (fact := _read(line)) is not None:
                    self._places[fact["key"]] = (path, at)
                at += len(line)
        self._read_up_to[path] = at

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def add(self, *facts: Fact) -> None:
        """Keep facts, each with its `key`; they are on disk when this returns."""
        self._store.append(*facts)
        self._learn(self.folder / "samples.jsonl")

    def get(self, key: str) -> Fact | None:
        """The fact of this key, if it is known."""
        place = self._places.get(key)
        if place is None:
            return None
        with place[0].open("rb") as file:
            file.seek(place[1])
            return json.loads(file.readline())

    def items(self) -> Iterator[tuple[str, Fact]]:
        """Every fact, read in the order of the files."""
        for path in {place[0]: None for place in self._places.values()}:
            with path.open("rb") as file:
                for line in file:
                    if line.endswith(b"\n") and (fact := _read(line)) is not None:
                        yield fact["key"], fact

    def close(self) -> None:
        """Let another process continue."""
        self._store.close()

    def __enter__(self) -> Facts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _read(line: bytes) -> Fact | None:
    """A fact; None for a line that a disk has damaged, so that it is worked out again."""
    try:
        fact = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return fact if isinstance(fact, dict) and isinstance(fact.get("key"), str) else None
