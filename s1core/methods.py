"""The other ways to scale test-time compute: conditional control, rejection sampling, majority vote.

Source: arXiv 2501.19393, section 3 and appendix E. Conditional control only asks; whether the model complies is
measured (`Controlled.measured`), and a budget can be forced on top.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from s1core.budget import Budget
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting
from s1core.grading import canonical
from s1core.metrics import maj_at_k
from s1core.run import Run
from s1core.sweep import pump, run_blocking, together
from s1core.types import Event, Sampling, Trace

Unit = Literal["tokens", "steps", "class"]
Length = Literal["short", "long"]

OnEvent = Callable[[int, Event], None]
"""Told the sample's number, from 0, and each of its events as it comes."""

STEP_DELIMITER = "\n"
"""Steps are the non-empty lines of the thinking."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """What is asked of the model in the prompt."""

    unit: Unit
    most: int | None = None
    """Tokens or steps to stay within."""
    length: Length | None = None
    """For class-conditional control."""

    @classmethod
    def tokens(cls, most: int) -> Control:
        """Ask for at most so many thinking tokens."""
        return cls(unit="tokens", most=most)

    @classmethod
    def steps(cls, most: int) -> Control:
        """Ask for at most so many steps."""
        return cls(unit="steps", most=most)

    @classmethod
    def thinking(cls, length: Length) -> Control:
        """Ask for short or for long thinking."""
        return cls(unit="class", length=length)

    def __post_init__(self) -> None:
        if self.unit == "class":
            if self.length not in ("short", "long") or self.most is not None:
                raise InvalidSetting("class-conditional control asks for 'short' or 'long' thinking, without a number")
        elif self.most is None or self.most < 1 or self.length is not None:
            raise InvalidSetting(f"{self.unit}-conditional control needs a number of {self.unit}, 1 or more")

    def prompt(self, question: str) -> str:
        """Return the question with the instruction that the paper's models were trained on."""
        if self.unit == "class":
            return f"{question}\n\nAnswer after a {self.length} amount of thinking."
        return f"{question}\n\nThink for up to {self.most} {self.unit}."

    def measure(self, trace: Trace) -> int:
        """Count what was asked for: thinking tokens, or steps."""
        if self.unit == "steps":
            return sum(bool(line.strip()) for line in trace.thinking_text.split(STEP_DELIMITER))
        return trace.receipt.thinking_tokens


@dataclass(frozen=True, kw_only=True, slots=True)
class Controlled:
    """A run under conditional control, with what the model made of the request."""

    control: Control
    trace: Trace
    measured: int
    """Thinking tokens or steps."""

    @property
    def kept(self) -> bool | None:
        """The model stayed within what was asked; None for short or long, which name no number."""
        return None if self.control.most is None else self.measured <= self.control.most


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """The outcome of a majority vote."""

    answer: str | None
    """The most common answer; ties go to the first seen."""
    traces: tuple[Trace, ...]

    def at(self, k: int) -> str | None:
        """Return the majority of the first k samples."""
        return majority([trace.answer for trace in self.traces], k)


def controlled(
    engine: Engine, question: str, control: Control, budget: Budget | None = None, sampling: Sampling | None = None
) -> Controlled:
    """Ask for a length in the prompt; pass a budget to force it as well."""
    return run_blocking(acontrolled(engine, question, control, budget, sampling))


async def acontrolled(
    engine: Engine, question: str, control: Control, budget: Budget | None = None, sampling: Sampling | None = None
) -> Controlled:
    """Do what `controlled` does, on the caller's event loop."""
    _check_question(question)
    trace = await _solve(engine, control.prompt(question), budget or Budget(), sampling or Sampling())
    return Controlled(control=control, trace=trace, measured=control.measure(trace))


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
    on_event: OnEvent = lambda number, event: None,
) -> Rejection:
    """Do what `rejection_sampling` does, on the caller's event loop; `on_event` gets every event."""
    drawn = _check_drawn(sampling, attempts, "attempts", question)
    # One token of slack separates an end exactly at the budget from thinking that continues.
    budget = Budget(max_thinking_tokens=max_thinking_tokens + 1)
    sampled = 0
    for attempt in range(attempts):
        run = Run(engine, question, budget, replace(drawn, sample_index=attempt))
        trace = await pump(engine, run, run.start(), enough=_too_long, on_event=partial(on_event, attempt))
        sampled += sum(len(s.token_ids) for s in trace.segments if s.source == "model")
        if trace.receipt.closed_by == "model":
            return Rejection(trace=trace, attempts=attempt + 1, sampled_tokens=sampled)
    return Rejection(trace=None, attempts=attempts, sampled_tokens=sampled)


def majority_vote(
    engine: Engine, question: str, n: int, budget: Budget | None = None, sampling: Sampling | None = None
) -> Vote:
    """Draw n samples, which share the prompt's prefix cache, and take the most common answer.

    Args:
        engine: from `load_engine`.
        question: the user's text.
        n: samples; sample i draws with sample index i.
        budget: of each sample.
        sampling: default: temperature 1.

    Raises:
        InvalidSetting: no samples, or temperature 0, at which every sample is the same.
    """
    return run_blocking(amajority_vote(engine, question, n, budget, sampling))


async def amajority_vote(
    engine: Engine,
    question: str,
    n: int,
    budget: Budget | None = None,
    sampling: Sampling | None = None,
    *,
    on_event: OnEvent = lambda number, event: None,
) -> Vote:
    """Do what `majority_vote` does, on the caller's event loop; `on_event` gets every event."""
    drawn = _check_drawn(sampling, n, "samples", question)
    runs = (
        _solve(engine, question, budget or Budget(), replace(drawn, sample_index=i), on_event=partial(on_event, i))
        for i in range(n)
    )
    traces = await together(runs)
    return Vote(answer=majority([trace.answer for trace in traces]), traces=tuple(traces))


def majority(answers: Sequence[str | None], k: int | None = None) -> str | None:
    """The most common of the first k answers, in the spelling that was seen first; missing ones do not vote.

    Spellings of one number are one answer (023 and 23, 0.5 and 1/2); ties go to the first seen.
    """
    spelling: dict[str, str] = {}
    votes = [None if answer is None else canonical(answer) for answer in answers[:k]]
    for vote, answer in zip(votes, answers, strict=False):
        if vote is not None and answer is not None:
            spelling.setdefault(vote, answer)
    winner = maj_at_k(votes)
    return None if winner is None else spelling[winner]


async def _solve(
    engine: Engine,
    question: str,
    budget: Budget,
    sampling: Sampling,
    *,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Trace:
    run = Run(engine, question, budget, sampling)
    return await pump(engine, run, run.start(), on_event=on_event)


def _too_long(run: Run) -> bool:
    return run.closed_by not in (None, "model")


def _check_question(question: str) -> None:
    if not question.strip():
        raise InvalidSetting("the question is empty; type one, for instance: How many r in raspberry?")


def _check_drawn(sampling: Sampling | None, count: int, name: str, question: str) -> Sampling:
    """Return how samples are drawn: the question is part of their noise, by its id or else by its text."""
    if count < 1:
        raise InvalidSetting(f"the number of {name} must be 1 or more, got {count}")
    drawn = sampling or Sampling(temperature=1.0)
    if drawn.temperature == 0:
        raise InvalidSetting(f"at temperature 0 all {name} are the same; choose a temperature above 0")
    return drawn if drawn.question_id else replace(drawn, question_id=question)
