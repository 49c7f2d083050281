"""A sweep of a bundled model for one visitor, whose curve is drawn while it runs. No Gradio.

Like a run of Think: a task of its own drives the engine, the page only reads where it stands, and cancelling the task
frees the engine within one step.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from app.artifacts.curves.store import CurveStore, visitor_views
from app.shell.responses import View
from evals.benchmarks import BUNDLED, own_benchmark
from evals.evaluate import evaluate_grid, run_config, run_facts
from evals.reports.cached import series_of
from s1core import S1Error, Sampling
from s1core.budget import DEFAULT_WAIT_TEXT
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting
from s1core.models import PRESETS, S1_135M, S1_NANO
from s1core.store import Row, RunStore
from s1core.weights import is_here

NO_LIMIT = "no limit"
FEWEST, MOST = 20, 500
BUDGETS: tuple[int | None, ...] = (0, 8, 16, 32, 64, 128, 256, None)
WAITS = (0, 1, 2, 3, 4, 6, 8)
IN_FLIGHT = 16
"""Questions at once. More would not be faster, and would keep visitors of Think waiting."""
AT_ONCE = 2
"""Sweeps at once; the others wait in line."""
UPDATE_EVERY_S = 0.25
DRAWING_SHARE = 0.1
"""Of the time, at most, for drawing: a large sweep is drawn less often."""

State = Literal["waiting", "loading", "running", "done", "cancelled", "error"]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepRequest:
    """A valid request for a sweep."""

    model: str = S1_NANO
    questions: int
    budgets: tuple[int | None, ...]
    waits: tuple[int, ...]

    @property
    def points(self) -> int:
        """Settings in the grid."""
        return len(self.budgets) * len(self.waits)


def budget_name(budget: int | None) -> str:
    """As the page writes it."""
    return NO_LIMIT if budget is None else str(budget)


def models_here() -> list[str]:
    """Name the bundled models that can be swept here, the one that people see first before the others."""
    return [name for name in (S1_135M, S1_NANO) if is_here(PRESETS[name])]


def read_sweep(questions: Any, budgets: Any, waits: Any, model: Any = S1_NANO) -> SweepRequest:
    """Check what came from the page or through the API.

    Raises:
        InvalidSetting: the message names the field and the remedy.
    """
    is_number = isinstance(questions, int | float) and not isinstance(questions, bool)
    if not is_number or not float(questions).is_integer():
        raise InvalidSetting(f"Questions must be a whole number from {FEWEST} to {MOST}.")
    if not FEWEST <= questions <= MOST:
        raise InvalidSetting(f"Questions must lie between {FEWEST} and {MOST}, not {int(questions)}.")
    if model not in models_here():
        raise InvalidSetting(f"A sweep runs on one of {', '.join(models_here())}; choose among these.")
    return SweepRequest(
        model=str(model),
        questions=int(questions),
        budgets=_chosen("budget", budgets, {budget_name(budget): budget for budget in BUDGETS}),
        waits=_chosen("number of Waits", waits, {str(count): count for count in WAITS}),
    )


def _chosen(what: str, given: Any, offered: dict[str, Any]) -> tuple[Any, ...]:
    names = [str(name) for name in given] if isinstance(given, list | tuple) else []
    if not names:
        raise InvalidSetting(f"Choose at least one {what} for the sweep.")
    if not set(names) <= offered.keys():
        raise InvalidSetting(f"A {what} is one of {', '.join(offered)}; choose among these.")
    return tuple(value for name, value in offered.items() if name in names)


class Line:
    """First come, first served: who may sweep now, and how many are before the others."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._tickets: list[object] = []

    @contextlib.contextmanager
    def ticket(self) -> Generator[Callable[[], int], None, None]:
        """Stand in line for the length of a block; yields how many must leave before it is this one's turn."""
        mine = object()
        self._tickets.append(mine)
        try:
            yield lambda: max(0, self._tickets.index(mine) + 1 - self._at_once)
        finally:
            self._tickets.remove(mine)


class _Collecting(RunStore):
    """A run on disk that also keeps its rows, without their texts, for the curve."""

    def __init__(self, folder: Path, config: dict[str, Any], rows: list[Row]) -> None:
        super().__init__(folder, config, run_facts())
        self._kept = rows

    def append(self, *rows: Row) -> None:
        """Write the rows down and keep them."""
        super().append(*rows)
        self._kept.extend({key: value for key, value in row.items() if key != "segments"} for row in rows)


