"""Drives the state machine over an engine: `stream`, its async twin `astream`, and `solve`, a fold over `stream`.

`run.Run` does the work without any input or output; the two streams only pump it, so that both are the same code.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from contextlib import aclosing, closing
from typing import Protocol

from s1core.budget import Budget
from s1core.engines.base import Engine
from s1core.run import Run
from s1core.types import Event, Message, Sampling, Trace


class CancelFlag(Protocol):
    """Anything with `is_set`: `threading.Event`, `asyncio.Event`."""

    def is_set(self) -> bool:
        """Whether the run should stop."""
        ...


def stream(
    engine: Engine,
    question: str,
    budget: Budget | None = None,
    sampling: Sampling | None = None,
    *,
    system: str | None = None,
    history: Sequence[Message] = (),
    stop: Sequence[str] = (),
    max_total_tokens: int | None = None,
    cancel: CancelFlag | None = None,
    answer_logprobs: bool = False,
) -> Generator[Event, None, None]:
    """Think about `question` under `budget` and yield what happens. Closing the iterator frees the engine.

    Args:
        engine: from `load_engine`.
        question: the user's text; it can never form a special token.
        budget: how long to think; default: as long as the model wants.
        sampling: default: greedy.
        system: an optional system turn.
        history: earlier turns of the conversation; the model's chat template renders them, most without their thinking.
        stop: texts before the first of which the answer ends.
        max_total_tokens: of thinking and answer together; the answer gets what the thinking left.
        cancel: when set, the run ends at the next token with a receipt that says `cancelled`.
        answer_logprobs: have the receipt tell how probable the answer was, if the engine can.

    Raises:
        InvalidSetting: the question is empty.
        Unsupported: the engine cannot keep what was asked.
        QuestionTooLong: prompt, markers and answer do not fit the context.
        EngineFailed: the engine stopped in the middle.
    """
    asked, drawn = budget or Budget(), sampling or Sampling()
    run = Run(
        engine,
        question,
        asked,
        drawn,
        system=system,
        history=history,
        stop=stop,
        max_total_tokens=max_total_tokens,
        answer_logprobs=answer_logprobs,
    )
    yield from pumped(engine, run, run.start(), cancel)


def pumped(
    engine: Engine, run: Run, begun: Iterable[Event], cancel: CancelFlag | None = None
) -> Generator[Event, None, None]:
    """Yield the events with which a run began, then drive it to its end and yield the others."""
    yield from begun
    while (request := run.request) is not None:
        with closing(engine.generate(request)) as chunks:
            for chunk in chunks:
                yield from run.feed(chunk)
                if cancel is not None and cancel.is_set() and not run.done:
                    yield from run.cancel()
                if run.request is not request:
                    break
        run.stopped_short(request)


async def astream(
    engine: Engine,
    question: str,
    budget: Budget | None = None,
    sampling: Sampling | None = None,
    *,
    system: str | None = None,
    history: Sequence[Message] = (),
    stop: Sequence[str] = (),
    max_total_tokens: int | None = None,
    cancel: CancelFlag | None = None,
    answer_logprobs: bool = False,
) -> AsyncGenerator[Event, None]:
    """Do what `stream` does, on the caller's event loop; cancelling its task frees the engine."""
    asked, drawn = budget or Budget(), sampling or Sampling()
    run = Run(
        engine,
        question,
        asked,
        drawn,
        system=system,
        history=history,
        stop=stop,
        max_total_tokens=max_total_tokens,
        answer_logprobs=answer_logprobs,
    )
    async with aclosing(apumped(engine, run, run.start(), cancel)) as events:
        async for event in events:
            yield event


async def apumped(
    engine: Engine, run: Run, begun: Iterable[Event], cancel: CancelFlag | None = None
) -> AsyncGenerator[Event, None]:
    """Do what `pumped` does, on the caller's event loop; closing the generator frees the engine."""
    for event in begun:
        yield event
    while (request := run.request) is not None:
        async with aclosing(engine.agenerate(request)) as chunks:
            async for chunk in chunks:
                for event in run.feed(chunk):
                    yield event
                if cancel is not None and cancel.is_set() and not run.done:
                    for event in run.cancel():
                        yield event
                if run.request is not request:
                    break
        run.stopped_short(request)


def solve(
    engine: Engine,
    question: str,
    budget: Budget | None = None,
    sampling: Sampling | None = None,
    *,
    system: str | None = None,
    history: Sequence[Message] = (),
    stop: Sequence[str] = (),
    max_total_tokens: int | None = None,
) -> Trace:
    """Run `stream` to its end and return the trace."""
    events = stream(
        engine,
        question,
        budget,
        sampling,
        system=system,
        history=history,
        stop=stop,
        max_total_tokens=max_total_tokens,
    )
    return Trace.from_events(events)
