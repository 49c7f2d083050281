"""A Space on ZeroGPU: a small stand-in for the platform's package runs the decorated function in another process."""

from __future__ import annotations

import asyncio
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from app import hosting
from app.models import zerogpu
from app.models.registry import EngineRegistry
from app.models.zerogpu import LOAD_S, MOST_S, TOKENS_PER_S, VARIABLE, ZeroGpuEngine, seconds_for
from s1core import Budget, load_engine, solve
from s1core.engines.base import Chunk, Engine, Request
from s1core.errors import EngineFailed
from s1core.models import resolve
from s1core.run import Run
from s1core.sweep import pump
from s1core.types import Sampling, Trace

QUESTION = "How many r in raspberry?"
BUDGET = Budget(max_thinking_tokens=128, waits=1)
PACKAGE = """
import multiprocessing

loans, returned, tasks = [], [], []

def GPU(duration):
    def decorate(task):
        tasks.append(task)
        def borrow(*words):
            loans.append(duration(*words))
            process = multiprocessing.get_context("spawn").Process(target=task, args=words)
            process.start()
            process.join()
            returned.append(process.exitcode)
            if process.exitcode:
                raise RuntimeError("GPU task aborted")
        return borrow
    return decorate
"""


@pytest.fixture
def spaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The package, where the platform is."""
    (tmp_path / "spaces").mkdir()
    (tmp_path / "spaces/__init__.py").write_text(PACKAGE)
    (tmp_path / "spaces/zero.py").write_text("started = []\n\ndef startup():\n    started.append(True)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv(VARIABLE, "true")
    borrow = zerogpu.borrow
    borrow.cache_clear()
    zerogpu.prepare()
    yield sys.modules["spaces"]
    borrow.cache_clear()
    for name in ("spaces", "spaces.zero"):
        sys.modules.pop(name, None)


async def solved(engine: Engine, budget: Budget = BUDGET) -> Trace:
    run = Run(engine, QUESTION, budget, Sampling())
    return await pump(engine, run, run.start())


def wait_for(what: Callable[[], object]) -> None:
    for _ in range(1000):
        if what():
            return
        time.sleep(0.02)
    pytest.fail("it never came about")


def test_a_moment_of_many_runs_borrows_the_gpu_once(spaces: Any) -> None:
    engine = ZeroGpuEngine(resolve("s1-nano"))

    async def moment() -> list[Trace]:
        left = solved(engine, Budget(max_thinking_tokens=2000, waits=8))
        leaving = asyncio.create_task(left)
        traces = await asyncio.gather(*(solved(engine, Budget(max_thinking_tokens=128, waits=n)) for n in (0, 1, 2)))
        leaving.cancel()
        return traces

    traces = asyncio.run(moment())
    here = load_engine("s1-nano")
    for waits, trace in enumerate(traces):
        alone = solve(here, QUESTION, Budget(max_thinking_tokens=128, waits=waits))
        assert trace.thinking_text == alone.thinking_text and trace.answer == alone.answer
    assert solve(engine, QUESTION, BUDGET).answer == "3", "in the same loan, without an event loop of one's own"
    (loan,) = spaces.loans
    assert LOAD_S + 1500 / TOKENS_PER_S < loan <= LOAD_S + 2000 / TOKENS_PER_S, (
        "by the largest budget, which came first"
    )
    wait_for(lambda: spaces.returned)
    assert spaces.returned == [0], "it is given back by itself"


def test_a_loan_is_as_long_as_the_budget_needs() -> None:
    assert seconds_for(Request(prompt_ids=(1,), max_tokens=400)) == LOAD_S + 400 / TOKENS_PER_S
    assert seconds_for(Request(prompt_ids=(1,), max_tokens=10**6)) == MOST_S


def refusing(_model: str, _address: str, _seconds: float) -> None:
    raise RuntimeError("You have exceeded your quota")


async def test_a_gpu_that_is_not_lent_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zerogpu, "borrow", lambda: refusing)
    engine = ZeroGpuEngine(resolve("s1-nano"))
    for _ in range(2):
        with pytest.raises(EngineFailed, match="not lent .You have exceeded your quota"):
            await solved(engine)


async def test_a_gpu_that_is_taken_back_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    taken_back = threading.Event()

    def hold(model: str, address: str, seconds: float) -> None:
        threading.Thread(target=zerogpu.hold, args=(model, address, seconds), daemon=True).start()
        taken_back.wait(30)

    monkeypatch.setattr(zerogpu, "borrow", lambda: hold)
    engine = ZeroGpuEngine(resolve("s1-nano"))
    ids = engine.codec.encode_user(QUESTION)
    chunks: list[Chunk] = []
    with pytest.raises(EngineFailed, match="The GPU was lent for"):
        async with aclosing(engine.agenerate(Request(prompt_ids=ids, max_tokens=1900))) as stream:
            async for chunk in stream:
                chunks.append(chunk)
                taken_back.set()
    assert chunks
    zerogpu._held.pop("s1-nano").close()


async def loaded(registry: EngineRegistry, model: str) -> Engine:
    async for step in registry.load(model):
        if not isinstance(step, str):
            return step
    raise AssertionError("a load ends with an engine or an error")


async def test_only_models_that_are_not_bundled_borrow_it(spaces: Any, tmp_path: Path) -> None:
    import s1core.nano

    folder = tmp_path / "my-model"
    shutil.copytree(Path(s1core.nano.__file__).parent / "weights", folder)
    registry = EngineRegistry(str(folder))
    assert isinstance(await loaded(registry, str(folder)), ZeroGpuEngine)
    bundled = await loaded(registry, "s1-nano")
    assert not isinstance(bundled, ZeroGpuEngine) and str(getattr(bundled, "device", "")) == "cpu"
    assert spaces.loans == []


def test_the_platform_is_told_what_borrows(spaces: Any) -> None:
    zerogpu.announce()
    assert spaces.tasks == [zerogpu.hold] and sys.modules["spaces.zero"].started == [True]


def test_elsewhere_nothing_is_asked_of_it(spaces: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "false")
    assert not zerogpu.is_here()
    zerogpu.announce()
    assert spaces.tasks == [] and "spaces.zero" not in sys.modules
    assert hosting.zerogpu is zerogpu
