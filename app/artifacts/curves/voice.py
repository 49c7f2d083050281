"""What a curve says, in two or three sentences made of its points: what thinking and Waits bring, and where they hurt.

A difference is called one only where the 95 % intervals of both points lie apart; without intervals, from 5 points on.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.runs.verdicts import words
from evals.reports.series import Point
from evals.settings import NATURAL

APART = 5.0
"""Percentage points that count as a difference where there are no intervals."""


def voice(points: Sequence[Point]) -> list[str]:
    """Return the sentences about one series; empty where it has too few points."""
    placed = [point for point in points if point.thinking_tokens is not None]
    budgets = [point for point in placed if not _waits(point)]
    waits = sorted((point for point in placed if _waits(point)), key=_waits)
    natural = next((point for point in budgets if point.label == NATURAL), None)
    said = [_of_budgets(budgets), _of_first_wait(natural, waits), _of_most_waits(waits)]
    return [sentence for sentence in said if sentence]


def _of_budgets(points: Sequence[Point]) -> str:
    if len(points) < 2:
        return ""
    order = sorted(points, key=lambda point: point.thinking_tokens or 0.0)
    least, best = order[0], max(order, key=lambda point: point.accuracy)
    if _apart(least, best) and (best.thinking_tokens or 0) > (least.thinking_tokens or 0):
        return f"Thinking pays: {_at(least)}, {_at(best)}."
    return f"Thinking longer changes little: {_at(least)}, {_at(order[-1])}."


def _of_first_wait(natural: Point | None, waits: Sequence[Point]) -> str:
    first = next((point for point in waits if _waits(point) == 1), None)
    if natural is None or first is None:
        return ""
    change = f"{_percent(natural)} → {_percent(first)} %"
    if not _apart(natural, first):
        return f"One Wait changes little: {change}."
    return f"One Wait {'helps' if first.accuracy > natural.accuracy else 'hurts'}: {change}."


def _of_most_waits(waits: Sequence[Point]) -> str:
    if len(waits) < 2:
        return ""
    best, most = max(waits, key=lambda point: point.accuracy), waits[-1]
    if best is most or not _apart(best, most):
        return ""
    return f"{words(_waits(most)).capitalize()} Waits hurt: {_percent(most)} %."


def _waits(point: Point) -> int:
    return int((point.setting or {}).get("waits") or 0)


def _apart(a: Point, b: Point) -> bool:
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return abs(a.accuracy - b.accuracy) >= APART
    return a.high < b.low or b.high < a.low


def _percent(point: Point) -> str:
    return f"{point.accuracy:.1f}".removesuffix(".0")


def _at(point: Point) -> str:
    tokens = point.thinking_tokens or 0.0
    return f"{_percent(point)} % {'without' if tokens < 1 else f'at {tokens:,.0f} tokens'}"
