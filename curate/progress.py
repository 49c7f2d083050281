"""The funnel on disk, while it fills: `progress.jsonl` of the run folder, one event a line, for whoever watches.

Events: `{"at", "stage", "state", "in", "done", "out", "rejected": {rule: n}, "seconds", "detail"}` with the states
`started`, `running`, `done`, `failed`; and of the run as a whole (stage null) `started`, `finished`, `stopped`, and
`failed`, with a message; `started` also says which process it is. The last event of a stage counts.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Event = dict[str, Any]
EVERY_S = 0.5
FILE = "progress.jsonl"


class Progress:
    """Appends events, at most two a second while a stage runs."""

    def __init__(self, folder: Path, on_event: Callable[[Event], None] = lambda event: None) -> None:
        self._path = folder / FILE
        self._on_event = on_event
        self._began_s = self._told_s = 0.0
        self._stage = ""
        self._rows_in = 0

    def run(self, state: str, detail: str = "") -> None:
        """Tell about the run as a whole."""
        process = {"pid": os.getpid()} if state == "started" else {}
        self._write({"stage": None, "state": state, "detail": detail, **process})

    def begin(self, stage: str, rows_in: int) -> None:
        """Tell that a stage begins."""
        self._stage, self._rows_in = stage, rows_in
        self._began_s = self._told_s = time.monotonic()
        self._write(self._event("started", 0, {}))

    def report(self, done: int, rejected: Mapping[str, int]) -> None:
        """Tell how far the stage is; most calls are dropped."""
        now_s = time.monotonic()
        if now_s - self._told_s >= EVERY_S:
            self._told_s = now_s
            self._write(self._event("running", done, rejected))

    def end(
        self,
        rows_out: int,
        rejected: Mapping[str, int],
        *,
        rows_in: int | None = None,
        fingerprint: str = "",
        known: bool = False,
        notes: Sequence[str] = (),
    ) -> None:
        """Tell what a stage left; `rows_in` where it was not known at the beginning."""
        self._rows_in = self._rows_in if rows_in is None else rows_in
        event = self._event("done", self._rows_in, rejected)
        more = {"notes": list(notes)} if notes else {}
        self._write(event | {"out": rows_out, "fingerprint": fingerprint, "known": known} | more)

    def fail(self, detail: str) -> None:
        """Tell that the stage did not come to its end."""
        self._write({**self._event("failed", 0, {}), "detail": detail})

    def _event(self, state: str, done: int, rejected: Mapping[str, int]) -> Event:
        return {
            "stage": self._stage,
            "state": state,
            "in": self._rows_in,
            "done": done,
            "out": None,
            "rejected": dict(rejected),
            "seconds": round(time.monotonic() - self._began_s, 2),
        }

    def _write(self, event: Event) -> None:
        event = {"at": round(time.time(), 2), **event}
        # Names of files may hold what is no valid text.
        with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(json.dumps(event, ensure_ascii=False) + "\n")
        self._on_event(event)


def read_events(folder: Path) -> list[Event]:
    """All whole events of a run; none if there is no such file."""
    try:
        lines = (folder / FILE).read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    events: list[Event] = []
    for line in lines:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue  # two lines in one, where a kill or a full disk has torn the first
        if isinstance(event, dict):
            events.append(event)
    return events
