"""Benchmarks by name: questions with known answers."""

from __future__ import annotations

from dataclasses import dataclass

from s1core.errors import InvalidSetting
from s1core.nano import make_questions


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One question of a benchmark."""

    id: str
    question: str
    answer: str
    kind: str
    """How the answer is graded (`s1core.grading.grade`)."""
    group: str
    """Family, subject or source, for tables by group."""


NANO_TEST_SIZE = 1200
NANO_TEST_SEED = 20250131
"""The frozen test set: the first questions that this seed makes. Held out of training by hash."""


def nano(limit: int | None = None) -> list[Item]:
    """Return the bundled benchmark: questions of s1-nano's families that it was never trained on."""
    questions = make_questions(n=limit or NANO_TEST_SIZE, seed=NANO_TEST_SEED, split="test")
    return [Item(id=q.id, question=q.question, answer=q.answer, kind="text", group=q.family) for q in questions]


BENCHMARKS = {"nano": nano}


def load_benchmark(name: str, limit: int | None = None) -> list[Item]:
    """Load a benchmark by name, at most `limit` questions of it.

    Raises:
        InvalidSetting: no such benchmark, or a limit below 1.
    """
    if name not in BENCHMARKS:
        raise InvalidSetting(f"unknown benchmark {name!r}; known: {', '.join(BENCHMARKS)}")
    if limit is not None and limit < 1:
        raise InvalidSetting(f"limit must be 1 or more, got {limit}")
    return BENCHMARKS[name](limit)
