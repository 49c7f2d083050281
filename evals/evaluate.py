"""Ask every question under every setting, many at once, and write each finished sample down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from evals.benchmarks import Item
from evals.settings import Setting, grid_label
from s1core import Budget, Sampling, Trace, astream, provenance
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting
from s1core.grading import grade
from s1core.store import Row, RunStore
from s1core.sweep import asweep

_CODE = ("s1core", "evals/*.py")
"""What samples and grades."""

NOISE = "seed, question, sample, step"
"""What the noise of a step depends on; in the configuration, so that runs with other noise are not continued."""
Progress = Callable[[int, int], None]
"""Called with (done, total): first with what was there already, then after every sample."""
Key = tuple[str, str, int]
"""Question, setting, sample index: what no run holds twice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """What is asked in one go; it gives one row for each of its keys."""

    keys: tuple[Key, ...]
    ask: Callable[[], Awaitable[Sequence[Row]]]


def row_key(row: Row) -> Key:
    """Return the key of a row, unique in its run."""
    return str(row["id"]), str(row["setting"]), int(row.get("sample_index", 0))


async def evaluate(
    engine: Engine,
    items: Sequence[Item],
    settings: Sequence[Setting],
    sampling: Sampling,
    store: RunStore,
    *,
    concurrency: int = 64,
    on_progress: Progress = lambda done, total: None,
) -> list[Row]:
    """Ask each question once per setting, what `store` has already left out; return all rows.

    Args:
        engine: a loaded model.
        items: the questions.
        settings: what to ask of each.
        sampling: temperature and seed, the same for all.
        store: an open run; one row per (question, setting).
        concurrency: questions in flight; the engine decodes them together.
        on_progress: told of every sample.

    Raises:
        S1Error: the engine failed or the disk is full; what is written stays, and the same call resumes.
    """

    async def ask(setting: Setting, item: Item) -> list[Row]:
        drawn = sampling_of(item, sampling)
        events = [event async for event in astream(engine, item.question, setting.budget, drawn)]
        return [sample_row(item, setting.label, sampling, Trace.from_events(events))]

    units = [
        Unit(keys=((item.id, setting.label, sampling.sample_index),), ask=partial(ask, setting, item))
        for setting in settings
        for item in items
    ]
    return await work_off(units, store, concurrency=concurrency, on_progress=on_progress)


async def evaluate_grid(
    engine: Engine,
    items: Sequence[Item],
    budgets: Sequence[int | None],
    waits: Sequence[int],
    wait_text: str,
    sampling: Sampling,
    store: RunStore,
    *,
    rest: Budget | None = None,
    concurrency: int = 32,
    on_progress: Progress = lambda done, total: None,
) -> list[Row]:
    """Measure the whole grid, thinking once per question (`s1core.sweep`); otherwise as `evaluate`.

    `rest` is what else is asked of every point: its closing words, landing and loops. A question's points are written
    together, so that a killed run repeats at most the questions in flight.

    Raises:
        InvalidSetting: a grid without a budget or without a number of Waits.
        S1Error: as `evaluate`.
    """
    if not budgets or not waits:
        raise InvalidSetting("a grid needs at least one budget and one number of Waits (0 is one)")

    async def ask(item: Item) -> list[Row]:
        drawn = sampling_of(item, sampling)
        grid = await asweep(engine, item.question, budgets, waits, drawn, wait_text=wait_text, rest=rest)
        return [
            sample_row(item, grid_label(p.max_thinking_tokens, p.waits, wait_text), sampling, p.trace)
            for p in grid.points
        ]

    labels = [grid_label(b, w, wait_text) for b in budgets for w in waits]
    units = [
        Unit(keys=tuple((item.id, label, sampling.sample_index) for label in labels), ask=partial(ask, item))
        for item in items
    ]
    return await work_off(units, store, concurrency=concurrency, on_progress=on_progress)


