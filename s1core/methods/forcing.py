"""Budget forcing as a method. Source: arXiv 2501.19393, section 3; the state machine is `s1core.budget`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from s1core.engines.base import Engine
from s1core.methods.base import Method, OnEvent, Outcome, budget_words, check_question, ignore, outcome_of, think
from s1core.types import Sampling

NATURAL = "natural"
"""Nothing is forced: the model stops by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forcing(Method):
    """One run under a budget; without one, what the model does by itself."""

    name: ClassVar[str] = "forcing"
    title: ClassVar[str] = "budget forcing"

    @property
    def label(self) -> str:
        """`natural`, `budget 64`, `1 x Wait`, `budget 64, 1 x Wait`."""
        return ", ".join(budget_words(self.budget)) or NATURAL

    async def arun(
        self, engine: Engine, question: str, sampling: Sampling | None = None, *, on_event: OnEvent = ignore
    ) -> Outcome:
        """Think once, under the budget."""
        check_question(question)
        trace = await think(engine, question, self.budget, sampling or Sampling(), on_event=partial(on_event, 0))
        return outcome_of(trace)
