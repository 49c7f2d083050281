"""Traces: a teacher thinks about every question. Any engine of s1core, or the solver of s1-nano's families."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from curate.cache import Fact, Facts
from curate.generation import CONCURRENCY, ModelSpec, ask_all, with_trace
from curate.rows import OnProgress, Outcome, Row
from s1core.nano.teacher import teach

_TOGETHER = 500


class Tracer(Protocol):
    """Whoever thinks."""

    @property
    def cache_key(self) -> dict[str, Any]:
        """All that decides the traces."""
        ...

    def trace(self, rows: Sequence[Row], on_result: Callable[..., None]) -> None:
        """Think about each question and pass the facts to `on_result`, as `generation.ask_all` does."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineTracer:
    """A reasoning model."""

    spec: ModelSpec
    concurrency: int = CONCURRENCY

    @property
    def cache_key(self) -> dict[str, Any]:
        """The model and how it is asked."""
        return self.spec.cache_key

    def trace(self, rows: Sequence[Row], on_result: Callable[..., None]) -> None:
        """Load the model and ask it."""
        engine = self.spec.load(self.concurrency)
        try:
            ask_all(engine, self.spec, rows, on_result, concurrency=self.concurrency)
        finally:
            engine.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class NanoTeacher:
    """The families' solver, with natural slips and corrections."""

    seed: int = 0

    @property
    def cache_key(self) -> dict[str, Any]:
        """The number grows when its habits change."""
        return {"model": "nano-teacher", "version": 1, "seed": self.seed}

    def trace(self, rows: Sequence[Row], on_result: Callable[..., None]) -> None:
        """Solve the questions that are of s1-nano's families."""
        for start in range(0, len(rows), _TOGETHER):
            on_result(*(self._lesson(row) for row in rows[start : start + _TOGETHER]))

    def _lesson(self, row: Row) -> Fact:
        lesson = teach(row.question, self.seed)
        return {
            "key": row.key,
            "thinking": lesson.thinking if lesson else "",
            "attempt": lesson.attempt if lesson else "",
            # s1-nano's tokens are bytes.
            "thinking_tokens": len(lesson.thinking.encode()) if lesson else 0,
            "answer_tokens": len(lesson.attempt.encode()) if lesson else 0,
            "failed": None if lesson else "not a question of s1-nano's families",
        }


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Adds the teacher's attempt and the length of its thinking; the thinking itself stays in the facts."""

    tracer: Tracer
    cache: Path
    shard: str = ""
    count_tokens: Callable[[str], int] | None = None
    """Counts thinking in another tokenizer than the teacher's."""
    name: str = "trace"
    pure: bool = False

    @property
    def config(self) -> dict[str, Any]:
        """All that decides what it does."""
        return self.tracer.cache_key

    def run(self, rows: Sequence[Row], on_progress: OnProgress) -> Outcome:
        """Trace what has no trace yet. Nothing is rejected here: a failed call is for the next stage to name."""
        with open_traces(self.cache, self.tracer, self.shard) as facts:
            missing = [row for row in rows if row.key not in facts]
            done = len(rows) - len(missing)

            def on_result(*new: Fact) -> None:
                nonlocal done
                facts.add(*new)
                done += len(new)
                on_progress(done, {})

            on_progress(done, {})
            if missing:
                self.tracer.trace(missing, on_result)
            wanted = {row.key: row for row in rows}
            traced = {key: self._join(row, fact) for key, fact in facts.items() if (row := wanted.get(key))}
        return Outcome(rows=[traced[row.key] for row in rows], rejections=[])

    def _join(self, row: Row, fact: Fact) -> Row:
        joined = with_trace(row, fact)
        if self.count_tokens is not None:
            joined = replace(joined, thinking_tokens=self.count_tokens(fact["thinking"]))
        return joined


def open_traces(cache: Path, tracer: Tracer, shard: str = "") -> Facts:
    """The traces of this tracer."""
    return Facts(cache, "trace", tracer.cache_key, shard)
