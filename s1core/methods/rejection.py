"""Rejection sampling: resample until the thinking fits the budget by itself. Source: arXiv 2501.19393, section 3."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from s1core.budget import Budget
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting
from s1core.methods.base import Method, OnEvent, Outcome, Spent, drawn_with, ignore, one_by_one
from s1core.run import Run
from s1core.sweep import pump, run_blocking
from s1core.types import Sampling, Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """The outcome of rejection sampling."""

    trace: Trace | None
    """The first sample whose thinking ended by itself within the budget; None when no attempt did."""
    attempts: int
    sampled_tokens: int
    """Tokens sampled over all attempts, the rejected ones included."""

    @property
    def answer(self) -> str | None:
        """The accepted answer."""
        return None if self.trace is None else self.trace.answer


def rejection_sampling(
    engine: Engine,
    question: str,
    max_thinking_tokens: int,
    *,
    attempts: int = 16,
    sampling: Sampling | None = None,
) -> Rejection:
    """Resample until the thinking fits the budget by itself.

    Args:
        engine: from `load_engine`.
        question: the user's text.
        max_thinking_tokens: an attempt is given up as soon as it thinks longer.
        attempts: at most so many; attempt i draws with sample index i.
        sampling: default: temperature 1.

    Raises:
        InvalidSetting: no attempts, or temperature 0, at which every attempt is the same.
    """
    return run_blocking(
        arejection_sampling(engine, question, max_thinking_tokens, attempts=attempts, sampling=sampling)
    )


async def arejection_sampling(
    engine: Engine,
    question: str,
    max_thinking_tokens: int,
    *,
    attempts: int = 16,
    sampling: Sampling | None = None,
    on_event: OnEvent = ignore,
) -> Rejection:
    """Do what `rejection_sampling` does, on the caller's event loop; `on_event` gets every event."""
    tried = await _attempts(engine, question, max_thinking_tokens, attempts, sampling, on_event)
    accepted = tried[-1].receipt.closed_by == "model"
    sampled = sum(len(s.token_ids) for trace in tried for s in trace.segments if s.source == "model")
    return Rejection(trace=tried[-1] if accepted else None, attempts=len(tried), sampled_tokens=sampled)


async def _attempts(
    engine: Engine,
    question: str,
    max_thinking_tokens: int,
    attempts: int,
    sampling: Sampling | None,
    on_event: OnEvent,
) -> list[Trace]:
    """Return the attempts up to the first that fits, which is the only one with an answer."""
    drawn = drawn_with(sampling, attempts, "attempts", question)
    # One token of slack separates an end exactly at the budget from thinking that continues.
    budget = Budget(max_thinking_tokens=max_thinking_tokens + 1)
    tried: list[Trace] = []
    for attempt in range(attempts):
        run = Run(engine, question, budget, replace(drawn, sample_index=attempt))
        tried.append(await pump(engine, run, run.start(), enough=_too_long, on_event=partial(on_event, attempt)))
        if tried[-1].receipt.closed_by == "model":
            break
    return tried


def _too_long(run: Run) -> bool:
    return run.closed_by not in (None, "model")


def rejection_label(budget: int) -> str:
    """Name rejection sampling to a budget."""
    return f"resampled until within {budget}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectionSampling(Method):
    """Rejection sampling as a method; its budget is what the thinking has to fit, and it has no Waits."""

    name: ClassVar[str] = "rejection"
    title: ClassVar[str] = "rejection sampling"
    draws: ClassVar[bool] = True

    attempts: int = 16
    """At most so many."""

    def __post_init__(self) -> None:
        if self.budget.max_thinking_tokens is None:
            raise InvalidSetting("rejection sampling needs a budget that the thinking has to fit; give one, 64 say")
        if self.budget.waits or self.budget.min_thinking_tokens:
            raise InvalidSetting("rejection sampling takes thinking that ends by itself; leave out Waits and minimum")

    @property
    def label(self) -> str:
        """`resampled until within 64`."""
        return rejection_label(self.budget.max_thinking_tokens or 0)

    async def arun(
        self, engine: Engine, question: str, sampling: Sampling | None = None, *, on_event: OnEvent = ignore
    ) -> Outcome:
        """Draw one attempt after the other; run i is attempt i. Without one that fits there is no answer."""
        most = self.budget.max_thinking_tokens or 0
        tried = await _attempts(engine, question, most, self.attempts, sampling, on_event)
        accepted = tried[-1] if tried[-1].receipt.closed_by == "model" else None
        return Outcome(
            answer=accepted and accepted.answer,
            trace=accepted,
            spent=one_by_one(Spent.of(trace.receipt) for trace in tried),
            runs=tuple(tried),
            details={"attempts": len(tried)},
        )
