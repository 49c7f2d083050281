"""An allocation fails, wherever it is: each text is the undisturbed one or fails in words, and the engine serves on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from engine_helpers import Load, arun, ask, preset, prompts, run
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from s1core.engines.base import Request, is_dead
from s1core.engines.hf import device_errors, kv_cache
from s1core.engines.hf.device_errors import is_out_of_memory
from s1core.engines.hf.engine import TransformersEngine
from s1core.engines.hf.kv_cache import LayerShape, SlotCache, TextsLost
from s1core.errors import EngineFailed

CPU = torch.device("cpu")
ERRORS: list[Callable[[], Exception]] = [
    lambda: RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
        "allocate 4294967296 bytes. Error code 12 (Cannot allocate memory)"
    ),
    lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.50 GiB."),
    lambda: MemoryError(),
]


class Allocations(TorchDispatchMode):
    """Counts the operations that allocate, and fails those numbered from `first` on, `count` of them."""

    def __init__(self, first: int | None = None, count: int = 1, error: Callable[[], Exception] = ERRORS[0]) -> None:
        super().__init__()
        self.first, self.count, self.error = first, count, error
        self.seen = self.failed = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(told.alias_info is None for told in func._schema.returns):
            number, self.seen = self.seen, self.seen + 1
            if self.first is not None and self.first <= number < self.first + self.count:
                self.failed += 1
                raise self.error()
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def watched(engine: TransformersEngine, allocations: Allocations) -> Iterator[None]:
    """Count the allocations of the engine's own thread."""
    worker: Any = engine._worker
    turn = worker._turn

    def turn_watched() -> None:
        with allocations:
            turn()

    worker._turn = turn_watched
    try:
        yield
    finally:
        worker._turn = turn


REQUESTS = [ask(p, most, temperature=0.7 * (n % 2), seed=n) for n, (p, most) in enumerate(
    zip(prompts(4, lengths=(3, 20)), (60, 70, 30, 90), strict=True)
)]  # fmt: skip


def texts(engine: TransformersEngine, requests: Sequence[Request]) -> list[tuple[int, ...] | BaseException]:
    """Run all at once; give the ids of each, or how it failed."""

    async def everyone() -> list[Any]:
        return await asyncio.gather(*(arun(engine, r) for r in requests), return_exceptions=True)

    return [got if isinstance(got, BaseException) else got.ids for got in asyncio.run(everyone())]


