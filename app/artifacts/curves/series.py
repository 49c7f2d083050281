"""Series of cached evals -> the JSON that the Curves tab draws. Pure: no Gradio, no files.

What a series looks like (marker, band, words on hover) is decided in `evals.reports.figures`, where reports
get it from too; the page only chooses which series are drawn and in which colours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.artifacts.curves.voice import voice
from app.shell.responses import View
from evals.benchmarks import BUNDLED, SOURCES, is_private
from evals.reports.figures import metrics, series_traces
from evals.reports.series import FORCING, Point, Series, by_tokens

NO_COLOUR = "black"
"""The page puts its own in its place, which know light and dark."""
PROBLEMS, NANO = "problems", "nano"
"""Benchmarks of this project's own models."""
_FIRST = (FORCING, "majority vote", "rejection sampling")
"""Of what was measured here, which is a dozen methods."""
_SAYS = {
    NANO: "Short questions of six kinds, made by this project and held out of s1-nano's training.",
    PROBLEMS: "English questions of seventeen kinds, made by this project and held out of s1-135M's training.",
    "problems-paraphrased": "208 questions of these kinds in words that s1-135M never saw, written by hand.",
    "AIME24": "30 competition problems of 2024; the answer is a whole number below 1,000.",
    "AIME25": "30 competition problems of 2025; the answer is a whole number below 1,000.",
    "MATH500": "500 competition problems with answers in mathematical notation.",
    "GPQA Diamond": "198 questions of biology, chemistry and physics with four choices each.",
}


def series_views(series: Iterable[Series], *, run: str | None = None, own: bool = False) -> list[View]:
    """Return what the page knows of each series.

    Args:
        series: of one run, or published ones.
        run: the key under which `store.CurveStore` finds their samples; None where there are none.
        own: made by this visitor, who may take it off the page.
    """
    taken: dict[str, int] = {}
    return [_view(one, run, own, taken) for one in series if one.points]


def _view(one: Series, run: str | None, own: bool, taken: dict[str, int]) -> View:
    one = replace(one, points=by_tokens(one.points))
    _, _, _, control, scaling, performance = metrics([one])[0]
    return {
        "id": _id(one, run, taken),
        "run": run,
        "own": own,
        "benchmark": one.benchmark,
        "model": one.model,
        "method": one.method,
        "origin": one.provenance,
        "name": one.name,
        "source": one.source,
        "note": one.note or "",
        "counts": one.x.replace("_", " "),
        "featured": is_featured(one),
        "voice": voice(one.points),
        "metrics": {"control": control, "scaling": scaling, "performance": performance},
        "points": [_point(point) for point in one.points],
        "traces": [trace.to_plotly_json() for trace in series_traces(one, colour=NO_COLOUR)],
    }


def _id(one: Series, run: str | None, taken: dict[str, int]) -> str:
    """Name a series the same way at every start, so that a link goes on meaning what it meant."""
    text = json.dumps([one.benchmark, one.model, one.method, one.provenance, run or one.source])
    name = hashlib.sha256(text.encode()).hexdigest()[:8]
    taken[name] = taken.get(name, 0) + 1
    return name if taken[name] == 1 else f"{name}-{taken[name]}"


def is_featured(one: Series) -> bool:
    """Whether a series is shown before anything is chosen: the paper's methods are, slices and variants are not."""
    return one.method in _FIRST if one.provenance == "measured" else not one.method.startswith(f"{FORCING}, ")


def _point(point: Point) -> View:
    return {
        "label": point.label,
        "tokens": point.thinking_tokens,
        "accuracy": point.accuracy,
        "low": point.low,
        "high": point.high,
        "n": point.n,
        "waits": (point.setting or {}).get("waits") or 0,
    }


def benchmark_views(series: Sequence[View]) -> list[View]:
    """Return the benchmarks to choose from, the bundled models' own first: they can be run here and now."""
    names = [*BUNDLED, *(source.title for source in SOURCES.values()), *(one["benchmark"] for one in series)]
    known = {one["benchmark"] for one in series} | {PROBLEMS, NANO}
    return [{"name": name, "says": _SAYS.get(name, "")} for name in dict.fromkeys(names) if name in known]


def hides_texts(benchmark: str, *, public: bool) -> bool:
    """Whether the texts of a benchmark stay hidden: its authors ask that no public page shows them."""
    return public and is_private(benchmark)
