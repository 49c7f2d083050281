"""Recorded runs, in the file in which a race is saved: JSON lines, one event each with its lane and time.

First what was asked, then what happened, last how many events there were.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from s1core.budget import Budget
from s1core.commands import Steered, read_steered
from s1core.errors import ModelUnavailable
from s1core.store import write_atomically
from s1core.types import PUT_IN, Event, Sampling

FORMAT, VERSION = "s1-race", 1
MOST_BYTES = 64 * 2**20
_REMEDY = "save one with --save, or with Save recording in the app"

Happening = tuple[int, int, float, Event]
"""Lane, run within the lane, seconds since the beginning, and what happened."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Tokens that were written at one moment."""

    token_ids: tuple[int, ...]
    author: str
    """`model`, `wait`, `you` for a Wait where the model had not tried to end, or `close:` with its reason."""
    at_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedRun:
    """All that was written after the prompt of one run, in order."""

    question: str
    parts: tuple[Part, ...]
    complete: bool
    """The model ended its answer itself."""
    budget: Mapping[str, Any]
    """Fields of the `Budget` that was asked for."""
    steered: tuple[Steered, ...] = ()
    """What a person asked while it went on."""

    def was_asked(self, question: str, budget: Budget) -> bool:
        """Whether it is a run of this question under this budget."""
        return self.question == question and asdict(budget) | dict(self.budget) == asdict(budget)


class Recorder:
    """Keeps the events of one run with their times."""

    def __init__(self, question: str, model: str, budget: Budget, sampling: Sampling) -> None:
        self._question = question
        # What the app asks a lane for; beside these there are its methods, of which a run alone has none.
        self._asked: dict[str, Any] = {
            "question": question,
            "model": model,
            "budget": asdict(budget),
            "sampling": asdict(sampling),
            "method": "forcing",
            "control": None,
            "count": 1,
            "track": False,
        }
        self._happened: list[Happening] = []

    def watch(self, events: Generator[Event, None, None]) -> Generator[Event, None, None]:
        """Yield the events of the run as they come."""
        began = time.monotonic()
        with closing(events):
            for event in events:
                self._happened.append((0, 0, round(time.monotonic() - began, 4), event))
                yield event

    def save(self, path: Path, *, expected: str | None = None) -> None:
        """Write what happened so far, if anything did.

        Raises:
            OSError: the file cannot be written; one that was there is still whole.
        """
        if self._happened:
            lanes = [{"asked": self._asked, "note": ""}]
            text = lines_of(self._question, lanes, self._happened, expected=expected)
            write_atomically(path, "".join(text))


def lines_of(
    question: str,
    lanes: Sequence[Mapping[str, Any]],
    happened: Iterable[Happening],
    *,
    expected: str | None = None,
    title: str = "",
) -> Iterator[str]:
    """Yield the lines of a recording.

    Args:
        question: what all lanes were asked.
        lanes: `asked` and `note` of each.
        happened: in the order of time.
        expected: the right answer, where it is known.
        title: what a list of recordings calls it.
    """
    head = {"format": FORMAT, "version": VERSION, "title": title, "question": question, "expected": expected}
    yield _line(head | {"lanes": list(lanes)})
    count = 0
    for lane, run, at_s, event in happened:
        yield _line([lane, run, at_s, type(event).__name__.lower(), asdict(event)])
        count += 1
    yield _line({"events": count})


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
        runs = [_run(lanes[lane], recorded) for lane, recorded in events if lanes[lane]["model"] == model]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError):
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
    return [lane["asked"] for lane in head["lanes"]], [(lane, recorded) for (lane, _), recorded in runs.items()]


def _run(asked: dict[str, Any], recorded: list[tuple[str, dict[str, Any]]]) -> RecordedRun | None:
    if asked["control"] is not None or any(kind == "cut" for kind, _ in recorded):
        return None
    last_kind, last = recorded[-1]
    return RecordedRun(
        question=str(asked["question"]),
        parts=tuple(_part(fields) for kind, fields in recorded if kind == "tokens"),
        complete=last_kind == "finished" and last["receipt"]["answer_complete"] is True,
        budget=dict(asked["budget"]),
        steered=read_steered(fields for kind, fields in recorded if kind == "steered"),
    )


def _part(fields: dict[str, Any]) -> Part:
    source, ids = str(fields["source"]), tuple(int(i) for i in fields["token_ids"])
    at_s = float(fields["at_s"])
    if any(i < 0 for i in ids) or not math.isfinite(at_s):
        raise ValueError("no id is below 0, and no moment is infinitely far")
    author = f"close:{fields['note']}" if source == "close" else source
    if source == "you" and not str(fields["note"]).endswith(PUT_IN):
        author = "wait"
    return Part(token_ids=ids, author=author, at_s=at_s)


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
