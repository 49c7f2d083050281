"""What curves say in words is what their points hold."""

from __future__ import annotations

from typing import Any

from app.artifacts.curves.store import CurveStore
from app.artifacts.curves.voice import voice
from evals.reports.series import Point


def point(label: str, tokens: float | None, accuracy: float, *, spread: float | None = 1.0, **setting: Any) -> Point:
    low, high = (None, None) if spread is None else (accuracy - spread, accuracy + spread)
    return Point(thinking_tokens=tokens, accuracy=accuracy, n=100, low=low, high=high, label=label, setting=setting)


LEAST, MOST = point("budget 8", 8, 20), point("budget 64", 60, 66)
NATURAL, ONE = point("natural", 46, 66), point("1 x Wait", 99, 99.8, waits=1)
EIGHT = point("8 x Wait", 474, 90.7, waits=8)


def test_a_curve_says_what_thinking_and_waits_bring_and_where_they_hurt() -> None:
    assert voice([LEAST, MOST, NATURAL, ONE, EIGHT]) == [
        "Thinking pays: 20 % at 8 tokens, 66 % at 46 tokens.",
        "One Wait helps: 66 → 99.8 %.",
        "Eight Waits hurt: 90.7 %.",
    ]


def test_no_difference_is_made_of_overlapping_intervals() -> None:
    wide = [
        point("budget 8", 8, 20, spread=30),
        point("natural", 46, 40, spread=30),
        point("1 x Wait", 99, 60, waits=1),
    ]
    wide[2] = point("1 x Wait", 99, 45, spread=30, waits=1)
    assert voice(wide) == [
        "Thinking longer changes little: 20 % at 8 tokens, 40 % at 46 tokens.",
        "One Wait changes little: 40 → 45 %.",
    ]


def test_a_wait_that_hurts_is_said_too() -> None:
    assert "One Wait hurts: 66 → 50 %." in voice([NATURAL, point("1 x Wait", 99, 50, waits=1)])


def test_points_without_intervals_or_tokens_are_read_with_care() -> None:
    published = [point("a", 500, 30, spread=None), point("b", 8000, 57, spread=None)]
    assert voice(published) == ["Thinking pays: 30 % at 500 tokens, 57 % at 8,000 tokens."]
    assert voice([point("a", None, 30), point("b", None, 60)]) == [] == voice([LEAST])


def test_the_bundled_curve_of_s1_nano_says_what_the_readme_says() -> None:
    series = CurveStore().catalogue()["series"]
    (own,) = [
        one
        for one in series
        if (one["benchmark"], one["model"], one["method"]) == ("nano", "s1-nano", "budget forcing")
    ]
    assert "One Wait helps: 66 → 99.8 %." in own["voice"] and "Eight Waits hurt: 90.7 %." in own["voice"]
