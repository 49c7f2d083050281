"""Majority vote: several samples, and the most common answer. Source: arXiv 2203.11171."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, ClassVar

from s1core.budget import Budget
from s1core.engines.base import Engine
from s1core.engines.capabilities import require
from s1core.grading import canonical
from s1core.methods.base import (
    Method,
    OnEvent,
    Outcome,
    Spent,
    budget_words,
    drawn_with,
    ignore,
    side_by_side,
    think,
)
from s1core.sweep import run_blocking, together
from s1core.types import Sampling, Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class Ballot:
    """One answer of a vote."""

    answer: str
    """In the spelling that was seen first; spellings of one number (023 and 23, 0.5 and 1/2) are one answer."""
    votes: int
    weight: float
    """The votes, or the sum of their weights."""
    first: int
    """Number of the sample that gave it first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """The outcome of a majority vote."""

    answer: str | None
    """The most common answer; ties go to the first seen."""
    traces: tuple[Trace, ...]

    def at(self, k: int) -> str | None:
        """Return the majority of the first k samples."""
        return majority([trace.answer for trace in self.traces], k)


def tally(answers: Sequence[str | None], weights: Sequence[float] | None = None) -> list[Ballot]:
    """Count the votes, the winner first; missing answers do not vote, and ties go to the first seen.

    Args:
        answers: one a sample.
        weights: of the samples, 0 or more; default: 1 each.
    """
    ballots: dict[str, Ballot] = {}
    for number, answer in enumerate(answers):
        if answer is None:
            continue
        before = ballots.get(key := canonical(answer)) or Ballot(answer=answer, votes=0, weight=0.0, first=number)
        weight = 1.0 if weights is None else weights[number]
        ballots[key] = replace(before, votes=before.votes + 1, weight=before.weight + weight)
    return sorted(ballots.values(), key=lambda ballot: -ballot.weight)


def majority(answers: Sequence[str | None], k: int | None = None) -> str | None:
    """The most common of the first k answers, in the spelling that was seen first; missing ones do not vote.

    Spellings of one number are one answer (023 and 23, 0.5 and 1/2); ties go to the first seen.
    """
    ballots = tally(answers[:k])
    return ballots[0].answer if ballots else None


def confidence(trace: Trace) -> float:
    """Return the weight of a sample in a confidence-weighted vote: the probability of its answer's tokens."""
    return trace.receipt.answer_probability or 0.0


def vote_of(traces: Sequence[Trace], *, weighted: bool) -> list[Ballot]:
    """Count the votes of samples, the winner first."""
    weights = [confidence(trace) for trace in traces] if weighted else None
    return tally([trace.answer for trace in traces], weights)


def voted(traces: Sequence[Trace], ballots: Sequence[Ballot], spent: Spent, **more: Any) -> Outcome:
    """Return the outcome of a vote: its run is the first sample that gave the winning answer."""
    trace = traces[ballots[0].first] if ballots else None
    answer = ballots[0].answer if ballots else None
    details = {"votes": [asdict(ballot) for ballot in ballots], "samples": len(traces), **more}
    return Outcome(answer=answer, trace=trace, spent=spent, runs=tuple(traces), details=details)


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
    on_event: OnEvent = ignore,
) -> Vote:
    """Do what `majority_vote` does, on the caller's event loop; `on_event` gets every event."""
    traces = await draw(
        engine, question, range(n), budget or Budget(), drawn_with(sampling, n, "samples", question), on_event
    )
    return Vote(answer=majority([trace.answer for trace in traces]), traces=tuple(traces))


async def draw(
    engine: Engine,
    question: str,
    numbers: Iterable[int],
    budget: Budget,
    sampling: Sampling,
    on_event: OnEvent = ignore,
    *,
    answer_logprobs: bool = False,
) -> list[Trace]:
    """Draw samples side by side; sample i draws with sample index i."""
    return await together(
        think(
            engine,
            question,
            budget,
            replace(sampling, sample_index=number),
            on_event=partial(on_event, number),
            answer_logprobs=answer_logprobs,
        )
        for number in numbers
    )


def vote_label(k: int) -> str:
    """Name the majority of k samples."""
    return f"majority of {k}"


@dataclass(frozen=True, kw_only=True, slots=True)
class MajorityVote(Method):
    """Majority vote as a method."""

    name: ClassVar[str] = "vote"
    title: ClassVar[str] = "majority vote"
    draws: ClassVar[bool] = True

    samples: int = 8
    weighted: bool = False
    """A vote counts as much as its answer is probable (after CISC, arXiv 2502.06233)."""

    @property
    def label(self) -> str:
        """`majority of 8`, `majority of 8, weighted, budget 64`."""
        weighted = ["weighted"] if self.weighted else []
        return ", ".join([vote_label(self.samples), *weighted, *budget_words(self.budget)])

    async def arun(
        self, engine: Engine, question: str, sampling: Sampling | None = None, *, on_event: OnEvent = ignore
    ) -> Outcome:
        """Draw all samples side by side; run i is sample i. `details` has the votes."""
        if self.weighted:
            require(engine, "logprobs")
        drawn = drawn_with(sampling, self.samples, "samples", question)
        traces = await draw(
            engine, question, range(self.samples), self.budget, drawn, on_event, answer_logprobs=self.weighted
        )
        spent = side_by_side(Spent.of(trace.receipt) for trace in traces)
        return voted(traces, vote_of(traces, weighted=self.weighted), spent)
