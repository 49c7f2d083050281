"""What a process reward model says of solutions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

Aggregate = Literal["last", "min", "prod", "mean"]
"""From the scores of the steps to that of a solution; `last` is what a tree search takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """Of one solution."""

    steps: tuple[float, ...]
    """One a step, 0..1."""
    tokens: int
    """That the reward model read."""

    def of(self, aggregate: Aggregate) -> float:
        """Return one number for the whole; 0 without steps."""
        if not self.steps:
            return 0.0
        match aggregate:
            case "last":
                return self.steps[-1]
            case "min":
                return min(self.steps)
            case "prod":
                return math.prod(self.steps)
            case "mean":
                return sum(self.steps) / len(self.steps)


@runtime_checkable
class RewardModel(Protocol):
    """Scores the steps of solutions."""

    name: str

    def score(self, question: str, solutions: Sequence[Sequence[str]]) -> list[Scores]:
        """Score every step of some solutions of one question; called from any thread, by one at a time."""
        ...