def small_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slots that grow several times within a short text."""
    monkeypatch.setattr(kv_cache, "FIRST_LENGTH", 16)
    monkeypatch.setattr(kv_cache, "FIRST_SLOTS", 1)


@cache
def undisturbed(folder: Path) -> list[tuple[int, ...]]:
    engine = TransformersEngine.load(preset(folder), device="cpu")
    ids = [run(engine, request).ids for request in REQUESTS]
    engine.close()
    return ids


def assert_right_or_in_words(
    engine: TransformersEngine, disturbed: contextlib.AbstractContextManager[None], expected: list[Any]
) -> None:
    with disturbed:
        for got, right in zip(texts(engine, REQUESTS), expected, strict=True):
            if isinstance(got, BaseException):
                assert isinstance(got, EngineFailed)
                assert "memory for this run is spent" in str(got)
            else:
                assert got == right
    cache: SlotCache = engine._worker._cache
    assert all(t.shape[:1] + t.shape[2:3] == (len(cache.slots), cache.length + 1) for t in (*cache.keys, *cache.values))
    assert texts(engine, REQUESTS) == expected
    assert (engine.stats().live, engine.stats().waiting) == (0, 0)


@given(data=st.data())
@settings(max_examples=25)
def test_any_failed_allocation_spoils_no_other_text(qwen2_folder: Path, data: st.DataObject) -> None:
    expected = undisturbed(qwen2_folder)
    with pytest.MonkeyPatch.context() as patch:
        small_cache(patch)
        engine = TransformersEngine.load(preset(qwen2_folder), device="cpu")
        try:
            counted = Allocations()
            with watched(engine, counted):
                assert texts(engine, REQUESTS) == expected
            allocations = Allocations(
                data.draw(st.integers(0, counted.seen), label="first"),
                data.draw(st.sampled_from([1, 2, 5, 400]), label="count"),
                data.draw(st.sampled_from(ERRORS), label="error"),
            )
            assert_right_or_in_words(engine, watched(engine, allocations), expected)
        finally:
            engine.close()


@pytest.mark.parametrize("tight", [False, True])
def test_every_failed_allocation_of_a_growing_cache_is_harmless(
    qwen2_folder: Path, load: Load, monkeypatch: pytest.MonkeyPatch, tight: bool
) -> None:
    """One after the other, each allocation of the cache itself; `tight`: old and new do not fit side by side."""
    small_cache(monkeypatch)
    expected = undisturbed(qwen2_folder)
    for number in range(1000):
        engine = load(qwen2_folder, **({"cache_gib": 4 * 129 * 512 / 2**30} if tight else {}))
        allocations = Allocations(number, error=ERRORS[number % 3])
        assert_right_or_in_words(engine, in_the_cache(engine, allocations), expected)
        engine.close()
        if not allocations.failed:
            break
    assert 20 < number < 999


@contextlib.contextmanager
def in_the_cache(engine: TransformersEngine, allocations: Allocations) -> Iterator[None]:
    """Count the allocations with which the cache grows and moves texts."""
    cache: Any = engine._worker._cache
    resize, swap = cache._resize, cache._swap

    def failing(work: Callable[..., None]) -> Callable[..., None]:
        def attempt(*args: Any) -> None:
            with allocations:
                work(*args)

        return attempt

    cache._resize, cache._swap = failing(resize), failing(swap)
    yield
    cache._resize, cache._swap = resize, swap


def filled(*, max_bytes: int = 2**30, count: int = 4) -> tuple[SlotCache, list[kv_cache.Slot]]:
    """A cache of three layers whose slots hold their own number."""
    shapes = [LayerShape(2, 4, 8), LayerShape(1, 8, 4), LayerShape(2, 4, 4)]
    cache = SlotCache(shapes, dtype=torch.float32, device=CPU, max_slots=8, max_length=512, max_bytes=max_bytes)
    taken = [claim.slot for n in range(count) if (claim := cache.claim([n, n])) is not None]
    for number, slot in enumerate(taken):
        slot.ids += [number] * 5
        for tensor in (*cache.keys, *cache.values):
            tensor[slot.index, :, :5] = number
    return cache, taken


def assert_whole(cache: SlotCache, taken: Sequence[kv_cache.Slot]) -> None:
    assert {t.shape[2] for t in (*cache.keys, *cache.values)} == {cache.length + 1}
    assert {t.shape[0] for t in (*cache.keys, *cache.values)} == {len(cache.slots)}
    for number, slot in enumerate(taken):
        assert cache.slots[slot.index] is slot
        assert all((t[slot.index, :, :5] == number).all() for t in (*cache.keys, *cache.values))


@pytest.mark.parametrize("first", range(0, 12))
def test_a_failed_resize_changes_nothing(first: int) -> None:
    cache, taken = filled()
    before = cache.length
    with Allocations(first, count=10_000):
        # Four live texts fit nowhere else, so that fewer must be live.
        assert cache.ensure_length(before + 1) is False
    assert cache.length == before
    assert_whole(cache, taken)
    for slot in taken[1:]:
        cache.release(slot)
    with Allocations(0, count=10_000), pytest.raises(RuntimeError, match="allocate"):
        cache.ensure_length(before + 1)
    assert_whole(cache, taken)
    assert cache.ensure_length(before + 1)
    assert_whole(cache, taken[:1])


@pytest.mark.parametrize("first", range(0, 12))
def test_a_resize_in_place_is_whole_or_loses_all(first: int) -> None:
    one = filled()[0].bytes
    cache, taken = filled(max_bytes=2 * one + 2**14)
    before = cache.length
    with Allocations(first):
        try:
            grown = cache.ensure_length(before + 1)
        except TextsLost:
            assert cache.slots == cache.keys == cache.values == []
            return
    assert grown is (first > 11) or cache.length == before
    assert_whole(cache, taken)


@pytest.mark.parametrize("first", range(0, 8))
def test_a_failed_swap_leaves_both_texts_whole(first: int) -> None:
    cache, taken = filled()
    with Allocations(first), contextlib.suppress(RuntimeError):
        cache.pack([taken[0], taken[3]], at_front=True)
    assert_whole(cache, taken)


def test_a_copy_that_breaks_off_leaves_no_text_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    cache, taken = filled()
    for slot in taken:
        cache.release(slot)
    broken = cache.values[2]
    cache.values[2] = broken[:0]  # as a device that fails in the middle
    taken[0].live = True
    monkeypatch.setattr(cache, "_grow", lambda: False)
    with pytest.raises(IndexError):
        cache.claim([0] * 5 + [9])
    cache.values[2] = broken
    assert [slot.ids for slot in taken].count([]) == 1
    for slot in (slot for slot in taken if slot.ids):
        assert all((t[slot.index, :, :5] == slot.ids[0]).all() for t in (*cache.keys, *cache.values))


def test_memory_that_is_there_again_is_used_again() -> None:
    cache, taken = filled()
    with Allocations(0, count=10_000):
        assert cache.ensure_length(1000) is False
    for slot in taken:
        cache.release(slot)
    assert cache.claim([7]) is not None
    assert cache.ensure_length(300) and len(cache.slots) >= 4


@pytest.mark.parametrize("size", [2**45, 2**44])
def test_what_torch_says_of_a_full_memory_is_understood(size: int) -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.zeros(size)
    assert is_out_of_memory(raised.value)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_a_lost_gpu_makes_the_engine_dead(
    engine: TransformersEngine, qwen2_folder: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = undisturbed(qwen2_folder)
    assert not is_dead(engine)
    monkeypatch.setattr(device_errors, "is_lost", lambda device: True)
    error = "CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be reported later"
    with watched(engine, Allocations(50, error=lambda: RuntimeError(error))):
        for got in texts(engine, REQUESTS):
            assert isinstance(got, EngineFailed)
            assert "the GPU failed (CUDA error: an illegal memory access was encountered)" in str(got)
    assert is_dead(engine)
    with pytest.raises(EngineFailed, match="load it again"):
        run(engine, REQUESTS[0])
    monkeypatch.undo()
    assert [run(load(qwen2_folder), request).ids for request in REQUESTS] == expected
    engine.close()
    assert is_dead(engine)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_scheduler_that_breaks_leaves_nobody_waiting(engine: TransformersEngine) -> None:
    worker: Any = engine._worker

    def breaks(*_: Any) -> None:
        raise SystemExit

    worker._turn = breaks
    with pytest.raises(EngineFailed, match="cannot go on"):
        run(engine, REQUESTS[0])
    assert is_dead(engine)
