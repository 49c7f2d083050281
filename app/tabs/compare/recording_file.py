"""A race as a file: the JSON lines of `s1core.recording`.

What a file holds is checked value by value before anything is made of it; a damaged or foreign one is one sentence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.runs.recording import RecordedLane, RecordedRace, TimedEvent
from app.runs.request import RunRequest
from app.tabs.compare.request import MOST_LANES
from s1core import S1Error
from s1core.commands import Steered
from s1core.recording import FORMAT, VERSION, lines_of
from s1core.types import Cut, Event, Finished, Prefilled, Started, Tokens

MOST_MB = 32
MOST_EVENTS = 400_000
BUNDLED = Path(__file__).parents[2] / "recordings"
_NAME = re.compile(r"[a-z0-9-]{1,60}")
_KINDS: Mapping[str, type[Event]] = {
    "started": Started,
    "prefilled": Prefilled,
    "tokens": Tokens,
    "steered": Steered,
    "cut": Cut,
    "finished": Finished,
}


class BadRecording(S1Error, ValueError):
    """The file cannot be played; the message says why and what to do."""


def write(race: RecordedRace) -> Iterator[str]:
    """Yield the lines of a race's file."""
    lanes = [{"asked": asdict(lane.asked), "note": lane.note} for lane in race.lanes]
    happened = [(n, each.number, each.at_s, each.event) for n, lane in enumerate(race.lanes) for each in lane.happened]
    happened.sort(key=lambda each: each[2])
    return lines_of(race.question, lanes, happened, expected=race.expected, title=race.title)


def read(lines: Iterable[str]) -> RecordedRace:
    """Read what `write` wrote.

    Raises:
        BadRecording: the file is damaged, or is something else.
    """
    found = iter(lines)
    head = _head(next(found, ""))
    happened: list[list[TimedEvent]] = [[] for _ in head["lanes"]]
    announced = None
    count = 0
    for number, line in enumerate(found, start=2):
        if announced is not None or count > MOST_EVENTS:
            raise BadRecording(f"The recording goes on in line {number}, where it should have ended; record it again.")
        row = _json(line, number)
        if isinstance(row, dict):
            announced = row.get("events")
            continue
        lane, each = _happened(row, number, lanes=len(happened))
        happened[lane].append(each)
        count += 1
    if announced != count:
        raise BadRecording("The recording breaks off: its end is missing. Save it once more where it was made.")
    try:
        lanes = tuple(
            RecordedLane(
                asked=_adapter(RunRequest).validate_python(lane["asked"]), happened=tuple(events), note=lane["note"]
            )
            for lane, events in zip(head["lanes"], happened, strict=True)
        )
    except (ValidationError, S1Error, KeyError, TypeError):
        raise BadRecording("The recording's first line is damaged: its settings cannot be read.") from None
    return RecordedRace(question=head["question"], expected=head["expected"], title=head["title"], lanes=lanes)


def bundled() -> dict[str, str]:
    """Return the titles of the recordings that come with the app, by name."""
    return {path.stem: _title(path) for path in sorted(BUNDLED.glob("*.jsonl"))}


def read_bundled(name: str) -> RecordedRace:
    """Read one of the recordings that come with the app.

    Raises:
        BadRecording: there is none of that name.
    """
    if not _NAME.fullmatch(name) or name not in bundled():
        raise BadRecording("There is no such recording here; choose one from the list.")
    with (BUNDLED / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return read(lines)


def _title(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        return _head(next(lines, ""))["title"]


def _head(line: str) -> dict[str, Any]:
    foreign = BadRecording("This is not a recording of a race; open a .jsonl file that was saved with Save recording.")
    try:
        head = json.loads(line)
    except (ValueError, RecursionError):
        raise foreign from None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise foreign
    if head.get("version") != VERSION:
        raise BadRecording("The recording was made by another version of this app; open it there, or record it again.")
    texts = [head.get("title"), head.get("question"), head.get("expected") or ""]
    lanes = head.get("lanes")
    if not all(isinstance(text, str) for text in texts) or not isinstance(lanes, list):
        raise BadRecording("The recording's first line is damaged: its settings cannot be read.")
    if not 1 <= len(lanes) <= MOST_LANES or not all(isinstance(lane, dict) for lane in lanes):
        raise BadRecording(f"The recording's first line is damaged: a race has 1 to {MOST_LANES} lanes.")
    return head


def _happened(row: Any, number: int, *, lanes: int) -> tuple[int, TimedEvent]:
    damaged = BadRecording(f"The recording is damaged in line {number}; save it once more where it was made.")
    try:
        lane, run, at_s, kind, fields = row
        in_range = type(lane) is int and 0 <= lane < lanes and type(run) is int and 0 <= run < 64
        if not in_range or type(at_s) not in (int, float) or not 0 <= at_s < 1e6:
            raise damaged
        return lane, TimedEvent(float(at_s), run, _adapter(_KINDS[kind]).validate_python(fields))
    except (ValidationError, S1Error, KeyError, TypeError, ValueError):
        raise damaged from None


def _json(line: str, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise BadRecording(f"The recording is damaged in line {number}; save it once more where it was made.") from None


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
