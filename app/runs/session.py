"""One run of one visitor: a task consumes the engine's stream, and the page polls its state. No Gradio.

This frees the engine at once: when the visitor stops the run, reloads or closes the page, the page's generator ends and
cancels the task, and with it the engine's request.

The answer track is computed after the trace, in the same task: probes never delay the trace that they probe, and the
receipt does not wait for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from app.runs import answer_track, questions, render
from app.runs.poll_rate import POLL_RATE
from app.runs.request import DRAWING, RunRequest
from app.runs.runner import Outcome, drive
from app.runs.samples import LiveSamples
from app.runs.verdicts import run_verdict
from app.shell.responses import View
from s1core import S1Error
from s1core.engines.base import Engine
from s1core.probe import aprobes
from s1core.types import Trace

STOP_GRACE_S = 1.0
"""Seconds for an engine to produce its next token after Stop; after that the run is cancelled without a receipt."""

TRACKS_AT_ONCE = 2
"""Answer tracks computed at once on one engine; more would slow the traces of other visitors."""

SameAnswer = Callable[[str, str], bool]
_log = logging.getLogger(__name__)


_gates: WeakKeyDictionary[Engine, asyncio.Semaphore] = WeakKeyDictionary()


def track_gate(engine: Engine) -> asyncio.Semaphore:
    """Return the semaphore of this engine's answer tracks."""
    return _gates.setdefault(engine, asyncio.Semaphore(TRACKS_AT_ONCE))


