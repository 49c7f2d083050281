"""Benchmarks by name: questions with known answers.

`nano` is bundled. The published ones come from the hub when asked for, or from a local file.
"""

from __future__ import annotations

from pathlib import Path

from evals.benchmarks.files import BadData, read_records
from evals.benchmarks.hub import BenchmarkUnavailable, fetch_records
from evals.benchmarks.items import Item
from evals.benchmarks.records import to_items
from s1core.benchmarks import SOURCES, Source
from s1core.errors import InvalidSetting
from s1core.nano import TEST_SEED as NANO_TEST_SEED
from s1core.nano import TEST_SIZE as NANO_TEST_SIZE
from s1core.nano import make_questions

__all__ = [
    "BENCHMARKS",
    "NANO_TEST_SEED",
    "NANO_TEST_SIZE",
    "SOURCES",
    "BadData",
    "BenchmarkUnavailable",
    "Item",
    "Source",
    "is_private",
    "load_benchmark",
    "nano",
]

BENCHMARKS = ("nano", *SOURCES)


def nano(limit: int | None = None) -> list[Item]:
    """Return the bundled benchmark: questions of s1-nano's families that it was never trained on."""
    questions = make_questions(n=limit or NANO_TEST_SIZE, seed=NANO_TEST_SEED, split="test")
    return [Item(id=q.id, question=q.question, answer=q.answer, kind="text", group=q.family) for q in questions]


def load_benchmark(name: str, limit: int | None = None, data: Path | None = None) -> list[Item]:
    """Load a benchmark by name, at most `limit` questions of it.

    Args:
        name: one of `BENCHMARKS`.
        limit: only the first questions.
        data: a local JSON, JSON-lines or CSV file to read instead of asking the hub.

    Raises:
        InvalidSetting: no such benchmark, a limit below 1, or a file for the bundled benchmark.
        BadData: the file, or what the hub sent, cannot be used.
        BenchmarkUnavailable: the hub cannot be reached or wants permission.
    """
    if name not in BENCHMARKS:
        raise InvalidSetting(f"unknown benchmark {name!r}; known: {', '.join(BENCHMARKS)}")
    if limit is not None and limit < 1:
        raise InvalidSetting(f"limit must be 1 or more, got {limit}")
    if name == "nano":
        if data is not None:
            raise InvalidSetting(f"nano makes its own questions; a data file goes with {', '.join(SOURCES)}")
        return nano(limit)
    source = SOURCES[name]
    origin = str(data) if data is not None else source.hub_id
    records = read_records(data) if data is not None else fetch_records(source)
    return to_items(records, name=name, title=source.title, kind=source.kind, origin=origin)[:limit]


def is_private(name: str) -> bool:
    """Whether the benchmark's questions must not be published: neither shipped nor shown in a public demo."""
    return any(source.private and name in (key, source.title) for key, source in SOURCES.items())
