"""The interface of a question family: draw a puzzle, read one from text, make one step."""

from __future__ import annotations

import random
import re
from abc import ABC, abstractmethod
from typing import ClassVar

from s1core.nano.question import Puzzle


class Family(ABC):
    """A kind of question whose answer takes one local step per item.

    The written step is all that the model is taught; `answer` folds the steps and is used for grading and for making
    training text, never to answer a visitor.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    examples: ClassVar[tuple[str, ...]]
    fewest: ClassVar[int]
    most: ClassVar[int]
    goes_on_from: ClassVar[int]
    """Puzzles with at least this many steps are checked without being asked to; shorter ones stop at the quick look."""
    shorter: ClassVar[float] = 1.0
    """Above 1, short puzzles are drawn more often than long ones."""
    pattern: ClassVar[re.Pattern[str]]

    @abstractmethod
    def draw(self, rng: random.Random, steps: int) -> Puzzle:
        """A random puzzle with this many steps."""

    @abstractmethod
    def read(self, match: re.Match[str]) -> Puzzle | None:
        """The puzzle behind a question that matches `pattern`; None if its numbers make no sense."""

    @abstractmethod
    def step(self, puzzle: Puzzle, state: str, index: int) -> str:
        """The state after item `index`."""

    @abstractmethod
    def write(self, puzzle: Puzzle, state: str, index: int) -> str:
        """The written step that ends in `state`."""

    @abstractmethod
    def guess(self, rng: random.Random, puzzle: Puzzle) -> str:
        """A plausible answer, right or wrong."""

    def draw_steps(self, rng: random.Random, most: int) -> int:
        """How many steps a drawn puzzle has."""
        return self.fewest + int((most - self.fewest + 1) * rng.random() ** self.shorter)

    def parse(self, text: str) -> Puzzle | None:
        """The puzzle asked for in this text, if it is one of this family."""
        match = self.pattern.fullmatch(text.strip())
        return self.read(match) if match else None

    def goes_on(self, puzzle: Puzzle) -> bool:
        """Whether the training traces of this puzzle check the quick look by themselves."""
        return puzzle.steps >= self.goes_on_from

    def answer(self, puzzle: Puzzle) -> str:
        """The state after all items."""
        state = puzzle.start
        for index in range(puzzle.steps):
            state = self.step(puzzle, state, index)
        return state

    def chain(self, puzzle: Puzzle) -> list[str]:
        """The written steps, one per item."""
        return self.chain_from(puzzle, 0, puzzle.start)[0]

    def chain_from(self, puzzle: Puzzle, index: int, state: str) -> tuple[list[str], str]:
        """The written steps from item `index` on, and the last state."""
        written: list[str] = []
        for i in range(index, puzzle.steps):
            state = self.step(puzzle, state, i)
            written.append(self.write(puzzle, state, i))
        return written, state

    def wrong_guess(self, rng: random.Random, puzzle: Puzzle) -> str:
        """A plausible answer that is not the right one."""
        answer = self.answer(puzzle)
        while (guess := self.guess(rng, puzzle)) == answer:
            pass
        return guess
