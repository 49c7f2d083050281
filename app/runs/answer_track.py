"""The answer track as the page draws it: probes of a finished run -> JSON. Pure.

Each answer gets a letter in the order in which it first appears along the trace; the page gives each letter a colour
and a pattern.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from app.runs.render import count, plain
from s1core.grading import canonical
from s1core.probe import AT_ONCE, Track, TrackPoint, WaitEffect, places
from s1core.sweep import Trajectory
from s1core.types import FORCED, Trace

CELLS = 48
"""Probes of a track, at most, tries to end aside: what fits a phone, and costs about as much as a short run."""
SMALLEST_STEP = 2
PREFIX_TOKENS = 32_768
"""Tokens of thinking that the probes under way may hold copies of, all together; bounds the memory of long traces."""
HEIGHT = "bar height = confidence"
NO_PROBABILITY = "This engine reports no probabilities, so all bars are equally high."

State = Literal["none", "filling", "done", "stopped"]
IsRight = Callable[[str | None], bool]


def step(thinking_tokens: int) -> int:
    """Return the thinking tokens between two probes: a power of two that gives no more than `CELLS` of them."""
    every = SMALLEST_STEP
    while thinking_tokens / every > CELLS:
        every *= 2
    return every


def at_once(thinking_tokens: int) -> int:
    """Return how many probes of a trace may be under way at a time."""
    return max(1, min(AT_ONCE, PREFIX_TOKENS // max(1, thinking_tokens)))


class LiveTrack:
    """Folds the probes of one trace, in order, into what the page draws."""

    def __init__(self, trace: Trace, *, is_right: IsRight | None, tells_probability: bool) -> None:
        """Lay out the cells; `is_right` is None when the right answer is not known."""
        self.every = step(trace.receipt.thinking_tokens)
        self._trace = trace
        self._places = places(trace, self.every)
        self._points: list[TrackPoint] = []
        self._is_right = is_right
        self._height = HEIGHT if tells_probability else NO_PROBABILITY
        self._broken = ""

    def take(self, point: TrackPoint) -> None:
        """Add the next probe."""
        self._points.append(point)

    def broke_off(self, why: str) -> None:
        """Say that no more probes will come."""
        self._broken = f"{why} {len(self._points)} of {count(len(self._places), 'cell')} are there."

    @property
    def whole(self) -> bool:
        """All probes are there."""
        return len(self._points) == len(self._places)

    @property
    def effects(self) -> tuple[WaitEffect, ...]:
        """What each forced Wait did; empty until all probes are there."""
        return Track.of(self._trace, self._points).waits if self.whole else ()

    def view(self) -> dict[str, Any]:
        """Return the JSON for the page."""
        track = Track.of(self._trace, self._points) if self.whole else None
        answers = self._answers()
        letters = {answer: number for number, answer in enumerate(answers)}
        return {
            "state": "done" if self.whole else "stopped" if self._broken else "filling",
            "note": plain(self._broken),
            "height": self._height,
            "total": len(self._places),
            "spent": self._places[-1],
            "cells": [
                [point.thinking_tokens, letters.get(_key(point.answer), -1), point.probability]
                for point in self._points
            ],
            "answers": [{"text": plain(text), "verdict": self._verdict(text)} for text in answers.values()],
            "settled_at": None if track is None else track.settled_at,
            "words": self._words(track),
            "cost": self._cost(),
            "tries": self._tries(),
            "waits": [] if track is None else [self._effect(wait) for wait in track.waits],
        }

    def _words(self, track: Track | None) -> str:
        if track is not None:
            return f"Answer settled at token {track.settled_at:,} of {self._places[-1]:,}"
        return "" if self._broken else f"Probing: {len(self._points)} of {len(self._places)}"

    def _answers(self) -> dict[str | None, str]:
        """Spellings by key, in the order of their first appearance."""
        found: dict[str | None, str] = {}
        for point in self._points:
            if point.answer is not None:
                found.setdefault(_key(point.answer), point.answer)
        return found

    def _verdict(self, answer: str | None) -> str:
        if self._is_right is None:
            return ""
        return "right" if self._is_right(answer) else "wrong"

    def _tries(self) -> list[list[int]]:
        """Return where each forced Wait stands: [cell after which it comes, its number]."""
        trajectory = Trajectory.of(self._trace)
        waits = sum(segment.source in FORCED for segment in trajectory.segments)
        return [[self._places.index(at), number] for number, at in enumerate(trajectory.tries[:waits], start=1)]

    def _effect(self, wait: WaitEffect) -> dict[str, Any]:
        words, kind = wait_words(wait, self._is_right)
        before, after = (plain(answer) if answer is not None else "no answer" for answer in (wait.before, wait.after))
        return {
            "number": wait.number,
            "before": before,
            "after": after if wait.changed else "",
            "words": words,
            "kind": kind,
        }

    def _cost(self) -> str:
        asked = [point for point in self._points if point.sampled]
        sampled, computed = sum(point.sampled for point in asked), sum(point.computed for point in asked)
        reused = sum(point.reused for point in asked)
        probes, tokens = count(len(asked), "probe"), count(sampled)
        return f"{probes}: {tokens} sampled, {computed:,} processed, {reused:,} from cache."


def wait_words(wait: WaitEffect, is_right: IsRight | None) -> tuple[str, str]:
    """Return the verdict on a Wait in words, and its kind: `good`, `bad` or empty."""
    if is_right is None:
        return ("changed" if wait.changed else "kept"), ""
    verdict = wait.verdict({answer: is_right(answer) for answer in (wait.before, wait.after)})
    match verdict:
        case "fixed":
            return "fixed", "good"
        case "broke":
            return "broken", "bad"
        case "kept right":
            return "kept, right", ""
        case "kept wrong":
            return ("changed, still wrong" if wait.changed else "kept, wrong"), ""


def no_track(note: str) -> dict[str, Any]:
    """Return what the page draws where there is no track, with the reason in a sentence."""
    return {
        "state": "none",
        "note": plain(note),
        "height": "",
        "total": 0,
        "spent": 0,
        "cells": [],
        "answers": [],
        "settled_at": None,
        "words": "",
        "cost": "",
        "tries": [],
        "waits": [],
    }


def _key(answer: str | None) -> str | None:
    return None if answer is None else canonical(answer)
