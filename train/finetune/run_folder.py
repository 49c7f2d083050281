"""The folder of a run: `status.json`, `metrics.jsonl`, `config.json`, `checkpoints/`, `final/` and the STOP file."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

from s1core.errors import S1Error
from s1core.store import read_object, write_atomically

State = Literal["running", "done", "stopped", "failed"]
FULL = (errno.ENOSPC, errno.EDQUOT)
NOTE = "state.json"
"""In a checkpoint; written last."""


class TrainingFailed(S1Error, RuntimeError):
    """A run ended without its result; the message says at which step, what is kept and what to do."""


class RunFolder:
    """What rank 0 writes and a watcher reads. Where the disk refuses, a method raises `TrainingFailed`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.checkpoints = folder / "checkpoints"
        self.final = folder / "final"
        self.stop_file = folder / "STOP"
        self._metrics: TextIO | None = None
        self._begun = time.time()

    def begin(self) -> None:
        """Make the folder, without an old request to stop."""
        with saying_why(self.path):
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self.stop_file.unlink(missing_ok=True)

    def set_status(self, state: State, step: int, total: int, reason: str = "") -> None:
        """Say how the run is; written whole."""
        status = {"pid": os.getpid(), "state": state, "reason": reason, "step": step, "total": total}
        status |= {"started": self._begun, "time": time.time()}
        self.write_json("status.json", status)

    def begin_metrics(self, step: int) -> list[dict[str, Any]]:
        """Open the log for rows after `step`; later ones, of a run that was killed, are dropped. Returns those kept."""
        kept = [row for row in read_metrics(self.path) if row["step"] <= step]
        with saying_why(self.path):
            write_atomically(self.path / "metrics.jsonl", "".join(json.dumps(row) + "\n" for row in kept))
            self._metrics = (self.path / "metrics.jsonl").open("a", encoding="utf-8")
        return kept

    def log(self, **row: Any) -> None:
        """Append one line."""
        assert self._metrics is not None
        with saying_why(self.path):
            self._metrics.write(json.dumps(row) + "\n")
            self._metrics.flush()

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a document beside the metrics."""
        with saying_why(self.path):
            write_atomically(self.path / name, json.dumps(content, indent=1) + "\n")

    def read_json(self, name: str) -> dict[str, Any]:
        """Read one; empty when it is missing or torn."""
        return read_object(self.path / name)


@contextlib.contextmanager
def saying_why(path: Path) -> Generator[None, None, None]:
    """Turn a disk's refusal into one sentence.

    Raises:
        TrainingFailed: nothing can be written there.
    """
    try:
        yield
    except OSError as error:
        why = "the disk is full; free space" if error.errno in FULL else f"{error.strerror or error}; mend that"
        raise TrainingFailed(f"{path} cannot be written: {why}, and start the same command with --resume") from error


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log, a torn last one left out."""
    rows: list[dict[str, Any]] = []
    try:
        lines = (folder / "metrics.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return rows
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append(row)
    return rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A whole checkpoint on disk."""

    path: Path
    step: int
    note: dict[str, Any]
    """What was said when it was saved: the settings and the data that decide the outcome."""


def checkpoints(folder: Path) -> list[Checkpoint]:
    """The whole checkpoints of a run, oldest first."""
    found: list[Checkpoint] = []
    for path in folder.glob("step-*"):
        try:
            note = json.loads((path / NOTE).read_text(encoding="utf-8"))
            found.append(Checkpoint(path=path, step=int(note["step"]), note=note))
        except (OSError, ValueError, KeyError):
            continue
    return sorted(found, key=lambda c: c.step)
