"""The registry of engines: one that died is loaded anew, and only that one."""

from __future__ import annotations

import asyncio
import gc
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from app.models import registry as registry_module
from app.models.registry import EngineRegistry
from s1core import S1Error
from s1core.engines.base import Engine
from s1core.engines.scripted import ScriptedEngine
from s1core.models import NANO_WEIGHTS


class Mortal(ScriptedEngine):
    """An engine whose process may end."""

    dead = closed = False

    def close(self) -> None:
        self.closed = True


def loaded(registry: EngineRegistry, model: str) -> Engine:
    async def last() -> Engine:
        return [step async for step in registry.load(model) if not isinstance(step, str)][0]

    return asyncio.run(last())


def test_what_died_is_freed_and_loaded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Mortal] = []

    def load_engine(*_: Any, **__: Any) -> Mortal:
        made.append(Mortal(lambda prompt, turn: "one"))
        return made[-1]

    monkeypatch.setattr(registry_module, "load_engine", load_engine)
    registry = EngineRegistry("s1-nano")
    first = loaded(registry, "s1-nano")
    assert loaded(registry, "s1-nano") is first and len(made) == 1
    made[0].dead = True
    second = loaded(registry, "s1-nano")
    assert second is made[1] and made[0].closed and not made[1].closed
    assert loaded(registry, "s1-nano") is second


def test_what_was_given_is_kept_whatever_became_of_it() -> None:
    given = Mortal(lambda prompt, turn: "one")
    registry = EngineRegistry("echo", engines={"echo": given})
    given.dead = True
    assert loaded(registry, "echo") is given and not given.closed


def test_a_failed_load_is_logged_once_and_marked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Visitors who wait for it, and one who has left, make no noise of their own."""
    gate = threading.Event()

    def load_engine(*_: Any, **__: Any) -> Engine:
        gate.wait(30)
        raise RuntimeError("no memory")

    monkeypatch.setattr(registry_module, "load_engine", load_engine)
    monkeypatch.setattr(registry_module, "UPDATE_EVERY_S", 0.005)
    registry = EngineRegistry("weak-1")

    async def wait() -> str:
        try:
            async for step in registry.load("weak-1"):
                assert isinstance(step, str)
        except S1Error as error:
            return str(error)
        raise AssertionError("it cannot be loaded")

    async def visitors() -> list[str]:
        waiting = [asyncio.create_task(wait()) for _ in range(5)]
        await asyncio.sleep(0.1)
        assert registry.state("weak-1") == "loading"
        waiting[0].cancel()
        gate.set()
        told = await asyncio.gather(*waiting[1:])
        gc.collect()
        return told

    assert {"RuntimeError: no memory" in words for words in asyncio.run(visitors())} == {True}
    gc.collect()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert registry.state("weak-1") == "failed"


def test_what_can_run_is_told_from_what_cannot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    registry = EngineRegistry("echo", engines={"echo": Mortal(lambda prompt, turn: "one")})
    states = {name: registry.state(name) for name in registry.models}
    assert states["echo"] == states["s1-nano"] == "ready" and states["s1-32B"] == "not here"
    (tmp_path / "config.json").write_text("{}", "utf-8")
    registry.offer("mine", tmp_path)
    assert registry.state("mine") == "ready"


def test_models_of_nanos_words_take_no_earlier_turns(tmp_path: Path) -> None:
    mine = shutil.copytree(NANO_WEIGHTS, tmp_path / "mine")
    registry = EngineRegistry("echo", engines={"echo": Mortal(lambda prompt, turn: "one")})
    registry.offer("tuned", mine)
    takes = {name: registry.takes_turns(name) for name in ("echo", "tuned", "s1-nano", "weak-1", "s1-32B", "Qwen3-8B")}
    assert [name for name, turns in takes.items() if turns] == ["echo", "s1-32B", "Qwen3-8B"]
