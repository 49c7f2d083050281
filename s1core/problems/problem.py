"""What a problem is, how it is drawn, and which split its numbers, names and phrasings belong to."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from s1core.nano.question import HELD_OUT_WORDS, Split, digest

TEST_PERCENT = 20
"""Share of the combinations of numbers and items that only the test split has."""
TEST_ONLY_PERCENT = 15
"""Share of the phrasings, and of the names, that only the test split uses."""

Item = tuple[str, ...]
"""What one step consumes: an operation with its operands, a swap, a letter."""
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A question in English, seen as a state machine: a start, and items that are consumed one after another."""

    id: str = ""
    """Family, split, seed and index: what `find_problem` makes the same problem from."""
    family: str
    question: str
    key: str
    """The numbers and things that the answer depends on: what the splits must not share."""
    frames: tuple[str, ...] = ()
    """The phrasings that were used."""
    start: str
    """The state before the first step."""
    opening: str
    """The sentence that restates the start, as the first of the chain; may be empty."""
    items: tuple[Item, ...]
    table: dict[str, str] = field(default_factory=dict[str, str])
    """Look-up data of the question: the letter asked for, who is whose mother."""
    size: int = 0
    """What is long about the question, where that is not its number of steps: 0 takes the number of steps."""

    @property
    def difficulty(self) -> int:
        """Number of dependent steps."""
        return len(self.items)


def is_test_only(phrase: str) -> bool:
    """Whether a phrasing or a name never occurs in training."""
    return digest(f"phrase:{phrase}") % 100 < TEST_ONLY_PERCENT


def split_of(family: str, key: str) -> Split:
    """The split of everything that shares this key."""
    held_out = key in HELD_OUT_WORDS or digest(f"{family}:{key}") % 100 < TEST_PERCENT
    return "test" if held_out else "train"


class Draw:
    """Random choices for one problem. For the train split it leaves out what only the test split may use."""

    def __init__(self, rng: random.Random, split: Split) -> None:
        self.rng = rng
        self.split: Split = split
        self.frames: list[str] = []
        self._names: list[str] = []

    def pick(self, options: Sequence[T]) -> T:
        """One of these."""
        return self.rng.choice(options)

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """`count` different ones of these, in random order."""
        return self.rng.sample(options, count)

    def number(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return self.rng.randint(low, high)

    def chance(self, share: float) -> bool:
        """True in this share of the draws."""
        return self.rng.random() < share

    def allowed(self, phrases: Sequence[str]) -> Sequence[str]:
        """The phrases or names that this split may use."""
        return phrases if self.split == "test" else _train_only(tuple(phrases))

    def frame(self, phrasings: Sequence[str]) -> str:
        """A phrasing of this split; it is noted in `frames`."""
        chosen = self.rng.choice(self.allowed(phrasings))
        self.frames.append(chosen)
        return chosen

    def distinct(self, phrasings: Sequence[str], count: int) -> list[str]:
        """`count` phrasings of this split, as different from each other as the list allows."""
        allowed = self.allowed(phrasings)
        chosen: list[str] = []
        while len(chosen) < count:
            chosen += self.rng.sample(allowed, min(len(allowed), count - len(chosen)))
        self.frames += chosen
        return chosen

    def names(self, count: int, pool: Sequence[str]) -> list[str]:
        """`count` names that this problem does not have yet."""
        free = [name for name in self.allowed(pool) if name not in self._names]
        chosen = self.rng.sample(free, count)
        self._names += chosen
        return chosen

    def name(self, pool: Sequence[str]) -> str:
        """A name that this problem does not have yet."""
        return self.names(1, pool)[0]


_TRAIN_ONLY: dict[tuple[str, ...], tuple[str, ...]] = {}


def _train_only(phrases: tuple[str, ...]) -> tuple[str, ...]:
    """Without the test-only ones; hashed once for each list."""
    if phrases not in _TRAIN_ONLY:
        _TRAIN_ONLY[phrases] = tuple(p for p in phrases if not is_test_only(p)) or phrases
    return _TRAIN_ONLY[phrases]
