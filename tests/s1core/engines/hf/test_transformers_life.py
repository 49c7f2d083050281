"""Joining, leaving, failing and closing: no slot is lost, and nobody pays for somebody else's fault."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from engine_helpers import Load, ask, eventually, preset, prompts, run

from s1core.engines.base import Chunk
from s1core.engines.hf.engine import TransformersEngine
from s1core.errors import EngineFailed

LONG = 450


def freed_at_once(engine: TransformersEngine) -> bool:
    """The slot is free after at most one more forward pass."""
    before = engine.stats().turns
    return eventually(lambda: engine.stats().live == 0) and engine.stats().turns <= before + 1


def test_closing_the_iterator_frees_the_slot(engine: TransformersEngine) -> None:
    chunks = engine.generate(ask(prompts(1)[0], LONG))
    next(chunks)
    chunks.close()
    assert freed_at_once(engine)


def test_dropping_the_iterator_frees_the_slot(engine: TransformersEngine) -> None:
    chunks = engine.generate(ask(prompts(1)[0], LONG))
    next(chunks)
    del chunks
    gc.collect()
    assert freed_at_once(engine)


async def test_cancelling_the_task_frees_the_slot(engine: TransformersEngine) -> None:
    started = asyncio.Event()

    async def read() -> None:
        async with contextlib.aclosing(engine.agenerate(ask(prompts(1)[0], LONG))) as chunks:
            async for _ in chunks:
                started.set()

    task = asyncio.create_task(read())
    await started.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(freed_at_once, engine)


def test_a_closed_event_loop_frees_the_slot(engine: TransformersEngine) -> None:
    loop = asyncio.new_event_loop()
    chunks = engine.agenerate(ask(prompts(1)[0], LONG))

    async def first() -> Chunk:
        return await anext(chunks)

    loop.run_until_complete(first())
    loop.close()
    assert eventually(lambda: engine.stats().live == 0)


def test_an_iterator_that_is_never_read_costs_nothing(engine: TransformersEngine) -> None:
    chunks = engine.generate(ask(prompts(1)[0], LONG))
    assert engine.stats().live == engine.stats().waiting == 0
    chunks.close()


def test_a_request_that_waits_in_line_can_be_cancelled(qwen2_folder: Path, load: Load) -> None:
    engine = load(qwen2_folder, max_live=1)
    first = engine.generate(ask(prompts(1)[0], LONG))
    next(first)

    async def give_up() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                async with contextlib.aclosing(engine.agenerate(ask(prompts(2)[1], LONG))) as chunks:
                    await anext(chunks)

    asyncio.run(give_up())
    first.close()
    assert eventually(lambda: engine.stats().live == engine.stats().waiting == 0)


class Faulty:
    """Fails the forward pass when told to."""

    at_front = False

    def __init__(self, step: Any) -> None:
        self.step = step
        self.shapes = step.shapes
        self.failing = threading.Event()
        self.error: Exception = RuntimeError("the device fell over")

    def __call__(self, batch: Any, cache: Any) -> Any:
        if self.failing.is_set():
            self.failing.clear()
            raise self.error
        return self.step(batch, cache)


def test_a_failing_forward_pass_fails_the_live_requests_and_no_others(
    engine: TransformersEngine, qwen2_folder: Path, load: Load
) -> None:
    faulty = engine._worker._step = Faulty(engine._worker._step)
    one, other = (engine.generate(ask(p, LONG)) for p in prompts(2))
    next(one)
    next(other)
    faulty.failing.set()
    with pytest.raises(EngineFailed, match="the device fell over"):
        list(one)
    with contextlib.suppress(EngineFailed):
        list(other)
    assert eventually(lambda: engine.stats().live == 0)
    request = ask(prompts(1)[0], 20)
    assert run(engine, request).ids == run(load(qwen2_folder), request).ids


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory, 1.5 GiB")])
def test_spent_memory_is_one_sentence_and_the_next_run_is_served(engine: TransformersEngine, error: Exception) -> None:
    expected = run(engine, ask(prompts(1)[0], 20)).ids
    faulty = engine._worker._step = Faulty(engine._worker._step)
    faulty.error = error
    text = engine.generate(ask(prompts(1)[0], LONG))
    next(text)
    faulty.failing.set()
    with pytest.raises(EngineFailed, match="the memory for this run is spent; ask for a smaller budget"):
        list(text)
    assert eventually(lambda: engine.stats().live == 0)
    assert run(engine, ask(prompts(1)[0], 20)).ids == expected


def test_dropping_the_engine_ends_its_thread(qwen2_folder: Path) -> None:
    engine = TransformersEngine.load(preset(qwen2_folder), device="cpu")
    thread = engine._worker._thread
    run(engine, ask(prompts(1)[0], 3))
    del engine
    gc.collect()
    assert eventually(lambda: not thread.is_alive())
