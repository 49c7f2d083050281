"""Questions of every family, seeded and split."""

from __future__ import annotations

import random

from s1core.nano.family import Family
from s1core.nano.number_families import Clock, Digits, Powers
from s1core.nano.question import Puzzle, Question, Split, digest, split_of
from s1core.nano.symbol_families import Cups, Hops, Letters

FAMILIES: dict[str, Family] = {f.name: f for f in (Letters(), Powers(), Digits(), Clock(), Hops(), Cups())}

_PATIENCE = 20_000


def find_family(name: str) -> Family:
    """Look up a family by name."""
    try:
        return FAMILIES[name]
    except KeyError:
        raise ValueError(f"unknown family {name!r}; known: {', '.join(FAMILIES)}") from None


def draw_puzzle(rng: random.Random, family: Family, split: Split, most_steps: int | None = None) -> Puzzle:
    """Draw a puzzle of this split; `most_steps` keeps it short (for the start of training)."""
    most = family.most if most_steps is None else max(family.fewest, min(family.most, most_steps))
    while True:
        puzzle = family.draw(rng, family.draw_steps(rng, most))
        if split_of(family.name, puzzle.key) == split:
            return puzzle


def to_question(puzzle: Puzzle) -> Question:
    """The question, without the way to its answer."""
    return Question(
        id=f"nano-{puzzle.family}-{digest(puzzle.question):016x}",
        family=puzzle.family,
        question=puzzle.question,
        answer=FAMILIES[puzzle.family].answer(puzzle),
        difficulty=puzzle.steps,
    )


def make_questions(n: int = 100, seed: int = 0, split: Split = "test", family: str | None = None) -> list[Question]:
    """Make `n` different questions, the families taking turns.

    Args:
        n: How many.
        seed: Same seed, same questions; a larger `n` begins with the questions of a smaller one.
        split: "train" or "test"; they share no question, no word and no combination of numbers.
        family: Only this family; all of them when None.

    Raises:
        ValueError: Unknown family or split, or a family that has fewer different questions than asked for.
    """
    if split not in ("train", "test"):
        raise ValueError(f"unknown split {split!r}; known: train, test")
    if n < 0:
        raise ValueError(f"n must be >= 0, got {n}")
    names = [find_family(family).name] if family else list(FAMILIES)
    rng = random.Random(f"{seed}/{split}/{family}")
    questions: dict[str, Question] = {}
    misses = 0
    while len(questions) < n:
        name = names[(len(questions) + misses) % len(names)]
        question = to_question(draw_puzzle(rng, FAMILIES[name], split))
        if question.id in questions:
            misses += 1
            if misses > _PATIENCE:
                raise ValueError(f"only {len(questions)} different questions in {split!r}, {n} asked for")
        questions[question.id] = question
    return list(questions.values())
