"""On the real s1-nano: every point of a sweep equals an independent run, token for token, greedy and sampled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import groupby
from typing import TypeVar

import pytest

from s1core import Budget, Sampling, Trace, astream, load_engine
from s1core.engines.base import Engine
from s1core.nano import Question, make_questions
from s1core.sweep import Grid, asweep

BUDGETS = (0, 8, 16, 32, 64, None)
WAITS = (0, 1, 2, 3)
EACH = 17
"""Questions of each of the six families, so that there are more than a hundred; the shorter ones, to be quick."""

Unit = TypeVar("Unit")
Result = TypeVar("Result")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = load_engine("s1-nano")
    yield engine
    engine.close()


def questions() -> list[Question]:
    made = sorted(make_questions(600, seed=5, split="test"), key=lambda q: (q.family, len(q.question)))
    return [q for _, of_family in groupby(made, key=lambda q: q.family) for q in list(of_family)[:EACH]]


async def many(units: Sequence[Unit], work: Callable[[Unit], Awaitable[Result]], at_once: int) -> list[Result]:
    """Do all of it, so many at once, in the order given."""
    done: dict[int, Result] = {}
    left = iter(enumerate(units))

    async def worker() -> None:
        for number, unit in left:
            done[number] = await work(unit)

    await asyncio.gather(*(worker() for _ in range(at_once)))
    return [done[number] for number in range(len(units))]


async def differing(
    engine: Engine,
    asked: Sequence[str],
    budgets: Sequence[int | None],
    waits: Sequence[int],
    sampling: Sampling,
    wait_text: str = "Wait",
) -> list[str]:
    """Sweep every question, run every point on its own, and name the points that differ in anything."""

    async def grid_of(question: str) -> Grid:
        return await asweep(engine, question, budgets, waits, sampling, wait_text=wait_text)

    async def alone(unit: tuple[str, int | None, int]) -> Trace:
        question, most, count = unit
        budget = Budget(max_thinking_tokens=most, waits=count, wait_text=wait_text)
        return Trace.from_events([event async for event in astream(engine, question, budget, sampling)])

    grids = await many(asked, grid_of, at_once=32)
    units = [(question, most, count) for question in asked for most in budgets for count in waits]
    # In another order than the points of a grid, so that other texts decode together.
    units.sort(key=lambda unit: (unit[2], unit[1] or 0))
    independent = dict(zip(units, await many(units, alone, at_once=96), strict=True))

    found: list[str] = []
    for question, grid in zip(asked, grids, strict=True):
        for point in grid.points:
            mine, other = point.trace, independent[question, point.max_thinking_tokens, point.waits]
            same = mine.token_ids == other.token_ids and mine.text == other.text and mine.answer == other.answer
            told = ("thinking_tokens", "waits_used", "closed_by", "answer_tokens")
            if not same or any(getattr(mine.receipt, n) != getattr(other.receipt, n) for n in told):
                found.append(f"{question!r}, budget {point.max_thinking_tokens}, {point.waits} Waits")
    assert sum(grid.cost.decoded for grid in grids) < sum(grid.cost.independent for grid in grids)
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=0.8, seed=11)], ids=["greedy", "sampled"])
async def test_every_point_equals_an_independent_run(engine: Engine, sampling: Sampling) -> None:
    asked = [q.question for q in questions()]
    assert len(asked) >= 100
    assert await differing(engine, asked, BUDGETS, WAITS, sampling) == []


async def test_it_does_so_as_well_when_an_end_is_ignored_without_a_word(engine: Engine) -> None:
    asked = [q.question for q in questions()][::8]
    assert await differing(engine, asked, (16, 64, None), (0, 1, 2), Sampling(), wait_text="") == []
