"""A whole grid of (budget, Waits) from one trajectory.

At equal noise, thinking under budget b with w Waits is a prefix of thinking under any larger budget with at least w
Waits. So the grid needs one trajectory to its largest setting, plus one short answer per distinct cut, and these share
the trajectory's prefix cache. Exact: each point equals an independent run, token for token, on an engine whose noise
is a function of (seed, question, sample index, step) and that computes in float32 on one machine; on others it is
exact in distribution only, and the receipts say so.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from s1core.budget import DEFAULT_WAIT_TEXT, Budget, Inject, Limits, Progress, Sample, next_action
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting
from s1core.run import Run, Thought, cut
from s1core.types import FORCED, Event, Sampling, Segment, Trace

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class GridPoint:
    """One setting and what came of it."""

    max_thinking_tokens: int | None
    waits: int
    trace: Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Sampled tokens of a sweep, against what independent runs would have sampled."""

    decoded: int
    """Tokens sampled: the trajectory and one answer per distinct cut."""
    reused: int
    """Prompt and thinking tokens that the answers took from the prefix cache."""
    independent: int
    """Tokens that one run per point samples."""
    answers: int
    """Distinct cuts; points with the same cut share an answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """Every point of a sweep, budgets outer, Waits inner, as asked."""

    points: tuple[GridPoint, ...]
    cost: Cost

    def at(self, max_thinking_tokens: int | None, waits: int) -> GridPoint:
        """Return the point of one setting."""
        for point in self.points:
            if (point.max_thinking_tokens, point.waits) == (max_thinking_tokens, waits):
                return point
        raise InvalidSetting(f"the grid has no point with budget {max_thinking_tokens} and {waits} Waits")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trajectory:
    """The longest thinking of a sweep, and where in it the model tried to end."""

    segments: tuple[Segment, ...]
    tries: tuple[int, ...]
    """Thinking tokens spent at each try, in order."""
    tokens: int

    @classmethod
    def of(cls, trace: Trace) -> Trajectory:
        """Read the tries off a trace: each forced Wait marks one, and so does a close by the model."""
        tries: list[int] = []
        spent = 0
        thinking = tuple(s for s in trace.segments if s.phase == "thinking")
        for segment in thinking:
            if segment.source in FORCED:
                tries.append(spent)
            spent += len(segment.token_ids)
        if trace.receipt.closed_by == "model":
            tries.append(spent)
        return cls(segments=thinking, tries=tuple(tries), tokens=spent)


def replay(limits: Limits, trajectory: Trajectory) -> Progress:
    """Walk the state machine of a smaller setting along a trajectory, up to where it closes."""
    progress = Progress()
    for position in (*trajectory.tries, None):
        action = next_action(limits, progress)
        if not isinstance(action, Sample):
            return progress
        reach = trajectory.tokens if position is None else position
        step = reach - progress.spent
        # A budget that ends exactly where the model would try to end is spent: the try is never seen.
        if step >= action.max_tokens or position is None:
            return progress.sampled(min(step, action.max_tokens))
        progress = progress.sampled(step).tried_to_end()
        if not isinstance(next_action(limits, progress), Inject):
            return progress
        progress = progress.injected(limits.wait_tokens)
    return progress


def sweep(
    engine: Engine,
    question: str,
    budgets: Sequence[int | None],
    waits: Sequence[int] = (0,),
    sampling: Sampling | None = None,
    *,
    wait_text: str = DEFAULT_WAIT_TEXT,
    max_answer_tokens: int | None = None,
    system: str | None = None,
) -> Grid:
    """Answer `question` under every (budget, Waits), thinking once.

    Args:
        engine: from `load_engine`.
        question: the user's text.
        budgets: `max_thinking_tokens` of the points; None is no limit but the context.
        waits: forced Waits of the points.
        sampling: default: greedy.
        wait_text: what replaces an ignored end.
        max_answer_tokens: None takes the model's default.
        system: an optional system turn.

    Raises:
        InvalidSetting: an empty grid, or a budget or count that is none.
        QuestionTooLong, EngineFailed: as `stream`.
    """
    work = asweep(
        engine,
        question,
        budgets,
        waits,
        sampling,
        wait_text=wait_text,
        max_answer_tokens=max_answer_tokens,
        system=system,
    )
    return run_blocking(work)


async def asweep(
    engine: Engine,
    question: str,
    budgets: Sequence[int | None],
    waits: Sequence[int] = (0,),
    sampling: Sampling | None = None,
    *,
    wait_text: str = DEFAULT_WAIT_TEXT,
    max_answer_tokens: int | None = None,
    system: str | None = None,
) -> Grid:
    """Do what `sweep` does, on the caller's event loop; cancelling its task frees the engine."""
    if not budgets or not waits:
        raise InvalidSetting("a sweep needs at least one budget and one number of Waits")

    def budget(most: int | None, count: int) -> Budget:
        return Budget(max_thinking_tokens=most, waits=count, wait_text=wait_text, max_answer_tokens=max_answer_tokens)

    def new_run(asked: Budget) -> Run:
        return Run(engine, question, asked, sampling or Sampling(), system=system)

    asked = [budget(b, w) for b in budgets for w in waits]
    most = None if None in budgets else max(b for b in budgets if b is not None)
    longest_run = new_run(budget(most, max(waits)))
    longest = await pump(engine, longest_run, longest_run.start())
    trajectory = Trajectory.of(longest)

    runs = [new_run(each) for each in asked]
    ends = [replay(run.limits, trajectory) for run in runs]
    # The trajectory ends in an answer too: the point at its own cut takes that one.
    known = {_cut_key(longest): longest}
    missing = {
        key: (run, progress)
        for run, progress in zip(runs, ends, strict=True)
        if (key := (progress.spent, progress.ended)) not in known
    }

    async def answer(run: Run, progress: Progress) -> Trace:
        kept = tuple(cut(engine.codec.decode, trajectory.segments, progress.spent))
        return await pump(engine, run, run.resume(Thought(segments=kept, progress=progress)), kept)

    traces = await together(answer(run, progress) for run, progress in missing.values())
    known |= dict(zip(missing, traces, strict=True))
    exact = engine.capabilities.exact_sweeps == "enforced"
    points = tuple(
        _point(each, run.limits, progress, known[progress.spent, progress.ended], exact=exact)
        for each, run, progress in zip(asked, runs, ends, strict=True)
    )
    return Grid(points=points, cost=_cost(longest, traces, points))


