"""Probing: what would the model answer now, and how sure is it? From that, the answer track of a run.

A probe closes the thinking at some point of a finished trajectory and asks for the answer; the trajectory's prefix
cache makes each probe cost its own few tokens.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from s1core.budget import Budget, Progress
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting
from s1core.grading import canonical
from s1core.run import Run, Thought, cut
from s1core.sweep import Trajectory, pump, run_blocking
from s1core.types import FORCED, Sampling, Trace

WaitVerdict = Literal["fixed", "broke", "kept right", "kept wrong"]

AT_ONCE = 16
"""Probes under way at a time: enough to share forward passes, few enough to leave room for other requests."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackPoint:
    """What the model would answer after so many thinking tokens."""

    thinking_tokens: int
    answer: str | None
    probability: float | None
    """Of the answer's tokens; None where the engine does not report them."""
    sampled: int = field(default=0, compare=False)
    """Tokens that the probe sampled; 0 for the run's own answer."""
    computed: int = field(default=0, compare=False)
    """Tokens that had to be run through the model before: the closing marker, and what the cache did not have."""
    reused: int = field(default=0, compare=False)
    """Tokens taken from the prefix cache."""

    def agrees(self, other: TrackPoint) -> bool:
        """Whether both give the same answer; spellings of one number are one answer."""
        return _same(self.answer, other.answer)


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitEffect:
    """The answer when the model tried to end, and the answer when it tried (or had to) the next time."""

    number: int
    before: str | None
    after: str | None

    @property
    def changed(self) -> bool:
        """Whether the answer became another one."""
        return not _same(self.before, self.after)

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

    @classmethod
    def of(cls, trace: Trace, points: Iterable[TrackPoint]) -> Track:
        """Put a trace and its points together; the points are all those of `places`."""
        points = tuple(points)
        return cls(points=points, waits=_wait_effects(trace, points), trace=trace)

    @property
    def settled_at(self) -> int:
        """Thinking tokens after which every probe gave the final answer."""
        settled = self.points[-1].thinking_tokens
        for point in reversed(self.points):
            if not point.agrees(self.points[-1]):
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
    _check(every)
    if trace is None:
        run = Run(engine, question, budget or Budget(), sampling or Sampling(), system=system, answer_logprobs=True)
        trace = await pump(engine, run, run.start())
    points = aprobes(engine, question, trace, every, budget, sampling, system=system)
    return Track.of(trace, [point async for point in points])


def places(trace: Trace, every: int) -> tuple[int, ...]:
    """Where a track has its points, in thinking tokens: every few of them, at each try to end, and at the end.

    Raises:
        InvalidSetting: `every` is below 1.
    """
    _check(every)
    trajectory = Trajectory.of(trace)
    return tuple(sorted({*range(0, trajectory.tokens, every), *trajectory.tries, trajectory.tokens}))


async def aprobes(
    engine: Engine,
    question: str,
    trace: Trace,
    every: int = 16,
    budget: Budget | None = None,
    sampling: Sampling | None = None,
    *,
    system: str | None = None,
    at_once: int = AT_ONCE,
) -> AsyncGenerator[TrackPoint, None]:
    """Yield the points of a finished trace's track, one after the other; closing the generator frees the engine.

    The last point is the run's own answer, which costs nothing if its receipt tells the probability (see `astream`)
    or the engine cannot.

    Raises:
        InvalidSetting: `every` is below 1.
        QuestionTooLong, EngineFailed: as `stream`.
    """
    trajectory = Trajectory.of(trace)
    asked, drawn = budget or Budget(), sampling or Sampling()
    measured = trace.receipt.answer_probability is not None or engine.capabilities.logprobs == "unsupported"
    own_is_known = measured and trace.receipt.closed_by != "cancelled"

    async def answer_at(tokens: int) -> TrackPoint:
        at_the_end = tokens == trajectory.tokens
        if at_the_end and own_is_known:
            return TrackPoint(thinking_tokens=tokens, answer=trace.answer, probability=trace.receipt.answer_probability)
        progress = Progress(spent=tokens, ended=at_the_end and trace.receipt.closed_by == "model")
        kept = tuple(cut(engine.codec.decode, trajectory.segments, tokens))
        thought = Thought(segments=kept, progress=progress)
        probed = await answer_after(engine, question, thought, asked, drawn, system=system)
        receipt = probed.receipt
        return TrackPoint(
            thinking_tokens=tokens,
            answer=probed.answer,
            probability=receipt.answer_probability,
            sampled=receipt.answer_tokens,
            computed=receipt.prefill_computed,
            reused=receipt.prefill_reused,
        )

    waiting = deque(places(trace, every))
    under_way: deque[asyncio.Task[TrackPoint]] = deque()
    try:
        while waiting or under_way:
            while waiting and len(under_way) < at_once:
                under_way.append(asyncio.create_task(answer_at(waiting.popleft())))
            yield await under_way[0]
            under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def answer_after(
    engine: Engine, question: str, thought: Thought, budget: Budget, sampling: Sampling, *, system: str | None = None
) -> Trace:
    """Close some thinking where it stands and ask for the answer, with its probability; the thinking is not returned.

    Of the budget only the limit of the answer counts.
    """
    most = thought.progress.spent
    here = replace(budget, max_thinking_tokens=most, min_thinking_tokens=0, waits=0, accounting="total")
    run = Run(engine, question, here, sampling, system=system, answer_logprobs=True)
    return await pump(engine, run, run.resume(thought))


def _check(every: int) -> None:
    if every < 1:
        raise InvalidSetting(f"every must be 1 thinking token or more, got {every}")


def _same(a: str | None, b: str | None) -> bool:
    return a == b or (a is not None and b is not None and canonical(a) == canonical(b))


def _wait_effects(trace: Trace, points: tuple[TrackPoint, ...]) -> tuple[WaitEffect, ...]:
    trajectory = Trajectory.of(trace)
    answers = {point.thinking_tokens: point.answer for point in points}
    waits = sum(segment.source in FORCED for segment in trajectory.segments)
    ends = [*trajectory.tries[: waits + 1], trajectory.tokens]
    return tuple(
        WaitEffect(number=number, before=answers[ends[number - 1]], after=answers[ends[number]])
        for number in range(1, waits + 1)
    )