class ThinkRun:
    """A run and what the page shows of it."""

    def __init__(
        self,
        asked: RunRequest,
        *,
        expected: str | None = None,
        same: SameAnswer = str.__eq__,
        live: LiveSamples | None = None,
    ) -> None:
        """Prepare a run; `live` folds its events, for callers that need another way of folding."""
        self._asked = asked
        self._expected = expected
        self._same = same
        self._live = live or LiveSamples(asked)
        self._outcome: Outcome | None = None
        self._track: answer_track.LiveTrack | None = None
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._stopped_s = math.inf
        self._superseded = False
        self._error: str | None = None
        self._frame = _frame(asked.question, asked)

    def stop(self) -> None:
        """Ask the run to end at its next token, with a receipt."""
        self._stopped_s = min(self._stopped_s, time.monotonic())
        self._stop.set()

    def supersede(self) -> None:
        """Cancel the run silently: a new one has replaced it."""
        self._superseded = True
        self._stop.set()

    async def views(self, load: Callable[[], AsyncIterator[str | Engine]]) -> AsyncGenerator[View, None]:
        """Yield what the page shows, at most 20 times a second, until the run has ended.

        Args:
            load: yields sentences that say what is being waited for, and last the engine.
        """
        engine: Engine | None = None
        try:
            async for step in load():
                if not isinstance(step, str):
                    engine = step
                    break
                yield self.view("loading", note=step)
                if self._stop.is_set():
                    if not self._superseded:
                        yield self.view("cancelled", note="Stopped before the model was loaded.")
                    return
        except S1Error as error:
            yield self.view("error", note=str(error))
            return
        assert engine is not None
        async with self.under_way(engine) as task:
            with POLL_RATE.open_page():
                while not self.over:
                    yield self.now()
                    await POLL_RATE.next_update({task})
            if not self._superseded:
                yield self.now()

    @contextlib.asynccontextmanager
    async def under_way(self, engine: Engine) -> AsyncGenerator[asyncio.Task[None], None]:
        """Run on `engine` while the block runs; leaving it frees the engine."""
        self._task = asyncio.create_task(self._produce(engine))
        try:
            yield self._task
        finally:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @property
    def over(self) -> bool:
        """The run has ended, or was stopped and has had the time to."""
        if self._task is None:
            return False
        late = time.monotonic() - self._stopped_s >= self._grace_s()
        return self._task.done() or self._superseded or late

    def now(self) -> View:
        """Return the JSON for the page as things stand."""
        if self.over:
            return self._last_view()
        return self.view("probing" if self._outcome else "running", note="Stopping…" if self._stop.is_set() else "")

    def _grace_s(self) -> float:
        """Only a single run that is still going on can end by itself, with a receipt."""
        return STOP_GRACE_S if self._outcome is None and self._asked.method not in DRAWING else 0.0

    async def _produce(self, engine: Engine) -> None:
        try:
            self._outcome = await drive(engine, self._asked, self._live, self._stop)
        except S1Error as error:
            self._error = str(error)
        except Exception as error:
            _log.exception("the engine failed in the middle of a run")
            self._error = (
                f"The engine stopped in the middle of the run ({type(error).__name__}); the text so far is kept. "
                "Press Run to try again."
            )
        else:
            trace = self._outcome.trace
            if self._asked.track and trace is not None and not self._outcome.cancelled:
                await self._fill_track(engine, trace)

    async def _fill_track(self, engine: Engine, trace: Trace) -> None:
        asked = self._asked
        live = answer_track.LiveTrack(
            trace,
            is_right=self._is_right if self._expected is not None else None,
            tells_probability=engine.capabilities.logprobs != "unsupported",
        )
        self._track = live
        width = answer_track.at_once(trace.receipt.thinking_tokens)
        probes = aprobes(engine, asked.prompt, trace, live.every, asked.budget, asked.sampling, at_once=width)
        try:
            async with track_gate(engine), aclosing(probes) as points:
                async for point in points:
                    live.take(point)
        except S1Error as error:
            live.broke_off(f"The answer track broke off: {error}.")
        except Exception as error:
            _log.exception("the engine failed in the middle of an answer track")
            live.broke_off(f"The engine failed in the middle of the answer track ({type(error).__name__}).")

    def _last_view(self) -> View:
        if self._error is not None:
            return self.view("error", note=self._error)
        if self._outcome is None:
            several = self._asked.method in DRAWING
            why = "before all samples were there" if several else "while the engine was busy"
            return self.view("cancelled", note=f"Stopped {why}; there is no receipt.")
        if self._track and self._stop.is_set() and not self._track.whole:
            self._track.broke_off("Stopped.")
        return self.view("cancelled" if self._outcome.cancelled else "done")

    def view(self, state: render.State, *, note: str = "") -> View:
        """Return the JSON for the page."""
        outcome = self._outcome
        return self._frame | {
            "state": state,
            "note": render.plain(note),
            "verdict": self._verdict(),
            "text": self._live.text,
            "meter": self._live.meter(),
            "answer": answer_card(self._asked, outcome, self._live, self._expected, self._same),
            "receipt": outcome.rows if outcome else [],
            "track": self._track.view() if self._track else answer_track.no_track(self._why_no_track()),
        }

    def _verdict(self) -> str:
        outcome = self._outcome
        if outcome is None:
            return ""
        return run_verdict(
            self._asked,
            outcome,
            expected=self._expected,
            correct=judged(outcome, self._expected, self._same),
            room=self._live.current.limit_tokens,
            waits=self._track.effects if self._track else (),
        )

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None before, and of a run that broke off."""
        return self._outcome

    def _why_no_track(self) -> str:
        if not self._asked.track:
            return "Switched off under More settings."
        if self._asked.method in DRAWING:
            return "The answer track follows a single run; this method has several."
        if self._error is not None or self._stop.is_set():
            return "The run did not end by itself, so nothing was asked along the way."
        return ""

    def _is_right(self, answer: str | None) -> bool:
        return _agrees(answer, self._expected, self._same)


def answer_card(
    asked: RunRequest, outcome: Outcome | None, live: LiveSamples, expected: str | None, same: SameAnswer
) -> View:
    """Return the answer card of a run: what it has said so far, or its outcome and whether that is right."""
    return render.answer(
        outcome.answer if outcome else live.answer_so_far,
        over=outcome is not None,
        expected=expected,
        correct=judged(outcome, expected, same),
        note=outcome.note if outcome else "",
        caution=questions.hint(asked.question, asked.model),
    )


def judged(outcome: Outcome | None, expected: str | None, same: SameAnswer) -> bool | None:
    """Whether the answer is right; None while there is none to judge, and where nobody knows the right one."""
    if outcome is None or not outcome.complete or expected is None:
        return None
    return _agrees(outcome.answer, expected, same)


def _agrees(answer: str | None, expected: str | None, same: SameAnswer) -> bool:
    return answer is not None and expected is not None and same(answer, expected)


def refusal(reason: str, *, question: str) -> View:
    """Return what the page shows of a run that could not begin."""
    return _frame(question, None) | {
        "state": "error",
        "note": render.plain(reason),
        "verdict": "",
        "text": "",
        "meter": render.meter(render.LiveTrace(), waits=0),
        "answer": render.answer("", over=False, expected=None, correct=None),
        "receipt": [],
        "track": answer_track.no_track(""),
    }


def _frame(question: str, asked: RunRequest | None) -> View:
    """Return what does not change while a run goes on."""
    addition = asked.prompt.removeprefix(asked.question).strip() if asked else ""
    return {
        "run": secrets.token_hex(6),
        "question": render.plain(question),
        "addition": addition,
    }


class Stoppable(Protocol):
    """Something that a visitor may stop."""

    def stop(self) -> None:
        """Ask it to end."""
        ...


Live = TypeVar("Live", bound=Stoppable)


class LiveRuns(Generic[Live]):
    """Running runs by page, so that Stop ends the run of its own page only."""

    def __init__(self) -> None:
        self._runs: dict[str, set[Live]] = {}

    @contextlib.contextmanager
    def registered(self, page: str, run: Live) -> Iterator[Live]:
        """Keep `run` findable while the block runs."""
        self._runs.setdefault(page, set()).add(run)
        try:
            yield run
        finally:
            self._runs[page].discard(run)
            if not self._runs[page]:
                del self._runs[page]

    def of(self, page: str) -> tuple[Live, ...]:
        """Return what this page is running."""
        return tuple(self._runs.get(page, ()))

    def stop(self, page: str) -> None:
        """Stop what this page is running; nothing happens if it runs nothing."""
        for run in self.of(page):
            run.stop()

    def __len__(self) -> int:
        return sum(len(runs) for runs in self._runs.values())
