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


@pytest.mark.timeout(600)
@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=0.8, seed=11)], ids=["greedy", "sampled"])
async def test_every_point_equals_an_independent_run(engine: Engine, sampling: Sampling) -> None:
    asked = [q.question for q in questions()]
    assert len(asked) >= 100

    async def grid_of(question: str) -> Grid:
        return await asweep(engine, question, BUDGETS, WAITS, sampling)

    async def alone(unit: tuple[str, int | None, int]) -> Trace:
        question, most, waits = unit
        budget = Budget(max_thinking_tokens=most, waits=waits)
        return Trace.from_events([event async for event in astream(engine, question, budget, sampling)])

    grids = await many(asked, grid_of, at_once=32)
    units = [(question, most, waits) for question in asked for most in BUDGETS for waits in WAITS]
    # In another order than the points of a grid, so that other texts decode together.
    units.sort(key=lambda unit: (unit[2], unit[1] or 0))
    independent = dict(zip(units, await many(units, alone, at_once=96), strict=True))

    differing: list[str] = []
    for question, grid in zip(asked, grids, strict=True):
        for point in grid.points:
            other = independent[question, point.max_thinking_tokens, point.waits]
            mine = point.trace
            same = mine.token_ids == other.token_ids and mine.text == other.text and mine.answer == other.answer
            told = ("thinking_tokens", "waits_used", "closed_by", "answer_tokens")
            if not same or any(getattr(mine.receipt, n) != getattr(other.receipt, n) for n in told):
                differing.append(f"{question!r}, budget {point.max_thinking_tokens}, {point.waits} Waits")
    assert differing == []
    sampled = sum(grid.cost.decoded for grid in grids)
    assert sampled < sum(grid.cost.independent for grid in grids) / 3
