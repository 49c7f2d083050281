"""Families whose chain is arithmetic: every step is one sum, difference, product or quotient of known numbers."""

from __future__ import annotations

import random

from s1core.problems.family import Family
from s1core.problems.problem import Item, Problem

_WORDS = {"plus": "plus", "minus": "minus", "times": "times", "over": "divided by"}
LAST = "@"
"""As an operand: the result of the step before. `@0` is the result of the first step."""


def compute(operation: str, left: int, right: int) -> int:
    """The result of one step. Quotients must be whole."""
    match operation:
        case "plus":
            return left + right
        case "minus":
            return left - right
        case "times":
            return left * right
        case "over":
            if left % right:
                raise ValueError(f"{left} divided by {right} is no whole number")
            return left // right
        case _:
            raise ValueError(f"unknown operation {operation!r}; known: {', '.join(_WORDS)}")


def running(start: int, changes: list[int]) -> tuple[Item, ...]:
    """The items of a running count: the first step takes the start, each other one the result before it."""
    items: list[Item] = []
    for change in changes:
        left = LAST if items else str(start)
        items.append(("plus" if change >= 0 else "minus", left, str(abs(change))))
    return tuple(items)


class Arithmetic(Family):
    """The state is the list of results so far; an operand is a number or refers to one of them."""

    def _operand(self, results: list[str], operand: str) -> int:
        if operand == LAST:
            return int(results[-1])
        return int(results[int(operand[1:])]) if operand.startswith(LAST) else int(operand)

    def step(self, problem: Problem, state: str, index: int) -> str:
        operation, left, right = problem.items[index][:3]
        results = state.split()
        try:
            value = compute(operation, self._operand(results, left), self._operand(results, right))
        except (ValueError, ZeroDivisionError):  # after a slip a quotient may have no whole value
            value = max(1, self._operand(results, left) // max(1, self._operand(results, right)))
        return f"{state} {value}".strip()

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        operation, left, right = problem.items[index][:3]
        results = before.split()
        x, y = self._operand(results, left), self._operand(results, right)
        return f"{x} {_WORDS[operation]} {y} is {after.split()[-1]}."

    def final(self, problem: Problem, state: str) -> str:
        return state.split()[-1]

    def guess(self, rng: random.Random, problem: Problem) -> str:
        state = self.steps_from(problem, 0, problem.start)[1].split()
        answer = int(state[-1])
        if len(state) > 1 and rng.random() < 0.25:
            return rng.choice(state[:-1])
        return str(max(0, answer + rng.choice((-10, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 10))))

    def slip(self, rng: random.Random, problem: Problem, before: str, index: int) -> str:
        right = int(self.step(problem, before, index).split()[-1])
        return f"{before} {max(1, right + rng.choice((-10, -2, -1, 1, 2, 10)))}".strip()
