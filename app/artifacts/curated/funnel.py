"""The funnel of a curation, folded from the events in its `progress.jsonl` while they are written."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from app.artifacts.schemas import EVENT, fits
from app.shell.responses import View

Event = Mapping[str, Any]
STAGES = ("collect", "duplicates", "decontaminate", "trace", "quality", "difficulty", "domain", "select", "render")
"""In order, as docs/curation.md has them."""
WINDOW_S = 15.0
"""Of a running stage the rate is measured over this long."""
_LEAST_S = 0.1
"""A stage that took less has no rate worth telling."""
_UNFINISHED = {"finished": "finished", "partial": "partial", "declined": "asks"}


@dataclass(kw_only=True)
class Stage:
    """One step, as far as it is known."""

    state: str = "waiting"
    rows_in: int = 0
    done: int = 0
    out: int | None = None
    rejected: dict[str, int] = field(default_factory=dict[str, int])
    seconds: float = 0.0
    known: bool = False
    detail: str = ""
    notes: list[str] = field(default_factory=list[str])
    """What people should look at."""
    first: tuple[float, int] | None = None
    """Seconds and rows of the first news: what was known before this start is not counted as speed."""
    recent: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])

    def take(self, event: Event) -> None:
        """Take one event of this stage."""
        self.state = str(event["state"])
        self.rows_in = int(event.get("in") or 0)
        self.done = int(event.get("done") or 0)
        self.out = event.get("out")
        self.rejected = {str(rule): int(n) for rule, n in (event.get("rejected") or {}).items()}
        self.seconds = float(event.get("seconds") or 0.0)
        self.known = bool(event.get("known"))
        self.detail = str(event.get("detail") or "")
        notes = event.get("notes")
        self.notes = [str(note) for note in cast("list[Any]", notes)] if isinstance(notes, list) else []
        if self.out is not None:
            # What a source holds is only known when it was read.
            self.rows_in = self.done = max(self.rows_in, self.out + sum(self.rejected.values()))
        if self.state == "running":
            self.first = self.first or (self.seconds, self.done)
            self.recent.append((self.seconds, self.done))
            while self.recent[0][0] < self.seconds - WINDOW_S:
                self.recent.popleft()

    @property
    def rate(self) -> float | None:
        """Rows a second; None where there is nothing to measure it by."""
        if self.known:
            return None
        since = (self.recent[0] if self.state == "running" and self.recent else self.first) or (0.0, 0)
        took = self.seconds - since[0]
        if took < _LEAST_S:
            since, took = (0.0, 0), self.seconds
        return (self.done - since[1]) / took if took >= _LEAST_S and self.done > since[1] else None

    def view(self, name: str) -> View:
        """JSON for the page."""
        rate = self.rate
        left = self.rows_in - self.done
        return {
            "stage": name,
            "state": self.state,
            "in": self.rows_in,
            "done": self.done,
            "out": self.out,
            "rejected": self.rejected,
            "seconds": self.seconds,
            "known": self.known,
            "rate": None if rate is None else round(rate, 1),
            "left_s": round(left / rate) if rate and self.state == "running" and left > 0 else None,
            "detail": self.detail,
            "notes": self.notes,
        }


@dataclass(kw_only=True)
class Funnel:
    """All stages of the last start of a run, and how the run itself stands."""

    stages: dict[str, Stage] = field(default_factory=dict[str, Stage])
    state: str = "none"
    detail: str = ""
    pid: int | None = None
    at: float = 0.0

    def take(self, event: Event) -> None:
        """Take one event, in the order of the file."""
        self.at = float(event.get("at") or 0.0)
        name = event.get("stage")
        if name is None:
            self._take_run(event)
        elif name in STAGES:
            if event["state"] == "started":
                self.stages[name] = Stage()
            self.stages.setdefault(str(name), Stage()).take(event)

    def _take_run(self, event: Event) -> None:
        self.detail = str(event.get("detail") or "")
        self.state = {"started": "running", "failed": "failed"}.get(event["state"], "stopped")
        if event["state"] in ("finished", "stopped"):
            self.state = _UNFINISHED.get(self.detail, "stopped")
        if event["state"] == "started":
            # Every start fills the funnel anew; what is known goes through at once.
            self.stages.clear()
            self.pid = event.get("pid")

    def view(self, *, alive: bool) -> View:
        """JSON for the page.

        Args:
            alive: whether the process that writes the events is there.
        """
        state = "interrupted" if self.state == "running" and not alive else self.state
        over = state in ("finished", "partial")
        shown = [name for name in STAGES if name in self.stages or not over]
        # A stage that was passed over has none of its own events before one that came later.
        last = max((STAGES.index(name) for name in self.stages), default=-1)
        shown = [name for name in shown if name in self.stages or STAGES.index(name) > last]
        stages = [self.stages.get(name, Stage()).view(name) for name in shown]
        if state != "running":
            for stage in stages:
                stage["state"] = {"running": "halted", "started": "halted"}.get(stage["state"], stage["state"])
                stage["left_s"] = None
        took = sum(stage.seconds for stage in self.stages.values())
        return {"state": state, "detail": self.detail, "stages": stages, "at": self.at, "seconds": round(took, 1)}


class FunnelFile:
    """Follows a `progress.jsonl` that grows: only what is new is read. Safe from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._offset = 0
        self._inode = 0
        self._funnel = Funnel()

    def read(self) -> Funnel:
        """The funnel as it stands."""
        with self._lock:
            try:
                with self._path.open("rb") as file:
                    self._continue(file)
            except FileNotFoundError:
                self._funnel = Funnel()
            return self._funnel

    def _continue(self, file: Any) -> None:
        inode, size = self._path.stat().st_ino, self._path.stat().st_size
        if inode != self._inode or size < self._offset:
            self._offset, self._inode, self._funnel = 0, inode, Funnel()
        file.seek(self._offset)
        for line in file:
            if not line.endswith(b"\n"):
                break
            self._offset += len(line)
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue  # a line that a kill has torn
            if fits(event, EVENT):
                self._funnel.take(event)


def seconds_since(funnel: Funnel) -> float:
    """How long nothing was heard of a run."""
    return time.time() - funnel.at
