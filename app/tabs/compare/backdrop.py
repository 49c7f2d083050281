"""The cached curve of a model, small enough to lie under its lanes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.artifacts.curves.series import NANO, PROBLEMS
from app.shell.responses import View
from evals.reports.series import FORCING

_OF_A_POINT = ("label", "tokens", "accuracy", "low", "high", "waits")
_FIRST = (PROBLEMS, NANO, "AIME24", "MATH500")
"""Benchmarks in the order in which one is chosen; others after them."""


def curve(series: Sequence[View], model: str) -> View | None:
    """Return the budget forcing curve of a model, measured ones before published ones; None where there is none.

    Args:
        series: those of `CurveStore.catalogue`.
        model: as the lanes call it.
    """
    known = [one for one in series if one["model"] == model and one["method"] == FORCING]
    if not known:
        return None
    best = min(known, key=lambda one: (one["origin"] != "measured", _rank(one["benchmark"])))
    points: list[dict[str, Any]] = best["points"]
    return {
        "model": model,
        "benchmark": best["benchmark"],
        "origin": best["origin"],
        "n": max((point["n"] or 0 for point in points), default=0),
        "points": [{name: point[name] for name in _OF_A_POINT} for point in points],
    }


def _rank(benchmark: str) -> int:
    return _FIRST.index(benchmark) if benchmark in _FIRST else len(_FIRST)
