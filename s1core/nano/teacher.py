"""The teacher of s1-nano's curated set: solves the families' questions in writing, with natural slips and corrections.

Its traces are what a reasoning model's would be: a first guess, a check that may go wrong, a second look at it. As
with any teacher, some end in a wrong answer.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from s1core.nano.family import Family
from s1core.nano.make import FAMILIES
from s1core.nano.question import Puzzle
from s1core.nano.writing import check_text, draw_slip, look_text, wait_word


@dataclass(frozen=True, kw_only=True, slots=True)
class TeacherHabits:
    """How often the teacher does what."""

    wrong_look: float = 0.6
    """Chance that the first guess is wrong."""
    checks: tuple[float, ...] = (0.45, 0.35, 0.15, 0.05)
    """Chance of 1, 2, ... written checks."""
    slip: float = 0.5
    """Chance that a check which another one follows goes wrong somewhere."""
    final_slip: float = 0.05
    """Chance that the last check does, unnoticed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """A question as the teacher solves it."""

    thinking: str
    """Without the markers around it."""
    attempt: str
    """The answer as s1-nano writes it: `Final Answer: 3`."""
    answer: str


def teach(question: str, seed: int = 0, habits: TeacherHabits | None = None) -> Lesson | None:
    """Solve a question of the families in writing; None for any other.

    Args:
        question: as `make_questions` words it, or as a visitor might.
        seed: same seed and question, same lesson, whatever was asked before.
        habits: how often it slips and checks again.
    """
    for family in FAMILIES.values():
        puzzle = family.parse(question)
        if puzzle is not None:
            return _lesson(random.Random(f"{seed}/{question}"), family, puzzle, habits or TeacherHabits())
    return None


def _lesson(rng: random.Random, family: Family, puzzle: Puzzle, habits: TeacherHabits) -> Lesson:
    guess = family.wrong_guess(rng, puzzle) if rng.random() < habits.wrong_look else family.answer(puzzle)
    parts, answer = [look_text(guess)], guess
    checks = rng.choices(range(1, len(habits.checks) + 1), habits.checks)[0]
    for number in range(1, checks + 1):
        slips = rng.random() < (habits.slip if number < checks else habits.final_slip)
        text, answer = _check(rng, family, puzzle, slips=slips)
        parts.append(wait_word(rng) + text)
    return Lesson(thinking="".join(parts), attempt=f"Final Answer: {answer}", answer=answer)


def _check(rng: random.Random, family: Family, puzzle: Puzzle, *, slips: bool) -> tuple[str, str]:
    """One written check, and what it ends in."""
    if not slips:
        answer = family.answer(puzzle)
        return check_text(family.chain(puzzle), answer), answer
    slip = draw_slip(rng, family, puzzle)
    return check_text([*slip.before, *slip.after], slip.answer), slip.answer
