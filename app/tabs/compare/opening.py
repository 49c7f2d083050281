"""The pair that plays when the page opens: one question, stopped at once and made to wait. A bundled recording."""

from __future__ import annotations

from app.runs.recording import RecordedRace
from app.runs.session import SameAnswer
from app.runs.verdicts import more_tokens
from app.shell.responses import View
from app.tabs.compare import recording_file
from app.tabs.compare.tape import lane_ends, tape
from app.tabs.compare.verdict import LaneEnd
from s1core.models import S1_NANO


def opening_name(model: str) -> str:
    """The name of a model's recording."""
    return f"opening-{model.lower()}"


def example_of(model: str) -> str:
    """The name of the recording that the Compare tab opens on; empty where there is none of this model."""
    names = recording_file.bundled()
    return next((name for name in ("race-waits" if model == S1_NANO else "", opening_name(model)) if name in names), "")


def opening(model: str, same: SameAnswer) -> View:
    """Return the tape of the model's pair, or of s1-nano's where it has none, with its sentence.

    Raises:
        BadRecording: the recording is damaged.
    """
    name = opening_name(model)
    known = name if name in recording_file.bundled() else opening_name(S1_NANO)
    race = recording_file.read_bundled(known)
    return tape(race, same) | {"recording": known, "model": race.lanes[0].asked.model, "says": _sentence(race, same)}


def is_lesson(race: RecordedRace, same: SameAnswer) -> bool:
    """Whether the first lane stopped on its own and is wrong, and the second was made to wait and is right."""
    ends = lane_ends(race, same)
    if len(ends) != 2 or any(end.receipt is None for end in ends):
        return False
    return _waits(ends[0]) == 0 < _waits(ends[1]) and ends[0].correct is False and ends[1].correct is True


def _waits(end: LaneEnd) -> int:
    return end.receipt.waits_used if end.receipt else 0


def _sentence(race: RecordedRace, same: SameAnswer) -> str:
    stopped, waited = (end.receipt for end in lane_ends(race, same))
    if stopped is None or waited is None:
        return ""
    return f"One word, {more_tokens(waited.thinking_tokens - stopped.thinking_tokens)}, and the answer changed."
