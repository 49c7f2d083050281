"""Problems of every family, seeded and split."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace

from s1core.nano.question import Question, Split
from s1core.problems.english import numbers_in_words
from s1core.problems.families import FAMILIES
from s1core.problems.family import Family
from s1core.problems.problem import Draw, Problem, split_of

_TRIES = 40
"""Draws of one length until another one is tried."""
_PATIENCE = 2_000
"""Draws in a row without a new problem, after which a family has no more."""


def find_family(name: str) -> Family:
    """Look up a family by name."""
    try:
        return FAMILIES[name]
    except KeyError:
        raise ValueError(f"unknown family {name!r}; known: {', '.join(FAMILIES)}") from None


def draw_problem(family: Family, split: Split, seed: int, index: int) -> Problem:
    """The problem with this index: the same family, split, seed and index give the same problem, on every machine."""
    rng = random.Random(f"{family.name}/{split}/{seed}/{index}")
    steps = rng.randint(family.fewest, family.most)
    for attempt in itertools.count(1):
        if attempt % _TRIES == 0:  # all problems of this length may be in the other split
            steps = rng.randint(family.fewest, family.most)
        problem = family.draw(Draw(rng, split), steps)
        if split_of(family.name, problem.key) == split:
            asked = _as_typed(rng, problem.question)
            return replace(problem, question=asked, id=f"{family.name}-{split}-{seed}-{index}")
    raise AssertionError("itertools.count ends")


def _as_typed(rng: random.Random, question: str) -> str:
    """Now and then as people type: numbers in words, no capitals, no mark at the end."""
    if rng.random() < 0.08:
        question = numbers_in_words(question)
    if rng.random() < 0.06:
        question = question.lower()
    return question.rstrip("?.").rstrip(" ,") if rng.random() < 0.05 else question


def find_problem(problem_id: str) -> Problem:
    """Make the problem of an id again.

    Raises:
        ValueError: no problem has such an id.
    """
    name, *rest = problem_id.rsplit("-", 3)
    if name not in FAMILIES or len(rest) != 3 or rest[0] not in ("train", "test"):
        raise ValueError(f"{problem_id!r} is no id of a problem; one reads like shopping-train-0-17")
    split: Split = "train" if rest[0] == "train" else "test"
    try:
        return draw_problem(FAMILIES[name], split, int(rest[1]), int(rest[2]))
    except ValueError:
        raise ValueError(f"{problem_id!r} is no id of a problem; one reads like shopping-train-0-17") from None


def to_question(problem: Problem) -> Question:
    """The question, without the way to its answer."""
    return Question(
        id=problem.id,
        family=problem.family,
        question=problem.question,
        answer=FAMILIES[problem.family].answer(problem),
        difficulty=problem.difficulty,
    )


def _different(family: Family, split: Split, seed: int, seen: set[str]) -> Iterator[Problem]:
    """Problems of a family whose questions are all different; ends when no new one is found."""
    misses = index = 0
    while misses < _PATIENCE:
        problem = draw_problem(family, split, seed, index)
        index += 1
        misses = misses + 1 if problem.question in seen else 0
        if not misses:
            seen.add(problem.question)
            yield problem


def draw_problems(n: int = 100, seed: int = 0, split: Split = "test", family: str | None = None) -> list[Problem]:
    """Draw `n` problems with different questions, the families taking turns; see `make_problems`."""
    if split not in ("train", "test"):
        raise ValueError(f"unknown split {split!r}; known: train, test")
    if n < 0:
        raise ValueError(f"n must be >= 0, got {n}")
    names = [find_family(family).name] if family else list(FAMILIES)
    seen: set[str] = set()
    sources = [_different(FAMILIES[name], split, seed, seen) for name in names]
    problems: list[Problem] = []
    while len(problems) < n:
        for source in list(sources):
            problem = next(source, None) if len(problems) < n else None
            if problem is not None:
                problems.append(problem)
            elif len(problems) < n:
                sources.remove(source)
        if not sources and len(problems) < n:
            raise ValueError(f"only {len(problems)} different questions in {split!r}, {n} asked for")
    return problems


def make_problems(n: int = 100, seed: int = 0, split: Split = "test", family: str | None = None) -> list[Question]:
    """Make `n` different questions, the families taking turns.

    Args:
        n: How many.
        seed: Same seed, same questions; a larger `n` begins with the questions of a smaller one.
        split: "train" or "test"; they share no combination of numbers and things, and some phrasings and names occur
            in the test split alone.
        family: Only this family; all of them when None.

    Raises:
        ValueError: Unknown family or split, or families that have fewer different questions than asked for.
    """
    return [to_question(problem) for problem in draw_problems(n, seed, split, family)]
