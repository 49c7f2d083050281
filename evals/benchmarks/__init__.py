"""Benchmarks by name: questions with known answers.

`nano`, `problems` and `problems-paraphrased` are bundled. The published ones come from the hub when asked for, or from
a local file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from evals.benchmarks.files import BadData, read_records
from evals.benchmarks.hub import BenchmarkUnavailable, fetch_records
from evals.benchmarks.items import Item
from evals.benchmarks.records import to_items
from s1core.benchmarks import SOURCES, Source
from s1core.errors import InvalidSetting
from s1core.models import NANO_WEAKER, S1_NANO
from s1core.nano import TEST_SEED as NANO_TEST_SEED
from s1core.nano import TEST_SIZE as NANO_TEST_SIZE
from s1core.nano import Question, make_questions
from s1core.problems import TEST_SEED as PROBLEMS_TEST_SEED
from s1core.problems import TEST_SIZE as PROBLEMS_TEST_SIZE
from s1core.problems import make_problems, paraphrases

__all__ = [
    "BENCHMARKS",
    "BUNDLED",
    "NANO_TEST_SEED",
    "NANO_TEST_SIZE",
    "PROBLEMS_TEST_SEED",
    "PROBLEMS_TEST_SIZE",
    "SOURCES",
    "BadData",
    "BenchmarkUnavailable",
    "Item",
    "Source",
    "is_private",
    "load_benchmark",
    "nano",
    "own_benchmark",
    "problems",
    "problems_paraphrased",
]


def nano(limit: int | None = None) -> list[Item]:
    """Return s1-nano's benchmark: questions of its families that it was never trained on."""
    return _items(make_questions(n=limit or NANO_TEST_SIZE, seed=NANO_TEST_SEED, split="test"))


def problems(limit: int | None = None) -> list[Item]:
    """Return s1-135M's benchmark: problems of the English families, held out of its training by hash."""
    return _items(make_problems(n=limit or PROBLEMS_TEST_SIZE, seed=PROBLEMS_TEST_SEED, split="test"))


def problems_paraphrased(limit: int | None = None) -> list[Item]:
    """Return questions of the English families in wordings that no generator has, the families taking turns."""
    return _items(paraphrases()[:limit])


def _items(questions: Iterable[Question]) -> list[Item]:
    return [Item(id=q.id, question=q.question, answer=q.answer, kind="text", group=q.family) for q in questions]


BUNDLED: dict[str, Callable[[int | None], list[Item]]] = {
    "problems": problems,
    "problems-paraphrased": problems_paraphrased,
    "nano": nano,
}
"""Benchmarks that need neither hub nor file."""
BENCHMARKS = (*BUNDLED, *SOURCES)


def own_benchmark(model: str) -> str:
    """Name the benchmark of this project's own that a model is measured on when nobody says."""
    return "nano" if model in (S1_NANO, *NANO_WEAKER) else "problems"


def load_benchmark(name: str, limit: int | None = None, data: Path | None = None) -> list[Item]:
    """Load a benchmark by name, at most `limit` questions of it.

    Args:
        name: one of `BENCHMARKS`.
        limit: only the first questions.
        data: a local JSON, JSON-lines or CSV file to read instead of asking the hub.

    Raises:
        InvalidSetting: no such benchmark, a limit below 1, or a file for a bundled benchmark.
        BadData: the file, or what the hub sent, cannot be used.
        BenchmarkUnavailable: the hub cannot be reached or wants permission.
    """
    if name not in BENCHMARKS:
        raise InvalidSetting(f"unknown benchmark {name!r}; known: {', '.join(BENCHMARKS)}")
    if limit is not None and limit < 1:
        raise InvalidSetting(f"limit must be 1 or more, got {limit}")
    if bundled := BUNDLED.get(name):
        if data is not None:
            raise InvalidSetting(f"{name} has its own questions; a data file goes with {', '.join(SOURCES)}")
        return bundled(limit)
    source = SOURCES[name]
    origin = str(data) if data is not None else source.hub_id
    records = read_records(data) if data is not None else fetch_records(source)
    return to_items(records, name=name, title=source.title, kind=source.kind, origin=origin)[:limit]


def is_private(name: str) -> bool:
    """Whether the benchmark's questions must not be published: neither shipped nor shown in a public demo."""
    return any(source.private and name in (key, source.title) for key, source in SOURCES.items())
