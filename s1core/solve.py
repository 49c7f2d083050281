"""Drives the state machine over an engine: `stream`, its async twin `astream`, and `solve`, a fold over `stream`.

`run.Run` does the work without any input or output; the two streams only pump it, so that both are the same code.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator, Sequence
from contextlib import aclosing, closing
from typing import Protocol

from s1core.budget import Budget
from s1core.engines.base import Chunk, Engine, Request
from s1core.run import Run
from s1core.steering import LOOK_EVERY_S, Steering
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
    steering: Steering | None = None,
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
        steering: commands to this run while it goes on.

    Raises:
        InvalidSetting: the question is empty, or `steering` had a run before.
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
        ceiling=steering.most_thinking_tokens if steering else None,
    )
    yield from pumped(engine, run, run.start(), cancel, steering)


def pumped(
    engine: Engine,
    run: Run,
    begun: Iterable[Event],
    cancel: CancelFlag | None = None,
    steering: Steering | None = None,
) -> Generator[Event, None, None]:
    """Yield the events with which a run began, then drive it to its end and yield the others."""
    driver = _Driver(run, cancel, steering)
    with closing(driver):
        yield from begun
        yield from driver.act()
        while (request := run.request) is not None:
            with closing(engine.generate(request)) as chunks:
                for chunk in chunks:
                    for events in driver.feed(request, chunk):
                        yield from events
                        if driver.holds:
                            time.sleep(LOOK_EVERY_S)
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
    steering: Steering | None = None,
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
        ceiling=steering.most_thinking_tokens if steering else None,
    )
    async with aclosing(apumped(engine, run, run.start(), cancel, steering)) as events:
        async for event in events:
            yield event


async def apumped(
    engine: Engine,
    run: Run,
    begun: Iterable[Event],
    cancel: CancelFlag | None = None,
    steering: Steering | None = None,
) -> AsyncGenerator[Event, None]:
    """Do what `pumped` does, on the caller's event loop; closing the generator frees the engine."""
    driver = _Driver(run, cancel, steering)
    with closing(driver):
        for event in (*begun, *driver.act()):
            yield event
        while (request := run.request) is not None:
            async with aclosing(engine.agenerate(request)) as chunks:
                async for chunk in chunks:
                    for events in driver.feed(request, chunk):
                        for event in events:
                            yield event
                        if driver.holds:
                            await asyncio.sleep(LOOK_EVERY_S)
                    if run.request is not request:
                        break
            run.stopped_short(request)


class _Driver:
    """What the two streams have in common: between any two tokens it looks for commands, and for the wish to stop."""

    def __init__(self, run: Run, cancel: CancelFlag | None, steering: Steering | None) -> None:
        self._run, self._cancel, self._steering = run, cancel, steering or Steering()
        self._steering.begin()
        self.holds = False
        """The text is held; look again in a moment."""

    def act(self) -> list[Event]:
        """Do what has been pressed by now."""
        return self._steering.act_on(self._run)

    def feed(self, request: Request, chunk: Chunk) -> Iterator[list[Event]]:
        """Give a chunk to the run, at once or piece by piece; yields what happened."""
        run, rest = self._run, chunk
        # Before the chunk is read: a command acts on what its author has seen.
        yield self.act()
        while rest is not None and run.request is request:
            part, rest = self._steering.admitted(run, rest)
            self.holds = part is None
            yield run.feed(part) if part is not None else []
            yield self.act()
            if self._cancel is not None and self._cancel.is_set() and not run.done:
                yield run.cancel()

    def close(self) -> None:
        """Refuse what comes too late."""
        self._steering.end()


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
