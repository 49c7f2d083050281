"""A race that is over -> the tape that the page plays: what each lane shows at each moment. Pure.

A tape is made of a lane's events by the fold that draws a live lane, so that a recording shows what was seen. A lane's
`frames` are `[seconds, which text, characters of it, what else has changed]`; of the meter only the numbers that have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from app.runs import render
from app.runs.recording import RecordedLane, RecordedRace, TimedEvent
from app.runs.request import RunRequest
from app.runs.runner import Outcome, rejection_outcome, single_outcome, vote_outcome
from app.runs.samples import LiveSamples
from app.runs.session import SameAnswer, answer_card, judged
from app.shell.responses import View
from app.tabs.compare.lab.positions import utf16
from app.tabs.compare.race import savings
from app.tabs.compare.request import setting
from app.tabs.compare.verdict import LaneEnd, race_verdict
from s1core.methods import Rejection, Vote, majority
from s1core.types import Event, Finished, Trace

BROKEN_OFF = "It ends here: the run was stopped or broke off."


def tape(race: RecordedRace, same: SameAnswer, curves: Sequence[View] = ()) -> View:
    """Return the tape of a race."""
    ends = lane_ends(race, same)
    lanes = [_lane(lane, end, race.expected, same) for lane, end in zip(race.lanes, ends, strict=True)]
    return {
        "title": render.plain(race.title),
        "question": render.plain(race.question),
        "expected": render.plain(race.expected or ""),
        "verdict": race_verdict(ends, race.expected),
        "saved": savings([lane.happened for lane in race.lanes]),
        "curves": list(curves),
        "live": False,
        "end": max(lane["frames"][-1][0] for lane in lanes),
        "lanes": lanes,
    }


def lane_ends(race: RecordedRace, same: SameAnswer) -> list[LaneEnd]:
    """Work out how the lanes of a race ended."""
    outcomes = [outcome_of(lane.asked, lane.happened) for lane in race.lanes]
    return [
        LaneEnd(asked=lane.asked, outcome=outcome, correct=judged(outcome, race.expected, same))
        for lane, outcome in zip(race.lanes, outcomes, strict=True)
    ]


def _lane(lane: RecordedLane, end: LaneEnd, expected: str | None, same: SameAnswer) -> View:
    live, frames = LiveSamples(lane.asked), _Frames()
    frames.add(0.0, live.text, _running(lane.asked, live))
    for each in lane.happened:
        live.take(each.number, each.event)
        frames.add(each.at_s, live.text, _running(lane.asked, live))
    end_s = lane.happened[-1].at_s if lane.happened else 0.0
    frames.add(end_s, live.text, _ended(lane, end.outcome, live, expected, same))
    return {"setting": setting(lane.asked), "texts": frames.texts, "frames": frames.rows}


class _Frames:
    """Keeps of each moment what has changed since the last one."""

    def __init__(self) -> None:
        self.texts = [""]
        self.rows: list[list[Any]] = []
        self._last: View = {}

    def add(self, at_s: float, text: str, shown: View) -> None:
        """Add a moment, unless it shows nothing new."""
        grown = text.startswith(self.texts[-1])
        longer = not grown or len(text) > len(self.texts[-1])
        if grown:
            self.texts[-1] = text
        else:
            self.texts.append(text)
        changed = _changed(self._last, shown)
        if changed or longer or not self.rows:
            self.rows.append([at_s, len(self.texts) - 1, utf16(text), changed])
        self._last = shown


def _changed(before: View, now: View) -> View:
    changed = {name: value for name, value in now.items() if before.get(name) != value}
    if "meter" in changed and "meter" in before:
        changed["meter"] = {k: v for k, v in now["meter"].items() if before["meter"].get(k) != v}
    return changed


def _running(asked: RunRequest, live: LiveSamples) -> View:
    so_far = answer_card(asked, None, live, None, str.__eq__)
    return {"state": "running", "note": "", "meter": live.meter(), "answer": so_far, "receipt": []}


def _ended(
    lane: RecordedLane, outcome: Outcome | None, live: LiveSamples, expected: str | None, same: SameAnswer
) -> View:
    state: render.State = "cancelled" if outcome is None or outcome.cancelled else "done"
    why = lane.note or BROKEN_OFF if outcome is None else ""
    return {
        "state": state,
        "note": render.plain(why),
        "meter": live.meter(),
        "answer": answer_card(lane.asked, outcome, live, expected, same),
        "receipt": outcome.rows if outcome else [],
    }


def outcome_of(asked: RunRequest, happened: Iterable[TimedEvent]) -> Outcome | None:
    """Work out from its events how a lane ended; None when it broke off."""
    events: dict[int, list[Event]] = {}
    for each in happened:
        events.setdefault(each.number, []).append(each.event)
    runs = [events[number] for number in sorted(events)]
    wanted = asked.count if asked.method == "vote" else 1
    if len(runs) < wanted or not all(isinstance(run[-1], Finished) for run in runs):
        return None
    traces = [Trace.from_events(run) for run in runs]
    match asked.method:
        case "vote":
            return vote_outcome(Vote(answer=majority([trace.answer for trace in traces]), traces=tuple(traces)))
        case "rejection":
            return rejection_outcome(asked, _rejection(traces), [trace.receipt for trace in traces])
        case _:
            return single_outcome(asked, traces[0], stopped=False)


def _rejection(traces: Sequence[Trace]) -> Rejection:
    last = traces[-1]
    sampled = sum(len(s.token_ids) for trace in traces for s in trace.segments if s.source == "model")
    accepted = last if last.receipt.closed_by == "model" else None
    return Rejection(trace=accepted, attempts=len(traces), sampled_tokens=sampled)
