"""NoWait: think without the words that begin a reflection (arXiv 2506.08343). The contrast to forced Waits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from s1core.engines.base import Engine
from s1core.engines.forbidding import ForbiddenWords, ForbiddingEngine
from s1core.errors import InvalidSetting
from s1core.methods.base import Method, OnEvent, Outcome, budget_words, check_question, ignore, outcome_of, think
from s1core.types import Event, Finished, Sampling

WORDS = ("Wait", "Hmm", "Alternatively")
"""What budget forcing appends, in the original's ablation. The paper forbids more: But, However, Another, Check, ..."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoWait(Method):
    """One run whose thinking has none of some words; its answer may have them."""

    name: ClassVar[str] = "no-wait"
    title: ClassVar[str] = "NoWait"

    words: tuple[str, ...] = WORDS
    """In any case, and however the tokenizer splits them; longer words that begin with one are kept out too."""

    def __post_init__(self) -> None:
        ForbiddenWords(self.words)
        if self.budget.waits or self.budget.min_thinking_tokens:
            raise InvalidSetting("NoWait forbids what Waits and a minimum force; ask for one or the other")

    @property
    def label(self) -> str:
        """`no Wait, Hmm, Alternatively`, `no Wait, budget 64`."""
        return ", ".join([f"no {', '.join(self.words)}", *budget_words(self.budget)])

    async def arun(
        self, engine: Engine, question: str, sampling: Sampling | None = None, *, on_event: OnEvent = ignore
    ) -> Outcome:
        """Think once; words that the model began are taken back, and counted as discarded tokens."""
        check_question(question)
        quiet = ForbiddingEngine(engine, self.words)

        def take(event: Event) -> None:
            if isinstance(event, Finished):
                event = replace(event, receipt=replace(event.receipt, discarded_tokens=quiet.discarded_tokens))
            on_event(0, event)

        trace = await think(quiet, question, self.budget, sampling or Sampling(), on_event=take)
        receipt = replace(trace.receipt, discarded_tokens=quiet.discarded_tokens)
        return outcome_of(replace(trace, receipt=receipt), {"taken_back": quiet.times})
