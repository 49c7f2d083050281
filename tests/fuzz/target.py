"""A parser under test, what it is fed, and how it may refuse."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from s1core import S1Error

Check = Callable[[Any], object]
MOST_CPU_S = 5.0
"""Of one case; what takes longer counts as hanging."""


class Hangs(AssertionError):
    """A case took too long."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is read, from what, and which errors it may end with."""

    name: str
    fed: SearchStrategy[Any]
    read: Check
    refuses: tuple[type[Exception], ...] = (S1Error,)
    """Errors that its documentation names; where there are none, it takes everything."""
    share: float = 1.0
    """Of the cases, beside the other targets: less for those that are slow."""


@dataclass(slots=True)
class Seen:
    """What became of a target's cases."""

    cases: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    """Seconds of this process's CPU."""


def run(target: Target, cases: int, number: int) -> Seen:
    """Feed so many cases, drawn by this seed; raises what should not have been raised, with the case beside it."""
    seen = Seen()

    @seed(number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
        report_multiple_bugs=False,
    )
    @given(target.fed)
    def one(value: Any) -> None:
        seen.cases += 1
        began_s = time.process_time()
        try:
            target.read(value)
        except target.refuses:
            seen.refused += 1
        took_s = time.process_time() - began_s
        seen.slowest_s = max(seen.slowest_s, took_s)
        if took_s > MOST_CPU_S:
            raise Hangs(f"{took_s:.1f} s")

    one()
    return seen


def in_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Read from a file of this name, in a folder of its own."""

    def wrapped(content: bytes) -> object:
        with tempfile.TemporaryDirectory(prefix="s1-fuzz-") as folder:
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            return read(path)

    return wrapped


def in_folder(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Read a folder in which one file of this name lies."""
    return in_file(name, lambda path: read(path.parents[name.count("/")]))
