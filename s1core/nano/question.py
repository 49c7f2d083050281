"""What a question is, and which split it belongs to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

Split = Literal["train", "test"]

TEST_SHARE_PERCENT = 20
HELD_OUT_WORDS = frozenset({"raspberry", "strawberry", "blueberry", "mississippi"})
"""Words that visitors are sure to try: always in the test split."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question with its known answer."""

    id: str
    family: str
    question: str
    answer: str
    difficulty: int
    """Number of dependent steps in the written check."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Puzzle:
    """A question seen as a state machine: a start, and items that are consumed one after another."""

    family: str
    question: str
    key: str
    """What must not be shared between the splits: the word, the numbers, the map."""
    start: str
    items: tuple[str, ...]
    table: dict[str, str] = field(default_factory=dict[str, str])
    """Look-up data of the question: the letter asked for, the base and modulus, the map to follow."""

    @property
    def steps(self) -> int:
        """Number of dependent steps."""
        return len(self.items)


def digest(text: str) -> int:
    """A stable hash, the same on every machine and in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def split_of(family: str, key: str) -> Split:
    """The split of everything that shares this key."""
    if key in HELD_OUT_WORDS or digest(f"{family}:{key}") % 100 < TEST_SHARE_PERCENT:
        return "test"
    return "train"
