"""Recorded runs, read from the file in which a race is saved: JSON lines, one event each with its lane and time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s1core.errors import ModelUnavailable

FORMAT = "s1-race"
MOST_BYTES = 64 * 2**20
_REMEDY = "save one with Save recording on the Compare tab"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Tokens that were written at one moment."""

    token_ids: tuple[int, ...]
    author: str
    """`model`, `wait`, or `close:` with its reason."""
    at_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedRun:
    """All that was written after the prompt of one run, in order."""

    question: str
    parts: tuple[Part, ...]
    complete: bool
    """The model ended its answer itself."""


def read_runs(path: Path, model: str) -> list[RecordedRun]:
    """Read the runs of one model.

    Runs whose prompt asked for something beside the question, and those that were cut after the fact, are left out.

    Args:
        path: of the file.
        model: its name when it was recorded.

    Raises:
        ModelUnavailable: there are none, and why.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ModelUnavailable(f"{path} has more than {MOST_BYTES / 2**20:.0f} MB; record shorter runs")
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise ModelUnavailable(f"there is no recording {path}; {_REMEDY}") from None
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{path} cannot be read ({type(error).__name__}); {_REMEDY}") from None
    try:
        lanes, events = _contents([json.loads(line) for line in lines])
        runs = [_run(lanes[lane], told) for lane, told in events if lanes[lane]["model"] == model]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise ModelUnavailable(f"{path} is no whole recording; {_REMEDY}") from None
    found = [run for run in runs if run is not None]
    if not found:
        models = ", ".join(sorted({str(lane["model"]) for lane in lanes}))
        raise ModelUnavailable(f"{path} holds no run of {model} that can be played; its models: {models}")
    return found


def _contents(rows: list[Any]) -> tuple[list[dict[str, Any]], list[tuple[int, list[tuple[str, dict[str, Any]]]]]]:
    """Return what was asked of every lane, and every run's events with its lane."""
    head, events, end = rows[0], rows[1:-1], rows[-1]
    if head["format"] != FORMAT or end["events"] != len(events):
        raise ValueError
    runs: dict[tuple[int, int], list[tuple[str, dict[str, Any]]]] = {}
    for lane, number, _, kind, fields in events:
        runs.setdefault((lane, number), []).append((kind, fields))
    return [lane["asked"] for lane in head["lanes"]], [(lane, told) for (lane, _), told in runs.items()]


def _run(asked: dict[str, Any], told: list[tuple[str, dict[str, Any]]]) -> RecordedRun | None:
    if asked["control"] is not None or any(kind == "cut" for kind, _ in told):
        return None
    last_kind, last = told[-1]
    return RecordedRun(
        question=str(asked["question"]),
        parts=tuple(_part(fields) for kind, fields in told if kind == "tokens"),
        complete=last_kind == "finished" and last["receipt"]["answer_complete"] is True,
    )


def _part(fields: dict[str, Any]) -> Part:
    source, ids = str(fields["source"]), tuple(int(i) for i in fields["token_ids"])
    if any(i < 0 for i in ids):
        raise ValueError("no id is below 0")
    author = f"close:{fields['note']}" if source == "close" else source
    return Part(token_ids=ids, author=author, at_s=float(fields["at_s"]))