class LiveSweep:
    """A sweep and what the page shows of it."""

    def __init__(self, asked: SweepRequest, store: CurveStore, line: Line) -> None:
        self._asked, self._store, self._line = asked, store, line
        self._key, self._folder = store.new_folder()
        self._benchmark = own_benchmark(asked.model)
        self._stop = asyncio.Event()
        self._config: dict[str, Any] = {}
        self._rows: list[Row] = []
        self._drawn: list[View] = []
        self._drawn_rows = 0
        self._draw_s = 0.0
        self._began_s = self._ended_s = 0.0
        self._error: str | None = None

    def stop(self) -> None:
        """End the sweep; what has been measured stays."""
        self._stop.set()

    async def views(self, load: Callable[[], AsyncIterator[str | Engine]]) -> AsyncGenerator[View, None]:
        """Yield what the page shows, a few times a second, until the sweep has ended.

        Args:
            load: yields sentences that say what is being waited for, and last the engine.
        """
        left = True
        try:
            with self._line.ticket() as ahead:
                async with aclosing(self._in_turn(ahead, load)) as views:
                    async for view in views:
                        yield view
            left = False
        finally:
            # Whoever closes the page takes along the only key to what was measured.
            if left or not self._rows:
                self._store.drop(self._key)

    async def _in_turn(
        self, ahead: Callable[[], int], load: Callable[[], AsyncIterator[str | Engine]]
    ) -> AsyncGenerator[View, None]:
        while ahead() > 0:
            many = "one sweep is" if ahead() == 1 else f"{ahead()} sweeps are"
            yield self.view("waiting", note=f"In line: {many} before yours.")
            if await self._stopped_within(UPDATE_EVERY_S):
                yield self.view("cancelled", note="Left the line.")
                return
        engine: Engine | None = None
        try:
            async for step in load():
                if not isinstance(step, str):
                    engine = step
                    break
                yield self.view("loading", note=step)
                if self._stop.is_set():
                    yield self.view("cancelled", note="Cancelled before the model was loaded.")
                    return
        except S1Error as error:
            yield self.view("error", note=str(error))
            return
        assert engine is not None
        async with aclosing(self._follow(asyncio.create_task(self._produce(engine)))) as views:
            async for view in views:
                yield view

    async def _stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()

    async def _follow(self, task: asyncio.Task[None]) -> AsyncGenerator[View, None]:
        stopping = asyncio.create_task(self._stop.wait())
        try:
            while not task.done() and not self._stop.is_set():
                yield self.view("running")
                pause_s = max(UPDATE_EVERY_S, self._draw_s / DRAWING_SHARE)
                await asyncio.wait({task, stopping}, timeout=pause_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        yield self._last_view()

    async def _produce(self, engine: Engine) -> None:
        asked = self._asked
        items = BUNDLED[self._benchmark](asked.questions)
        sampling = Sampling()
        grid = {
            "method": "sweep",
            "budgets": list(asked.budgets),
            "waits": list(asked.waits),
            "wait_text": DEFAULT_WAIT_TEXT,
        }
        self._config = run_config(engine, self._benchmark, items, [grid], sampling)
        self._began_s = time.monotonic()
        try:
            with _Collecting(self._folder, self._config, self._rows) as store:
                await evaluate_grid(
                    engine,
                    items,
                    asked.budgets,
                    asked.waits,
                    DEFAULT_WAIT_TEXT,
                    sampling,
                    store,
                    concurrency=IN_FLIGHT,
                )
        except S1Error as error:
            self._error = str(error)
        except Exception as error:
            _log.exception("a live sweep failed")
            self._error = (
                f"The sweep stopped in the middle ({type(error).__name__}); what was measured is kept. "
                "Press Run it now to try again."
            )
        finally:
            self._ended_s = time.monotonic()

    @property
    def done(self) -> int:
        """Questions measured under every setting."""
        return len(self._rows) // self._asked.points

    def _last_view(self) -> View:
        if self._error is not None:
            return self.view("error", note=self._error)
        if self.done < self._asked.questions:
            return self.view("cancelled", note=f"Cancelled after {self._said(self.done)}; what was measured stays.")
        took_s = self._ended_s - self._began_s
        return self.view("done", note=f"{self._said(self.done)}, {self._asked.points} points each, in {took_s:.0f} s.")

    def _said(self, questions: int) -> str:
        return "1 question" if questions == 1 else f"{questions} questions"

    def view(self, state: State, *, note: str = "") -> View:
        """Return the JSON for the page."""
        asked = self._asked
        running = state == "running"
        return {
            "run": self._key,
            "benchmark": self._benchmark,
            "state": state,
            "note": self._progress() if running else note,
            "done": self.done,
            "total": asked.questions,
            "series": self._series(),
        }

    def _progress(self) -> str:
        if not self.done:
            return "The first questions are being thought about…"
        elapsed_s = time.monotonic() - self._began_s
        left = self._asked.questions - self.done
        # Those in flight are half done, on average.
        left_s = elapsed_s / (self.done + min(IN_FLIGHT, left) / 2) * left
        return f"{self.done} of {self._asked.questions} questions, about {max(1, round(left_s))} s left"

    def _series(self) -> Sequence[View]:
        if len(self._rows) != self._drawn_rows:
            began_s = time.monotonic()
            source = f"run now on {self._said(self.done)}"
            self._drawn = visitor_views(series_of(self._config, self._rows, source=source), self._key)
            self._drawn_rows = len(self._rows)
            self._draw_s = time.monotonic() - began_s
        return self._drawn
