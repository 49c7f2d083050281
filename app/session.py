"""One run for one visitor: a task of its own drains the engine, the page only reads where it stands. No Gradio.

The split is what frees the engine at once: whether the visitor presses Stop, reloads or closes the page, the
generator that feeds the page ends, cancels the task, and with it the engine's request.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from app import render
from app.settings import Asked
from s1core import S1Error, astream
from s1core.engines.base import Engine

UPDATE_EVERY_S = 0.05
STOP_GRACE_S = 1.0
"""An engine that has not come to its next token by then is cut off; the receipt is lost, the page is not."""

View = dict[str, Any]
SameAnswer = Callable[[str, str], bool]
_log = logging.getLogger(__name__)


class ThinkRun:
    """A run and what the page shows of it."""

    def __init__(self, asked: Asked, *, expected: str | None = None, same: SameAnswer = str.__eq__) -> None:
        self.id = secrets.token_hex(6)
        self._asked = asked
        self._expected = expected
        self._same = same
        self._trace = render.LiveTrace()
        self._stop = asyncio.Event()
        self._engine: Engine | None = None
        self._error: str | None = None

    def stop(self) -> None:
        """Ask the run to end at its next token, with a receipt."""
        self._stop.set()

    async def views(self, load: Callable[[], AsyncIterator[str | Engine]]) -> AsyncGenerator[View, None]:
        """Yield what the page shows, at most 20 times a second, until the run has ended.

        Args:
            load: yields sentences that say what is being waited for, and last the engine.
        """
        try:
            async for step in load():
                if not isinstance(step, str):
                    self._engine = step
                    break
                yield self.view("loading", note=step)
                if self._stop.is_set():
                    yield self.view("cancelled", note="Stopped before the model was loaded.")
                    return
        except S1Error as error:
            yield self.view("error", note=str(error))
            return
        task = asyncio.create_task(self._produce())
        try:
            async for view in self._follow(task):
                yield view
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _follow(self, task: asyncio.Task[None]) -> AsyncGenerator[View, None]:
        stopping_s = 0.0
        while not task.done() and stopping_s < STOP_GRACE_S:
            yield self.view("running", note="Stopping…" if self._stop.is_set() else "")
            await asyncio.wait({task}, timeout=UPDATE_EVERY_S)
            stopping_s += UPDATE_EVERY_S if self._stop.is_set() else 0.0
        yield self._last_view()

    async def _produce(self) -> None:
        asked = self._asked
        assert self._engine is not None
        try:
            run = astream(self._engine, asked.question, asked.budget, asked.sampling, cancel=self._stop)
            async with aclosing(run) as events:
                async for event in events:
                    self._trace.take(event)
                    # An engine that never waits would keep the page, and everybody else's, from being served.
                    await asyncio.sleep(0)
        except S1Error as error:
            self._error = str(error)
        except Exception as error:
            _log.exception("the engine failed in the middle of a run")
            self._error = (
                f"The engine stopped in the middle of the run ({type(error).__name__}); the text so far is kept. "
                "Press Run to try again."
            )

    def _last_view(self) -> View:
        if self._error is not None:
            return self.view("error", note=self._error)
        finished = self._trace.finished
        if finished is None:
            return self.view("cancelled", note="Stopped while the engine was busy; there is no receipt.")
        cancelled = finished.receipt.closed_by == "cancelled" or (
            self._stop.is_set() and not finished.receipt.answer_complete
        )
        return self.view("cancelled" if cancelled else "done")

    def view(self, state: render.State, *, note: str = "") -> View:
        """Return the JSON for the page."""
        trace, finished = self._trace, self._trace.finished
        return {
            "run": self.id,
            "state": state,
            "note": render.plain(note),
            "question": render.plain(self._asked.question),
            "text": trace.text,
            "meter": render.meter(trace, waits=self._asked.budget.waits),
            "answer": render.answer(trace, expected=self._expected, correct=self._correct()),
            "receipt": render.receipt_rows(finished.receipt) if finished else [],
        }

    def _correct(self) -> bool | None:
        finished = self._trace.finished
        if self._expected is None or finished is None or not finished.receipt.answer_complete:
            return None
        return finished.answer is not None and self._same(finished.answer, self._expected)


def refusal(reason: str, *, question: str) -> View:
    """Return what the page shows of a run that could not begin."""
    nothing = render.LiveTrace()
    return {
        "run": secrets.token_hex(6),
        "state": "error",
        "note": render.plain(reason),
        "question": render.plain(question),
        "text": "",
        "meter": render.meter(nothing, waits=0),
        "answer": render.answer(nothing, expected=None, correct=None),
        "receipt": [],
    }


class LiveRuns:
    """The runs under way, by page, so that a Stop finds its own run and no other."""

    def __init__(self) -> None:
        self._runs: dict[str, set[ThinkRun]] = {}

    @contextlib.contextmanager
    def registered(self, page: str, run: ThinkRun):
        """Keep `run` findable while the block runs."""
        self._runs.setdefault(page, set()).add(run)
        try:
            yield run
        finally:
            self._runs[page].discard(run)
            if not self._runs[page]:
                del self._runs[page]

    def stop(self, page: str) -> None:
        """Stop what this page is running; nothing happens if it runs nothing."""
        for run in self._runs.get(page, ()):
            run.stop()

    def __len__(self) -> int:
        return sum(len(runs) for runs in self._runs.values())