def sampling_of(item: Item, sampling: Sampling) -> Sampling:
    """How one question is drawn: its text is part of the noise, as in `s1core.methods`; errors are independent."""
    return replace(sampling, question_id=item.question)


async def work_off(
    units: Sequence[Unit],
    store: RunStore,
    *,
    concurrency: int,
    on_progress: Progress = lambda done, total: None,
) -> list[Row]:
    """Ask `concurrency` units at a time, what `store` has already left out; return all rows.

    A unit of which a kill left only some rows is asked again, and only the missing ones are written.

    Raises:
        InvalidSetting: a concurrency below 1.
        S1Error: as `evaluate`.
    """
    if concurrency < 1:
        raise InvalidSetting(f"concurrency must be 1 or more, got {concurrency}")
    rows = list(store.rows())
    done = {row_key(row) for row in rows}
    total = sum(len(unit.keys) for unit in units)
    todo = [unit for unit in units if not done.issuperset(unit.keys)]
    left = iter(todo)
    on_progress(len(rows), total)

    async def worker() -> None:
        for unit in left:
            new = [row for row in await unit.ask() if row_key(row) not in done]
            store.append(*new)
            rows.extend(new)
            on_progress(len(rows), total)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(todo))):
                group.create_task(worker())
    except ExceptionGroup as failed:
        # One cause stops all workers; the others only repeat it.
        raise failed.exceptions[0] from None
    return rows


def sample_row(item: Item, setting: str, sampling: Sampling, trace: Trace, **more: Any) -> Row:
    """What is kept of one sample: the verdict with its rule, the counts, and the trace's text by author.

    Args:
        item: the question.
        setting: the setting's name.
        sampling: what the sample was drawn with.
        trace: the sample.
        more: what a method counts besides.
    """
    verdict = grade(trace.answer or "", item.answer, kind=item.kind)
    receipt = trace.receipt
    return {
        "id": item.id,
        "group": item.group,
        "setting": setting,
        "sample_index": sampling.sample_index,
        "answer": trace.answer,
        "correct": verdict.correct,
        "rule": verdict.rule,
        "answered": receipt.answered,
        "thinking_tokens": receipt.thinking_tokens,
        "answer_tokens": receipt.answer_tokens,
        "waits_used": receipt.waits_used,
        "closed_by": receipt.closed_by,
        "landing": receipt.landing,
        "spill": receipt.spill,
        **more,
        "segments": [[s.source, s.phase, s.text] for s in trace.segments],
    }


def run_config(
    engine: Engine,
    benchmark: str,
    items: Sequence[Item],
    settings: Sequence[dict[str, Any]],
    sampling: Sampling,
    **more: Any,
) -> dict[str, Any]:
    """What defines a run: two runs with the same configuration measure the same thing.

    Args:
        engine: a loaded model.
        benchmark: its name.
        items: the questions.
        settings: what is asked of each.
        sampling: temperature and seed.
        more: what else defines it, such as a `method` other than budget forcing, the name of its curve.
    """
    return {
        "model": engine.model,
        "engine": engine.name,
        "benchmark": benchmark,
        "questions": len(items),
        "settings": list(settings),
        "sampling": sampling_config(sampling),
        **more,
    }


def sampling_config(sampling: Sampling) -> dict[str, Any]:
    """What of the sampling defines a run. Greedy runs have no noise, and what is left out does not change them."""
    config: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "sample_index": sampling.sample_index,
    }
    if sampling.temperature > 0:
        config |= {"noise": NOISE, "top_k": sampling.top_k, "min_p": sampling.min_p}
    return config


def run_facts() -> dict[str, Any]:
    """What a run was made with: code, versions and hardware."""
    return provenance.run_facts(*_CODE)


def code_commit() -> str | None:
    """The commit of this code, with a `+` when what samples or grades was changed since; None outside a checkout."""
    return provenance.code_commit(*_CODE)
