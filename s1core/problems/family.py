"""The interface of a problem family: draw a problem, make one step, write it down."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import ClassVar

from s1core.problems.problem import Draw, Problem

CLOSING = " So the answer is {answer}."


class Family(ABC):
    """A kind of question whose answer takes one local step per item.

    `answer` folds the steps; it is used for grading and for making training text, never to answer a visitor.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    examples: ClassVar[dict[str, str]]
    """Questions to show, with their answers."""
    fewest: ClassVar[int]
    """Steps of the shortest problem, as `draw` counts them."""
    most: ClassVar[int]
    glance_upto: ClassVar[int]
    """Problems of at most this size stop after a glance; longer ones are worked out without being asked to."""
    joiner: ClassVar[str] = " "
    """Stands between the written steps."""

    @abstractmethod
    def draw(self, draw: Draw, steps: int) -> Problem:
        """A random problem with about this many steps."""

    @abstractmethod
    def step(self, problem: Problem, state: str, index: int) -> str:
        """The state after item `index`."""

    @abstractmethod
    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        """The written step from the state `before` to the state `after`."""

    @abstractmethod
    def guess(self, rng: random.Random, problem: Problem) -> str:
        """A plausible answer, right or wrong."""

    def slip(self, rng: random.Random, problem: Problem, before: str, index: int) -> str:
        """A wrong state in place of the one after item `index`; by luck it may be right."""
        return self.guess(rng, problem)

    def slips(self, problem: Problem) -> bool:
        """Whether a step of this problem can go wrong in a way worth showing."""
        return True

    def final(self, problem: Problem, state: str) -> str:
        """The answer that the last state stands for."""
        return state

    def answer(self, problem: Problem) -> str:
        """The right answer: the start, folded over all items."""
        state = problem.start
        for index in range(len(problem.items)):
            state = self.step(problem, state, index)
        return self.final(problem, state)

    def steps_from(self, problem: Problem, index: int, state: str) -> tuple[list[str], str]:
        """The written steps from item `index` on, and the last state."""
        written: list[str] = []
        for i in range(index, len(problem.items)):
            after = self.step(problem, state, i)
            written.append(self.write(problem, state, i, after))
            state = after
        return written, state

    def chain(self, problem: Problem) -> str:
        """The whole chain in plain English, its answer included."""
        written, state = self.steps_from(problem, 0, problem.start)
        return self.paragraph(problem, written) + CLOSING.format(answer=self.final(problem, state))

    def paragraph(self, problem: Problem, written: list[str]) -> str:
        """The opening and the written steps as one text."""
        body = self.joiner.join(written) + ("." if self.joiner == ", " else "")
        return f"{problem.opening} {body}" if problem.opening else body

    def goes_on(self, problem: Problem, shift: int = 0) -> bool:
        """Whether the traces of this problem are worked out without being asked to."""
        return (problem.size or problem.difficulty) > self.glance_upto + shift

    def wrong_guess(self, rng: random.Random, problem: Problem) -> str:
        """A plausible answer that is not the right one."""
        answer = self.answer(problem)
        while (guess := self.guess(rng, problem)) == answer:
            pass
        return guess
