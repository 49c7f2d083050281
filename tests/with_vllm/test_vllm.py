"""vLLM itself, in this process and as a server: the same budget gives the same tokens. Run by `make test-vllm`."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

pytest.importorskip("vllm", reason="vLLM is not installed in this environment; run: make test-vllm")

from app.models.registry import EngineRegistry
from s1core import Budget, Trace, astream, load_engine, solve, stream
from s1core.engines.base import Engine, Request, is_dead
from s1core.errors import EngineFailed
from s1core.models import NANO_WEIGHTS
from s1core.nano import make_questions
from s1core.types import Prefilled, Tokens

pytestmark = pytest.mark.timeout(600)
SETTINGS = [
    Budget(),
    Budget(max_thinking_tokens=0),
    Budget(max_thinking_tokens=32),
    Budget(waits=1),
    Budget(max_thinking_tokens=128, waits=2),
    Budget(waits=1, wait_text=""),
]
QUESTIONS = 12
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")


@pytest.fixture(scope="module")
def local() -> Iterator[Engine]:
    engine = load_engine("s1-nano", device="cpu", dtype="float32")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def inside() -> Iterator[Engine]:
    engine = load_engine("s1-nano", engine="vllm", dtype="float32")
    yield engine
    engine.close()


@dataclass(frozen=True)
class Serving:
    process: subprocess.Popen[Any]
    url: str


def serve() -> Serving:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = f"--served-model-name s1-nano --host 127.0.0.1 --port {port} --dtype float32 --block-size 32"
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(NANO_WEIGHTS)]
    told = ("--enable-prompt-tokens-details", "--enforce-eager")
    process = subprocess.Popen([*command, *settings.split(), *told], start_new_session=True)
    return Serving(process, f"http://127.0.0.1:{port}")


def ready(serving: Serving) -> None:
    while serving.process.poll() is None:
        try:
            if httpx.get(f"{serving.url}/health", timeout=1).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(1)
    raise AssertionError("the server ended before it answered")


def kill(serving: Serving, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(serving.process.pid, number)


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Serving]]:
    started = [serve(), serve()]
    try:
        for serving in started:
            ready(serving)
        yield started
    finally:
        for serving in started:
            kill(serving, signal.SIGTERM)
        for serving in started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                serving.process.wait(timeout=30)
            kill(serving, signal.SIGKILL)


def traces(engine: Engine) -> list[Trace]:
    questions = make_questions(n=QUESTIONS, seed=7, split="test")
    return [solve(engine, q.question, budget) for q in questions for budget in SETTINGS]


def assert_alike(ours: list[Trace], theirs: list[Trace]) -> None:
    same = sum(a.token_ids == b.token_ids for a, b in zip(ours, theirs, strict=True))
    assert same >= 0.99 * len(ours) - 1
    for a, b in zip(ours, theirs, strict=True):
        if a.token_ids == b.token_ids:
            assert (a.receipt.closed_by, a.receipt.thinking_tokens) == (b.receipt.closed_by, b.receipt.thinking_tokens)


def test_in_this_process_the_traces_are_those_of_transformers(local: Engine, inside: Engine) -> None:
    assert_alike(traces(local), traces(inside))


def test_a_wait_and_a_close_cost_their_own_tokens_alone(inside: Engine) -> None:
    events = list(stream(inside, "How many r in raspberry?", Budget(max_thinking_tokens=200, waits=2)))
    injected = [len(e.token_ids) for e in events if isinstance(e, Tokens) and e.source in ("wait", "close")]
    computed = [e.computed for e in events if isinstance(e, Prefilled)][1:]
    # A text that was cut by its budget sends its last token again.
    assert len(computed) == 3 and all(new <= own + 1 for new, own in zip(computed, injected, strict=True))


def test_a_run_that_is_left_leaves_nothing_in_the_engine(inside: Engine) -> None:
    for event in stream(inside, "How many r in raspberry?", Budget(min_thinking_tokens=1000)):
        if isinstance(event, Tokens):
            break
    assert_idle(inside)


def test_a_text_that_nobody_continues_is_let_go(inside: Engine) -> None:
    prompt = inside.codec.encode_user("How many r in raspberry?")
    assert list(inside.generate(Request(prompt_ids=prompt, max_tokens=4, goes_on=True)))[-1].finish == "length"
    assert_idle(inside)


def assert_idle(engine: Any) -> None:
    deadline = time.monotonic() + 30
    while engine._llm.output_processor.has_unfinished_requests():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_when_its_process_is_killed_the_run_ends_and_the_next_one_has_a_new_engine() -> None:
    """As the app does it: its registry reloads an engine that died."""
    registry = EngineRegistry("s1-nano", engine="vllm", dtype="float32", enforce_eager=True)

    async def loaded() -> Engine:
        engines = [step async for step in registry.load("s1-nano") if not isinstance(step, str)]
        return engines[0]

    async def killed_in_the_middle(engine: Engine) -> None:
        async for event in astream(engine, "How many r in raspberry?", Budget(min_thinking_tokens=1500)):
            if isinstance(event, Tokens) and event.source == "model":
                for child in multiprocessing.active_children():
                    child.kill()

    first = asyncio.run(loaded())
    with pytest.raises(EngineFailed, match="vLLM failed .* load the engine again"):
        asyncio.run(killed_in_the_middle(first))
    assert is_dead(first)
    second = asyncio.run(loaded())
    assert second is not first
    assert solve(second, "How many r in raspberry?", Budget(waits=1)).answer == "3"
    second.close()


def test_a_server_gives_the_same_traces(local: Engine, servers: list[Serving]) -> None:
    engine = load_engine("s1-nano", engine="http", url=servers[0].url)
    assert engine.capabilities.token_ids == "enforced"
    found = traces(engine)
    assert_alike(traces(local), found)
    assert any(trace.receipt.prefill_reused for trace in found)


def test_a_pool_loses_nothing_when_a_server_is_killed(local: Engine, servers: list[Serving]) -> None:
    """Last of all: one of the servers is gone afterwards."""
    pool = load_engine("s1-nano", engine="http", url=",".join(s.url for s in servers))
    questions = [q.question for q in make_questions(n=4 * QUESTIONS, seed=11, split="test")]
    done: list[str] = []

    async def one(question: str) -> Trace:
        events = [event async for event in astream(pool, question, Budget(waits=1))]
        done.append(question)
        if len(done) == QUESTIONS:
            kill(servers[0], signal.SIGKILL)
        return Trace.from_events(events)

    async def everything() -> list[Trace]:
        return await asyncio.gather(*(one(question) for question in questions))

    found = asyncio.run(everything())
    assert sorted(done) == sorted(questions)
    assert_alike([solve(local, q, Budget(waits=1)) for q in questions], found)
