"""The shelf of engines: one that died is loaded anew, and only that one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.models import registry as shelves
from app.models.registry import EngineShelf
from s1core.engines.base import Engine
from s1core.engines.scripted import ScriptedEngine


class Mortal(ScriptedEngine):
    """An engine whose process may end."""

    dead = closed = False

    def close(self) -> None:
        self.closed = True


def loaded(shelf: EngineShelf, model: str) -> Engine:
    async def last() -> Engine:
        return [step async for step in shelf.load(model) if not isinstance(step, str)][0]

    return asyncio.run(last())


def test_what_died_is_freed_and_loaded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Mortal] = []

    def load_engine(*_: Any, **__: Any) -> Mortal:
        made.append(Mortal(lambda prompt, turn: "one"))
        return made[-1]

    monkeypatch.setattr(shelves, "load_engine", load_engine)
    shelf = EngineShelf("s1-nano")
    first = loaded(shelf, "s1-nano")
    assert loaded(shelf, "s1-nano") is first and len(made) == 1
    made[0].dead = True
    second = loaded(shelf, "s1-nano")
    assert second is made[1] and made[0].closed and not made[1].closed
    assert loaded(shelf, "s1-nano") is second


def test_what_was_given_is_kept_whatever_became_of_it() -> None:
    given = Mortal(lambda prompt, turn: "one")
    shelf = EngineShelf("echo", engines={"echo": given})
    given.dead = True
    assert loaded(shelf, "echo") is given and not given.closed
