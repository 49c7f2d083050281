"""Several lanes for one visitor: all start together, one generator feeds them all. No Gradio."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any

from app.runs import render
from app.runs.poll_rate import POLL_RATE
from app.runs.recording import RecordedLane, RecordedRace, RecordedSamples, TimedEvent
from app.runs.session import SameAnswer, ThinkRun, judged
from app.shell.responses import View
from app.tabs.compare.request import Comparison, setting
from app.tabs.compare.verdict import LaneEnd, race_verdict
from s1core import S1Error
from s1core.engines.base import Engine
from s1core.types import Prefilled

LANE_PARTS = ("state", "note", "text", "meter", "answer", "receipt")
"""What a lane shows of a run."""
Load = Callable[[str], AsyncIterator[str | Engine]]


class Race:
    """A comparison under way and what the page shows of it."""

    def __init__(
        self, comparison: Comparison, same: SameAnswer, keep: Callable[[RecordedRace], str] | None = None
    ) -> None:
        """Begin nothing yet; `keep` takes the race when it is over and says under which key it is found."""
        self.comparison = comparison
        self._same = same
        self._keep = keep
        self._name = secrets.token_hex(6)
        self._began_s: float | None = None
        self.lanes = [RecordedSamples(asked, self._now_s) for asked in comparison.lanes]
        self._runs = [
            ThinkRun(asked, expected=comparison.expected, same=same, live=live)
            for asked, live in zip(comparison.lanes, self.lanes, strict=True)
        ]
        self._stopped = self._superseded = False

    def stop(self) -> None:
        """Ask all lanes to end."""
        self._stopped = True
        for run in self._runs:
            run.stop()

    def supersede(self) -> None:
        """End all lanes without another word to the page: a new race has taken their place."""
        self._superseded = True
        self.stop()
        for run in self._runs:
            run.supersede()

    async def views(self, load: Load) -> AsyncGenerator[View, None]:
        """Yield what the page shows, at most 20 times a second, until every lane has ended.

        Args:
            load: given a model, yields sentences that say what is being waited for, and last the engine.
        """
        engines: dict[str, Engine] = {}
        try:
            for model in dict.fromkeys(lane.model for lane in self.comparison.lanes):
                async for step in load(model):
                    if not isinstance(step, str):
                        engines[model] = step
                        break
                    yield self.view("loading", note=step)
                    if self._stopped:
                        if not self._superseded:
                            yield self.view("cancelled", note="Stopped before the models were loaded.")
                        return
        except S1Error as error:
            yield self.view("error", note=str(error))
            return
        async with aclosing(self._run([engines[lane.model] for lane in self.comparison.lanes])) as views:
            async for view in views:
                yield view

    async def _run(self, engines: list[Engine]) -> AsyncGenerator[View, None]:
        async with AsyncExitStack() as stack:
            self._began_s = time.monotonic()
            tasks = [
                await stack.enter_async_context(run.under_way(engine))
                for run, engine in zip(self._runs, engines, strict=True)
            ]
            with POLL_RATE.open_page():
                while not all(run.over for run in self._runs):
                    yield self.view("running")
                    await POLL_RATE.next_update(tasks)
            if not self._superseded:
                yield self.view("cancelled" if self._stopped else "done") | {"key": self._kept()}

    def view(self, state: render.State, *, note: str = "") -> View:
        """Return the JSON for the page."""
        over = state in ("done", "cancelled")
        return {
            "race": self._name,
            "state": state,
            "note": render.plain(note),
            "question": render.plain(self.comparison.question),
            "expected": render.plain(self.comparison.expected or ""),
            "verdict": self._verdict() if over else "",
            "saved": savings([live.happened for live in self.lanes]) if over else "",
            "lanes": [self._lane(number, state) for number in range(len(self._runs))],
        }

    def _verdict(self) -> str:
        expected = self.comparison.expected
        outcomes = [run.outcome for run in self._runs]
        ends = [
            LaneEnd(asked=asked, outcome=outcome, correct=judged(outcome, expected, self._same))
            for asked, outcome in zip(self.comparison.lanes, outcomes, strict=True)
        ]
        return race_verdict(ends, expected)

    def _kept(self) -> str:
        return self._keep(self.recorded()) if self._keep else ""

    def recorded(self) -> RecordedRace:
        """Return what happened so far, for a tape or a file."""
        lanes = zip(self.comparison.lanes, self.lanes, self._runs, strict=True)
        return RecordedRace(
            question=self.comparison.question,
            expected=self.comparison.expected,
            lanes=tuple(
                RecordedLane(asked=asked, happened=tuple(live.happened), note=run.now()["note"])
                for asked, live, run in lanes
            ),
        )

    def _lane(self, number: int, state: render.State) -> View:
        run, live = self._runs[number], self.lanes[number]
        shown = run.view(state) if self._began_s is None else run.now()
        ended = self._began_s is None or run.over
        last_s = live.happened[-1].at_s if live.happened else 0.0
        return {
            "setting": setting(self.comparison.lanes[number]),
            "clock": round(last_s if ended else self._now_s(), 3),
            **{part: shown[part] for part in LANE_PARTS},
        }

    def _now_s(self) -> float:
        return 0.0 if self._began_s is None else time.monotonic() - self._began_s


def savings(lanes: Sequence[Sequence[TimedEvent]]) -> str:
    """Say what the lanes saved by sharing; empty while no prompt is through a model."""
    shared = prompts = reused = computed = 0
    for happened in lanes:
        seen: set[int] = set()
        for each in happened:
            if isinstance(each.event, Prefilled):
                reused += each.event.reused
                computed += each.event.computed
                if each.number not in seen:
                    shared += each.event.reused
                    prompts += each.event.reused + each.event.computed
                seen.add(each.number)
    if not prompts:
        return ""
    return (
        f"Shared: {shared:,} of {prompts:,} tokens of the lanes' prompts were computed once and reused; "
        f"with Waits and answers {reused:,} of {reused + computed:,}."
    )


def refusal(reason: str, asked: Any) -> View:
    """Return what the page shows of a race that could not begin."""
    question = asked.get("question") if isinstance(asked, dict) else ""
    return {
        "race": secrets.token_hex(6),
        "state": "error",
        "note": render.plain(reason),
        "question": render.plain(str(question or "")),
        "expected": "",
        "verdict": "",
        "saved": "",
        "lanes": [],
    }
