"""Ask every question under every setting, many at once, and write each finished sample down."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

from evals.benchmarks import Item
from evals.settings import Setting, grid_label
from s1core import Sampling, Trace, astream
from s1core.engines.base import Engine
from s1core.grading import grade
from s1core.store import Row, RunStore
from s1core.sweep import asweep

Unit = TypeVar("Unit")
Progress = Callable[[int, int], None]
"""Called with (done, total) after every sample."""


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
        on_progress: told after every sample.

    Raises:
        S1Error: the engine failed or the disk is full; what is written stays, and the same call resumes.
    """
    rows = list(store.rows())
    done = {(row["id"], row["setting"]) for row in rows}
    todo = [(setting, item) for setting in settings for item in items if (item.id, setting.label) not in done]

    async def ask(unit: tuple[Setting, Item]) -> list[Row]:
        setting, item = unit
        events = [event async for event in astream(engine, item.question, setting.budget, sampling)]
        return [sample_row(item, setting.label, sampling, Trace.from_events(events))]

    await _work_off(todo, ask, store, rows, concurrency, on_progress, len(settings) * len(items))
    return rows


async def evaluate_grid(
    engine: Engine,
    items: Sequence[Item],
    budgets: Sequence[int | None],
    waits: Sequence[int],
    wait_text: str,
    sampling: Sampling,
    store: RunStore,
    *,
    concurrency: int = 32,
    on_progress: Progress = lambda done, total: None,
) -> list[Row]:
    """Measure the whole grid, thinking once per question (`s1core.sweep`); otherwise as `evaluate`.

    A question's points are written together, so that a killed run repeats at most the questions in flight.
    """
    rows = list(store.rows())
    done = {row["id"] for row in rows}

    async def ask(item: Item) -> list[Row]:
        grid = await asweep(engine, item.question, budgets, waits, sampling, wait_text=wait_text)
        return [
            sample_row(item, grid_label(p.max_thinking_tokens, p.waits, wait_text), sampling, p.trace)
            for p in grid.points
        ]

    todo = [item for item in items if item.id not in done]
    await _work_off(todo, ask, store, rows, concurrency, on_progress, len(items) * len(budgets) * len(waits))
    return rows


async def _work_off(
    todo: Sequence[Unit],
    ask: Callable[[Unit], Awaitable[list[Row]]],
    store: RunStore,
    rows: list[Row],
    concurrency: int,
    on_progress: Progress,
    total: int,
) -> None:
    """Ask `concurrency` units at a time; write down and collect the rows of each."""
    left = iter(todo)

    async def worker() -> None:
        for unit in left:
            new = await ask(unit)
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


def sample_row(item: Item, setting: str, sampling: Sampling, trace: Trace) -> Row:
    """What is kept of one sample: the verdict with its rule, the counts, and the trace's text by author."""
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
        "segments": [[s.source, s.phase, s.text] for s in trace.segments],
    }


def run_config(
    engine: Engine, benchmark: str, items: Sequence[Item], settings: Sequence[dict[str, Any]], sampling: Sampling
) -> dict[str, Any]:
    """What defines a run: two runs with the same configuration measure the same thing."""
    return {
        "model": engine.model,
        "engine": engine.name,
        "benchmark": benchmark,
        "questions": len(items),
        "settings": list(settings),
        "sampling": asdict(sampling),
    }


def run_facts() -> dict[str, Any]:
    """What a run was made with: versions and hardware."""
    return {
        "versions": {name: _version(name) for name in ("torch", "transformers", "tokenizers")},
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
