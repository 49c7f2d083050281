"""The runs of one request: as many as it has prompts and samples, together on one engine, each when its turn comes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from app.access.limits import MOST, bounded, is_public
from app.api.messages import text_of
from app.api.openai_schema import Ask
from app.api.turns import Turns
from app.runs.request import MAX_QUESTION_CHARACTERS, RunRequest
from s1core import S1Error, Steering, astream
from s1core.budget import Budget
from s1core.engines.base import Engine
from s1core.errors import EngineFailed, InvalidSetting
from s1core.types import Event, Trace

NAMES = {"budget": "thinking_budget", "answer": "max_tokens", "samples": "n"}
"""The names of the public limits in the terms of `/v1`."""
T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ChoiceEvent:
    """One event of one choice."""

    index: int
    event: Event


def check(ask: Ask) -> None:
    """Refuse requests beyond the public limits, before a model is loaded for them.

    Raises:
        InvalidSetting: it is.
    """
    if is_public() and ask.choices > MOST.samples:
        raise InvalidSetting(
            f"prompt and n ask for {ask.choices} answers; {MOST.samples} are the most on a public page. "
            "Ask for fewer, or run it yourself."
        )
    budget = Budget(max_thinking_tokens=ask.limits.thinking, max_answer_tokens=ask.limits.answer)
    for prompt in ask.prompts:
        if isinstance(prompt, str):
            _asked(ask, prompt, budget)


@asynccontextmanager
async def begun(
    ask: Ask, engine: Engine, turns: Turns, steerings: Sequence[Steering] = ()
) -> AsyncGenerator[Sequence[AsyncGenerator[Event, None]], None]:
    """Begin every run, without a word to the engine, and hand out their events; leaving the block ends them.

    Args:
        ask: what is asked.
        engine: a loaded model.
        turns: where each run waits for its turn.
        steerings: one for each run, or none.

    Raises:
        S1Error: one of them cannot be asked of this engine.
    """
    async with AsyncExitStack() as stack:
        runs: list[AsyncGenerator[Event, None]] = []
        for number, (asked, sample) in enumerate(_all(ask, engine)):
            sampling = replace(asked.sampling, sample_index=sample)
            events = astream(
                engine,
                asked.prompt,
                asked.budget,
                sampling,
                system=ask.chat.system if ask.chat else None,
                history=ask.chat.history if ask.chat else (),
                stop=ask.stop,
                max_total_tokens=ask.limits.total,
                steering=steerings[number] if steerings else None,
            )
            await stack.enter_async_context(aclosing(events))
            try:
                first = await anext(events)
            except S1Error:
                raise
            except Exception as error:
                raise failed(error) from error
            run = _in_turn(first, events, turns)
            await stack.enter_async_context(aclosing(run))
            runs.append(run)
        yield runs


async def traces(runs: Sequence[AsyncGenerator[Event, None]]) -> list[Trace]:
    """Run all to their ends; one that fails ends the others."""
    async with _together([_trace(run) for run in runs]) as tasks:
        return await asyncio.gather(*tasks)


async def merged(runs: Sequence[AsyncGenerator[Event, None]]) -> AsyncGenerator[ChoiceEvent, None]:
    """Yield the events of all runs as they come; one that fails ends the others."""
    if len(runs) == 1:
        async for event in runs[0]:
            yield ChoiceEvent(0, event)
        return
    queue: asyncio.Queue[ChoiceEvent | Exception | None] = asyncio.Queue(maxsize=2 * len(runs))

    async def drain(index: int, run: AsyncGenerator[Event, None]) -> None:
        try:
            async for event in run:
                await queue.put(ChoiceEvent(index, event))
            await queue.put(None)
        except Exception as error:
            await queue.put(error)

    async with _together([drain(index, run) for index, run in enumerate(runs)]):
        going_on = len(runs)
        while going_on:
            item = await queue.get()
            if isinstance(item, Exception):
                raise item
            if item is None:
                going_on -= 1
            else:
                yield item


@asynccontextmanager
async def _together(work: Iterable[Coroutine[Any, Any, T]]) -> AsyncGenerator[list[asyncio.Task[T]], None]:
    """Do all at once for the length of a block; what is not done by then is cancelled."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _all(ask: Ask, engine: Engine) -> Iterator[tuple[RunRequest, int]]:
    """Yield what each run asks for, with the number of its sample."""
    budget = ask.limits.budget(ask.closing(engine.format), engine.default_answer_tokens, MOST if is_public() else None)
    for prompt in ask.prompts:
        asked = _asked(ask, text_of(prompt, engine), budget)
        for sample in range(ask.samples):
            yield asked, sample


def _asked(ask: Ask, text: str, budget: Budget) -> RunRequest:
    question = text.strip()
    if not question:
        raise InvalidSetting("The question is empty; send one.")
    if len(question) > MAX_QUESTION_CHARACTERS:
        raise InvalidSetting(
            f"The question has {len(question):,} characters; {MAX_QUESTION_CHARACTERS:,} are the most."
        )
    asked = RunRequest(question=question, model=ask.model, budget=budget, sampling=ask.sampling)
    names = NAMES | {"budget": ask.limits.asked_by or NAMES["budget"]}
    return bounded(asked, system=ask.chat.before if ask.chat else "", names=names)


async def _in_turn(first: Event, events: AsyncGenerator[Event, None], turns: Turns) -> AsyncGenerator[Event, None]:
    """Yield the event with which a run began at once, and the others when it is its turn."""
    yield first
    async with turns.turn():
        async for event in events:
            yield event
            # An engine that never waits would keep everybody else from being served.
            await asyncio.sleep(0)


async def _trace(run: AsyncGenerator[Event, None]) -> Trace:
    return Trace.from_events([event async for event in run])


def failed(error: Exception) -> EngineFailed:
    """Log what an engine did not say itself, and return the fields that the client gets."""
    _log.error("the engine failed in the middle of a run", exc_info=error)
    return EngineFailed(
        f"The engine stopped in the middle of the run ({type(error).__name__}); send the request again."
    )
