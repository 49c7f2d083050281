"""Ask every question under every setting, many at once, and write each finished sample down."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from evals.benchmarks import Item
from evals.settings import Setting
from s1core import Sampling, Trace, astream
from s1core.engines.base import Engine
from s1core.grading import grade
from s1core.store import Row, RunStore

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
    """Run what is missing in `store` and return all rows, finished earlier ones included.

    Args:
        engine: a loaded model.
        items: the questions.
        settings: what to ask of each.
        sampling: temperature and seed, the same for all.
        store: an open run; one row per (question, setting, sample index).
        concurrency: questions in flight; the engine decodes them together.
        on_progress: told after every sample.

    Raises:
        S1Error: the engine failed or the disk is full; what is written stays, and the same call resumes.
    """
    rows = list(store.rows())
    done = {(row["id"], row["setting"]) for row in rows}
    todo = iter([(s, i) for s in settings for i in items if (i.id, s.label) not in done])
    total = len(settings) * len(items)

    async def worker() -> None:
        for setting, item in todo:
            events = [event async for event in astream(engine, item.question, setting.budget, sampling)]
            row = sample_row(item, setting, sampling, Trace.from_events(events))
            store.append(row)
            rows.append(row)
            on_progress(len(rows), total)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(worker())
    except ExceptionGroup as failed:
        # One cause stops all workers; the others only repeat it.
        raise failed.exceptions[0] from None
    return rows


def sample_row(item: Item, setting: Setting, sampling: Sampling, trace: Trace) -> Row:
    """What is kept of one sample: the verdict with its rule, the counts, and the trace's text by author."""
    verdict = grade(trace.answer or "", item.answer, kind=item.kind)
    receipt = trace.receipt
    return {
        "id": item.id,
        "group": item.group,
        "setting": setting.label,
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
    engine: Engine, benchmark: str, items: Sequence[Item], settings: Sequence[Setting], sampling: Sampling
) -> dict[str, Any]:
    """What defines a run: two runs with the same configuration measure the same thing."""
    return {
        "model": engine.model,
        "engine": engine.name,
        "benchmark": benchmark,
        "questions": len(items),
        "settings": [setting.as_dict() for setting in settings],
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
