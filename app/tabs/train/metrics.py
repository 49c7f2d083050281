"""The curves of a fine-tuning run: `metrics.jsonl`, read as far as it is written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.artifacts.schemas import STEP, fits
from app.shell.responses import View
from evals.json_input import parse_json

MOST_POINTS = 4_000
"""Steps that are sent; of a longer run every second, third, ... is left out."""
CURVES = ("loss", "lr", "grad_norm", "tokens_s")


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The lines of a run's log."""

    file: int
    """The number of the file; a run that goes on from a checkpoint begins another one. 0: there is none yet."""
    rows: list[dict[str, Any]]

    @property
    def seconds(self) -> float:
        """Spent on steps."""
        return sum(row.get("step_s") or 0.0 for row in self.rows)

    @property
    def last(self) -> dict[str, Any]:
        """The newest value of everything that was measured."""
        last: dict[str, Any] = {}
        for row in self.rows[-3:]:
            last |= row
        held = next((row["eval_loss"] for row in reversed(self.rows) if "eval_loss" in row), None)
        return last | {"eval_loss": held}

    def curves(self, after: int = 0, file: int = 0) -> View:
        """What the page has not drawn yet.

        Args:
            after: how many lines it has.
            file: the number of the file that it has them from; of another one it gets all.
        """
        begin = after if file == self.file and after <= len(self.rows) else 0
        rows = self.rows[begin:]
        steps = [row for row in rows if "loss" in row]
        steps = steps[:: max(1, -(-len(steps) // MOST_POINTS))]
        held = [row for row in rows if "eval_loss" in row]
        return {
            "file": self.file,
            "lines": len(self.rows),
            "whole": begin == 0,
            "step": [row["step"] for row in steps],
            **{name: [row.get(name) for row in steps] for name in CURVES},
            "eval_step": [row["step"] for row in held],
            "eval_loss": [row["eval_loss"] for row in held],
        }


def read_metrics(folder: Path) -> Metrics:
    """The log of a run's folder; without lines where there is none."""
    path = folder / "metrics.jsonl"
    try:
        found = path.stat()
    except OSError:
        return Metrics(file=0, rows=[])
    return _read(path, found.st_ino, found.st_size)


@lru_cache(maxsize=64)
def _read(path: Path, file: int, size: int) -> Metrics:
    """The first `size` bytes; a torn last line is left out."""
    rows: list[dict[str, Any]] = []
    try:
        text = path.read_bytes()[:size].decode("utf-8", "replace")
    except OSError:
        text = ""
    for line in text.splitlines():
        try:
            row = parse_json(line)  # of a run that diverged some values are none
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and "step" in row and fits(row, STEP):
            rows.append(row)
    return Metrics(file=file, rows=rows)