async def pump(
    engine: Engine,
    run: Run,
    started: list[Event],
    thought: Sequence[Segment] = (),
    *,
    enough: Callable[[Run], bool] = lambda run: False,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Trace:
    """Drive a run to its end and fold its events onto the thinking it began with.

    Args:
        engine: from `load_engine`.
        run: a run that has begun.
        started: the events of its beginning.
        thought: thinking that was there already.
        enough: asked before every request to the engine and after every chunk; when true, the run ends there.
        on_event: called with every event, at once.
    """
    events: list[Event] = []

    def take(new: list[Event]) -> None:
        events.extend(new)
        for event in new:
            on_event(event)

    take(started)
    while (request := run.request) is not None:
        if enough(run):
            take(run.cancel())
            break
        async with aclosing(engine.agenerate(request)) as chunks:
            async for chunk in chunks:
                take(run.feed(chunk))
                if run.request is not request or enough(run):
                    break
        if not enough(run):
            run.stopped_short(request)
    trace = Trace.from_events(events)
    return replace(trace, segments=(*thought, *trace.segments)) if thought else trace


async def together(work: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Run coroutines side by side; when one fails, the others are cancelled, which frees their engine."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def run_blocking(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine from synchronous code, also inside a running event loop (a notebook, say)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(work))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def _cut_key(trace: Trace) -> tuple[int, bool]:
    return trace.receipt.thinking_tokens, trace.receipt.closed_by == "model"


def _point(asked: Budget, limits: Limits, progress: Progress, trace: Trace, *, exact: bool) -> GridPoint:
    """Give a shared answer the receipt of the setting that it answers."""
    notes = () if exact else ("exact sweep: rounding may give a run of its own another text",)
    closed_by = "model" if progress.ended else limits.bound_by
    receipt = replace(
        trace.receipt,
        max_thinking_tokens=asked.max_thinking_tokens,
        waits=asked.waits,
        waits_used=progress.waits_used,
        closed_by=closed_by,
        unsupported=(*trace.receipt.unsupported, *notes),
    )
    return GridPoint(
        max_thinking_tokens=asked.max_thinking_tokens,
        waits=asked.waits,
        trace=replace(trace, receipt=receipt),
    )


def _sampled(trace: Trace) -> int:
    return sum(len(s.token_ids) for s in trace.segments if s.source == "model")


def _cost(longest: Trace, answers: Sequence[Trace], points: Sequence[GridPoint]) -> Cost:
    return Cost(
        decoded=_sampled(longest) + sum(trace.receipt.answer_tokens for trace in answers),
        reused=sum(trace.receipt.prefill_reused for trace in answers),
        independent=sum(_sampled(point.trace) for point in points),
        answers=len(answers) + 1,
    )
