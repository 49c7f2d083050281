"""The teacher: thinking in plain English about a problem, with what of it is learned.

A short problem stops after a glance; a longer one goes on and is worked out, one local step per sentence. A piece that
slips, or that budget forcing would write, is read by the model in training but carries no loss.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from s1core.nano.question import Split
from s1core.problems.families import FAMILIES
from s1core.problems.family import CLOSING, Family
from s1core.problems.make import draw_problems
from s1core.problems.problem import Problem
from s1core.thinking import thinking_format

GLANCES = (
    "It looks like{}.",
    "At first glance it is{}.",
    "My first guess is{}.",
    "It seems to be{}.",
)
WAIT = "Wait"
WORK = ", let me work it out. "
CHECK = ", let me check again. "
FINAL = "Final Answer:"


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceMix:
    """How often the teacher does what."""

    glance_shift: int = 0
    """Added to every family's `glance_upto`: problems up to that size stop after a glance."""
    stop: float = 0.55
    """Of the short problems, the share that ends after a glance, which then is right. The others see a forced Wait."""
    wrong_glance: float = 0.7
    """Chance that a glance is wrong when the chain follows; it carries no loss then, so that copying it never pays."""
    checks: tuple[float, ...] = (0.64, 0.28, 0.06, 0.02)
    """Chance of 0, 1, 2, ... further checks after the first chain."""
    own_check: float = 0.05
    """Chance that the Wait before a further check is learned; else it is a forced one."""
    slip: float = 0.15
    """Chance that a chain which another check follows goes wrong somewhere; no loss from there on."""
    cut: float = 0.1
    """Chance that the thinking is cut anywhere and closed by force; the answer is the true one."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a trace."""

    text: str
    learned: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """A problem as the teacher solves it."""

    thinking: tuple[Piece, ...]
    """What stands in the thinking block, from right behind its opening marker."""
    closing: tuple[Piece, ...]
    """The closing marker and the answer."""
    answer: str

    @property
    def text(self) -> str:
        """The thinking alone."""
        return "".join(piece.text for piece in self.thinking)


def teach(problem: Problem, rng: random.Random, mix: TraceMix | None = None) -> Lesson:
    """Solve a problem in writing."""
    mix = mix or TraceMix()
    family = FAMILIES[problem.family]
    thinking, answer = _thinking(problem, family, rng, mix), family.answer(problem)
    marker = thinking_format("s1")
    if rng.random() < mix.cut:
        thinking = _cut(thinking, rng)
        text = "".join(piece.text for piece in thinking)
        forced = marker.closing_text(by_model=False, thinking_text=text, final_answer_text=FINAL)
        closing = (Piece(forced, learned=False), Piece(f" {answer}"))
    else:
        closing = (_closed(answer),)
    return Lesson(thinking=tuple(thinking), closing=closing, answer=answer)


def teach_worked(solution: str, answer: str, wrong: str, rng: random.Random, mix: TraceMix | None = None) -> Lesson:
    """Put a solution that is worked out already into the same form: a glance, a Wait, the solution, the answer.

    Args:
        solution: sentences, the answer not among them.
        answer: the right one.
        wrong: what a glance says that is wrong.
        rng: decides about the glance.
        mix: how often a glance is wrong.
    """
    misses = rng.random() < (mix or TraceMix()).wrong_glance
    thinking = _glance(wrong if misses else answer, rng, learned=not misses)
    thinking += [Piece(WAIT), Piece(WORK), Piece(f"{solution}{CLOSING.format(answer=answer)}\n")]
    return Lesson(thinking=tuple(thinking), closing=(_closed(answer),), answer=answer)


def _closed(answer: str) -> Piece:
    """How the model itself ends its thinking and answers."""
    return Piece(f"{thinking_format('s1').close_by_model}\n{FINAL} {answer}")


