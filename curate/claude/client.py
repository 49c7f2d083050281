"""Claude for the stages: by single calls or by batches, whichever suits, with one journal and one cap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import anthropic

from curate.claude.batches import POLL_S, Batches
from curate.claude.journal import Answer, Journal
from curate.claude.live import AT_ONCE, Live, Pace
from curate.claude.prices import ClaudeModel
from curate.claude.tasks import Ask, Task

FEW = 200
"""Up to so many questions are asked by single calls when nobody chose."""
Mode = Literal["auto", "live", "batch"]


def about_of(model_name: str, task: Task) -> str:
    """The key of a task's answers: the model and everything that is sent to it."""
    return f"{model_name}/{task.name}-{task.hash}"


def goes_by_batches(mode: Mode, questions: int) -> bool:
    """Whether so many questions are asked by batches."""
    return mode == "batch" or (mode == "auto" and questions > FEW)


@dataclass(frozen=True, kw_only=True)
class Claude:
    """One model, ready to be asked."""

    client: anthropic.Anthropic
    api_key: str = field(repr=False)
    model_name: str
    model: ClaudeModel
    journal: Journal
    mode: Mode = "auto"
    at_once: int = AT_ONCE
    poll_s: float = POLL_S
    pace: Pace = field(default_factory=Pace)

    def ask(self, task: Task, asks: Sequence[Ask], on_progress: Callable[[int], None]) -> dict[str, Answer]:
        """The answers to these questions, by key; those that are known are not asked again.

        Args:
            task: what they are about.
            asks: with keys that are unique within the task.
            on_progress: called with the number of new answers so far.

        Raises:
            CapReached: the spending cap is reached.
            Unavailable: too many faults in a row.
            CurateError: key or account are not accepted.
        """
        about = about_of(self.model_name, task)
        unknown = [ask for ask in asks if (known := self.journal.answer(about, ask.key)) is None or not known.final]
        batches = goes_by_batches(self.mode, len(unknown))
        if unknown or self.journal.plans(about):
            # Batches under way are brought in first, also by who would ask the rest by single calls.
            self._batches().bring_in(task, about, on_progress)
            (self._batches() if batches else self._live()).ask(task, about, asks, on_progress)
        return {ask.key: answer for ask in asks if (answer := self.journal.answer(about, ask.key)) is not None}

    def _live(self) -> Live:
        return Live(
            client=self.client,
            api_key=self.api_key,
            model_name=self.model_name,
            model=self.model,
            journal=self.journal,
            pace=self.pace,
            at_once=self.at_once,
        )

    def _batches(self) -> Batches:
        return Batches(
            client=self.client,
            api_key=self.api_key,
            model_name=self.model_name,
            model=self.model,
            journal=self.journal,
            pace=self.pace,
            poll_s=self.poll_s,
        )
