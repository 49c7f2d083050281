"""How s1-nano's thinking is worded: a look, checks, the slips in them, and the words that start another check.

Used for training text and by the teacher; never to answer a visitor.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from s1core.nano.family import Family
from s1core.nano.question import Puzzle

OTHER_WAITS = (
    "Let me see",
    "But",
    "So",
    "Actually",
    "Hold on",
    "Again",
    "Let me check",
    "Okay",
    "Now",
    "Think",
    "Really?",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Slip:
    """A written check that goes wrong somewhere."""

    before: list[str]
    """The right steps before the slip."""
    after: list[str]
    """The wrong step and all that follow from it."""
    answer: str
    """What the check ends in."""


def draw_slip(rng: random.Random, family: Family, puzzle: Puzzle) -> Slip:
    """A check that slips at a random step and goes on from there by the rules; by luck it may end right."""
    at = rng.randrange(puzzle.steps)
    right = family.chain(puzzle)
    wrong_state = family.guess(rng, puzzle)
    rest, answer = family.chain_from(puzzle, at + 1, wrong_state)
    return Slip(before=right[:at], after=[family.write(puzzle, wrong_state, at), *rest], answer=answer)


def look_text(answer: str) -> str:
    """The quick look that opens the thinking."""
    return f"\nMaybe {answer}.\n"


def check_text(steps: list[str], answer: str) -> str:
    """A written check, as it follows a wait word."""
    return f", {' '.join(steps)}. So {answer}.\n"


def wait_word(rng: random.Random) -> str:
    """A word that starts another check."""
    chance = rng.random()
    if chance < 0.65:
        return "Wait"
    if chance < 0.77:
        return "Hmm"
    return "Alternatively" if chance < 0.89 else rng.choice(OTHER_WAITS)