def _thinking(problem: Problem, family: Family, rng: random.Random, mix: TraceMix) -> list[Piece]:
    goes_on = family.goes_on(problem, mix.glance_shift)
    if not goes_on and rng.random() < mix.stop:
        return _glance(family.answer(problem), rng, learned=True)
    wrong = rng.random() < mix.wrong_glance
    pieces = _glance(family.wrong_guess(rng, problem) if wrong else family.answer(problem), rng, learned=not wrong)
    pieces += [Piece(WAIT, learned=goes_on), Piece(WORK)]
    checks = rng.choices(range(len(mix.checks)), mix.checks)[0]
    for number in range(checks + 1):
        if number:
            pieces += [Piece(WAIT, learned=rng.random() < mix.own_check), Piece(CHECK)]
        slips = number < checks and family.slips(problem) and rng.random() < mix.slip
        pieces += _slipping(problem, family, rng) if slips else [Piece(f"{family.chain(problem)}\n")]
    return pieces


def _glance(guess: str, rng: random.Random, *, learned: bool) -> list[Piece]:
    before, after = rng.choice(GLANCES).split("{}")
    return [Piece(f"\n{before}"), Piece(f" {guess}", learned), Piece(f"{after}\n")]


def _slipping(problem: Problem, family: Family, rng: random.Random) -> list[Piece]:
    """A chain that goes wrong at one step and on from there by the rules."""
    at = rng.randrange(len(problem.items))
    right, state = _steps_upto(problem, family, at)
    wrong = family.slip(rng, problem, state, at)
    rest, last = family.steps_from(problem, at + 1, wrong)
    written = [*right, family.write(problem, state, at, wrong), *rest]
    whole = family.paragraph(problem, written) + CLOSING.format(answer=family.final(problem, last)) + "\n"
    kept = len(family.paragraph(problem, right).removesuffix(".")) if right else len(problem.opening)
    kept += whole[kept : kept + 1] == ","  # `(1),` is encoded as a whole
    return [Piece(whole[:kept]), Piece(whole[kept:], learned=False)]


def _steps_upto(problem: Problem, family: Family, end: int) -> tuple[list[str], str]:
    state, written = problem.start, list[str]()
    for i in range(end):
        after = family.step(problem, state, i)
        written.append(family.write(problem, state, i, after))
        state = after
    return written, state


def _cut(pieces: list[Piece], rng: random.Random) -> list[Piece]:
    """Drop the end of the thinking before a word, small cuts being the most frequent."""
    text = "".join(piece.text for piece in pieces)
    places = [0, *(match.end() for match in re.finditer(r"\n| ?[A-Za-z']+| ?[^\sA-Za-z\d]+|\d| ", text))]
    chance = rng.random()
    last = len(places) - 1
    keep = places[0 if chance < 0.25 else rng.randint(0, min(14, last)) if chance < 0.5 else rng.randint(0, last)]
    kept: list[Piece] = []
    for piece in pieces:
        if keep > 0:
            kept.append(Piece(piece.text[:keep], piece.learned))
        keep -= len(piece.text)
    return kept


def solution(problem: Problem) -> str:
    """The bare chain with its answer, as one plain paragraph without a thinking block."""
    return FAMILIES[problem.family].chain(problem)


def assistant_turn(lesson: Lesson) -> dict[str, Any]:
    """The assistant's turn as `assistant`, and as `no_loss` the spans of its characters that carry no loss."""
    pieces = [Piece(thinking_format("s1").open), *lesson.thinking, *lesson.closing]
    spans: list[list[int]] = []
    at = 0
    for piece in pieces:
        end = at + len(piece.text)
        if not piece.learned and end > at:
            spans.append([at, end])  # not joined to the one before: each is encoded by itself
        at = end
    return {"assistant": "".join(piece.text for piece in pieces), "no_loss": spans}


def to_row(problem: Problem, lesson: Lesson) -> dict[str, Any]:
    """A training row: question, the assistant's turn with its spans, and where it is from."""
    return {
        "user": problem.question,
        **assistant_turn(lesson),
        "family": problem.family,
        "answer": lesson.answer,
        "difficulty": problem.difficulty,
    }


def rows(n: int, seed: int = 0, split: Split = "train", mix: TraceMix | None = None) -> Iterator[dict[str, Any]]:
    """Yield `n` training rows; the same seed gives the same problems, whatever the mix."""
    for problem in draw_problems(n, seed, split):
        yield to_row(problem, teach(problem, random.Random(f"{seed}/{problem.id}"), mix))
