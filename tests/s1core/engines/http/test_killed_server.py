"""A server of a pool dies in the middle of an evaluation, as a process does, and comes back."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from completions_server import CompletionsServer, hashed_script
from engine_helpers import arun, ask, eventually, preset, run

from evals.benchmarks import Item
from evals.evaluate import evaluate, evaluate_grid, row_key
from evals.settings import one_by_one
from s1core import Sampling
from s1core.engines.base import Engine, Request
from s1core.engines.http import pool
from s1core.engines.http import transport as http
from s1core.engines.http.engine import HttpEngine
from s1core.engines.http.pool import Pool
from s1core.engines.scripted import ScriptedEngine
from s1core.store import Row, RunStore

ITEMS = [Item(id=str(i), question=f"question {i}", answer="x", kind="text", group="") for i in range(7)]
BUDGETS, WAITS = (0, 16, 40), (0, 1)
ROOT = Path(__file__).parents[4]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FIRST_BACKOFF_S", 0.001)


@dataclass(frozen=True)
class Victim:
    """A server in a process of its own that hangs in the middle of its answers, and is killed there."""

    process: subprocess.Popen[str]
    url: str

    def kill_when_it_hangs(self) -> None:
        assert self.process.stdout is not None
        try:
            assert self.process.stdout.readline() == "stalled\n"
        finally:
            self.process.kill()


@contextmanager
def victim() -> Iterator[Victim]:
    command = [sys.executable, str(Path(__file__).parents[1] / "completions_server.py"), "100"]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": path}
    ) as process:
        try:
            assert process.stdout is not None
            yield Victim(process, process.stdout.readline().strip())
        finally:
            process.kill()


def one_by_one_rows(engine: Engine, store: RunStore) -> list[Row]:
    settings = one_by_one(BUDGETS, WAITS)
    return asyncio.run(evaluate(engine, ITEMS, settings, Sampling(), store, concurrency=8))


def grid_rows(engine: Engine, store: RunStore) -> list[Row]:
    work = evaluate_grid(engine, ITEMS, BUDGETS, WAITS, "Wait", Sampling(), store, concurrency=4)
    return asyncio.run(work)


@pytest.mark.parametrize("measure", [one_by_one_rows, grid_rows])
def test_every_point_is_there_once_when_a_server_is_killed(measure: Any, qwen2_folder: Path, tmp_path: Path) -> None:
    with CompletionsServer(ScriptedEngine(hashed_script)) as server, RunStore(tmp_path / "calm", {}) as store:
        expected = measure(HttpEngine.load(preset(qwen2_folder), url=server.url), store)
    with (
        victim() as dying,
        CompletionsServer(ScriptedEngine(hashed_script)) as healthy,
        RunStore(tmp_path / "killed", {}) as store,
    ):
        engine = HttpEngine.load(preset(qwen2_folder), url=[dying.url, healthy.url])
        killer = threading.Thread(target=dying.kill_when_it_hangs)
        killer.start()
        measure(engine, store)
        killer.join()
        assert [s.aside for s in engine.pool.servers] == [True, False]
        assert [s.live for s in engine.pool.servers] == [0, 0]
        written = list(store.rows())
    assert dying.process.wait() == -signal.SIGKILL
    assert len(written) == len({row_key(row) for row in written})
    assert sorted(written, key=row_key) == sorted(expected, key=row_key)


def test_a_killed_server_that_is_started_again_takes_questions_again(
    qwen2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "COOL_DOWN_S", 0.0)
    questions = [ask([97 + n] * 9, 50) for n in range(8)]
    expected = [run(ScriptedEngine(hashed_script), each).ids for each in questions]
    with victim() as dying, CompletionsServer(ScriptedEngine(hashed_script)) as healthy:
        engine = HttpEngine.load(preset(qwen2_folder), url=[dying.url, healthy.url])
        first = engine.pool.servers[0]
        dying.process.kill()
        dying.process.wait()
        assert [run(engine, each).ids for each in questions] == expected
        assert first.aside
        with CompletionsServer(ScriptedEngine(hashed_script), port=urlsplit(dying.url).port or 0) as again:
            assert eventually(lambda: run(engine, questions[0]).ids == expected[0] and not first.aside)
            assert asyncio.run(_all(engine, questions)) == expected
            assert again.streams


async def _all(engine: Engine, questions: list[Request]) -> list[tuple[int, ...]]:
    return [answer.ids for answer in await asyncio.gather(*(arun(engine, each) for each in questions))]


def test_a_server_that_is_not_well_stays_aside(qwen2_folder: Path) -> None:
    with CompletionsServer(ScriptedEngine(hashed_script)) as server:
        health = HttpEngine.load(preset(qwen2_folder), url=server.url)._health
        only = health._pool.servers[0]
        assert health.is_back(only)
        server.well = False
        assert not health.is_back(only)
        server.well = True
        health._model = "another model"
        assert not health.is_back(only)
    assert not health.is_back(only)


def test_questions_that_break_off_together_are_one_failure() -> None:
    servers = Pool(["http://a:1", "http://b:1"])
    first = servers.servers[0]
    for _ in range(48):
        servers.failed(first)
    assert first.failures == 1
    assert [servers.acquire([n]) for n in range(3)] == [servers.servers[1]] * 3


def test_it_is_asked_once_when_it_is_due_and_later_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(pool.time, "monotonic", lambda: now)
    servers = Pool(["http://a:1", "http://b:1"])
    first = servers.servers[0]
    servers.failed(first)
    waits: list[float] = []
    for _ in range(8):
        assert servers.take_due() == []
        waits.append(first.due_at - now)
        now = first.due_at
        assert servers.take_due() == [first]
        assert servers.take_due() == []
        servers.asked(first, back=False)
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    now = first.due_at
    servers.asked(servers.take_due()[0], back=True)
    assert not first.aside
    servers.failed(first)
    assert first.due_at - now == 60, "a health that is not followed by an answer counts for little"
    servers.succeeded(first)
    assert (first.aside, first.failures) == (False, 0)


def test_when_all_are_put_aside_they_are_tried_in_turns() -> None:
    servers = Pool(["http://a:1", "http://b:1", "http://c:1"])
    for server in servers.servers:
        servers.failed(server)
    tried = [servers.acquire([1]) for _ in range(6)]
    assert tried == servers.servers * 2
