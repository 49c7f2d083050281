"""Probing: what would the model answer now, and how sure is it? From that, the answer track of a run.

A probe closes the thinking at some point of a finished trajectory and asks for the answer; the trajectory's prefix
cache makes each probe cost its own few tokens.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Literal

from s1core.budget import Budget, Progress
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting
from s1core.run import Run, Thought, cut
from s1core.sweep import Trajectory, pump, run_blocking
from s1core.types import Sampling, Trace

WaitVerdict = Literal["fixed", "broke", "kept right", "kept wrong"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackPoint:
    """What the model would answer after so many thinking tokens."""

    thinking_tokens: int
    answer: str | None
    probability: float | None
    """Of the answer's tokens; None where the engine cannot tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitEffect:
    """The answer when the model tried to end, and the answer when it tried (or had to) the next time."""

    number: int
    before: str | None
    after: str | None

    def verdict(self, is_right: dict[str | None, bool]) -> WaitVerdict:
        """Judge the Wait, given which answers are right."""
        was, now = is_right.get(self.before, False), is_right.get(self.after, False)
        if was:
            return "kept right" if now else "broke"
        return "fixed" if now else "kept wrong"


@dataclass(frozen=True, kw_only=True, slots=True)
class Track:
    """The answers along one trajectory."""

    points: tuple[TrackPoint, ...]
    waits: tuple[WaitEffect, ...]
    trace: Trace
    """The trajectory itself, with its own answer."""

    @property
    def settled_at(self) -> int:
        """Thinking tokens after which every probe gave the final answer."""
        settled = self.points[-1].thinking_tokens
        for point in reversed(self.points):
            if point.answer != self.points[-1].answer:
                break
            settled = point.thinking_tokens
        return settled


def probe(
    engine: Engine,
    question: str,
    every: int = 16,
    budget: Budget | None = None,
    sampling: Sampling | None = None,
    *,
    trace: Trace | None = None,
    system: str | None = None,
) -> Track:
    """Think once, then ask for the answer every few thinking tokens and at every try to end.

    Args:
        engine: from `load_engine`.
        question: the user's text.
        every: thinking tokens between probes.
        budget: of the trajectory; its answer limit holds for the probes too.
        sampling: default: greedy.
        trace: a finished run of the same question, budget and sampling, to probe instead of thinking again.
        system: an optional system turn.

    Raises:
        InvalidSetting: `every` is below 1.
        QuestionTooLong, EngineFailed: as `stream`.
    """
    return run_blocking(aprobe(engine, question, every, budget, sampling, trace=trace, system=system))


async def aprobe(
    engine: Engine,
    question: str,
    every: int = 16,
    budget: Budget | None = None,
    sampling: Sampling | None = None,
    *,
    trace: Trace | None = None,
    system: str | None = None,
) -> Track:
    """Do what `probe` does, on the caller's event loop; cancelling its task frees the engine."""
    if every < 1:
        raise InvalidSetting(f"every must be 1 thinking token or more, got {every}")
    asked, drawn = budget or Budget(), sampling or Sampling()

    def new_run(asked: Budget) -> Run:
        return Run(engine, question, asked, drawn, system=system, answer_logprobs=True)

    if trace is None:
        run = new_run(asked)
        trace = await pump(engine, run, run.start())
    trajectory = Trajectory.of(trace)

    async def answer_at(tokens: int) -> TrackPoint:
        closes_itself = tokens == trajectory.tokens and trace.receipt.closed_by == "model"
        progress = Progress(spent=tokens, ended=closes_itself)
        run = new_run(replace(asked, max_thinking_tokens=tokens, min_thinking_tokens=0, waits=0, accounting="total"))
        kept = tuple(cut(engine.codec.decode, trajectory.segments, tokens))
        probed = await pump(engine, run, run.resume(Thought(segments=kept, progress=progress)))
        return TrackPoint(thinking_tokens=tokens, answer=probed.answer, probability=probed.receipt.answer_probability)

    places = sorted({*range(0, trajectory.tokens, every), *trajectory.tries, trajectory.tokens})
    points = tuple(await asyncio.gather(*(answer_at(tokens) for tokens in places)))
    return Track(points=points, waits=_wait_effects(trajectory, points, trace.receipt.waits_used), trace=trace)


def _wait_effects(trajectory: Trajectory, points: tuple[TrackPoint, ...], waits: int) -> tuple[WaitEffect, ...]:
    answers = {point.thinking_tokens: point.answer for point in points}
    ends = [*trajectory.tries[: waits + 1], trajectory.tokens]
    return tuple(
        WaitEffect(number=number, before=answers[ends[number - 1]], after=answers[ends[number]])
        for number in range(1, waits + 1)
    )
