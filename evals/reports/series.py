"""Series of points: the common form of published, measured and imported results."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

Provenance = Literal["published", "measured", "imported"]
Axis = Literal["thinking_tokens", "total_tokens", "sequential_tokens", "seconds"]
"""What accuracy can be drawn against."""
FORCING = "budget forcing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One run: how long it thought on average, and how often it was right."""

    thinking_tokens: float | None
    """None where it is unknown: such a point is not drawn on the token axis."""
    accuracy: float
    """Percent."""
    n: int | None
    """Samples behind the accuracy; None where the source does not say."""
    low: float | None
    """95 % Wilson interval, percent; None without n."""
    high: float | None
    label: str | None
    """The setting's name; None where the source gives none."""
    setting: dict[str, Any] | None = None
    """What was asked, in the words of `Budget`, where it is known."""
    total_tokens: float | None = None
    """Average over the questions of all that was written: thinking, answers, probes, what was taken back."""
    sequential_tokens: float | None = None
    """Average of those on the longest chain in which each had to wait for the one before it."""
    seconds: float | None = None
    """Average wall time of a question, beside others that were asked at the same time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Points that belong together: one model, one method, one benchmark, one origin."""

    benchmark: str
    model: str
    method: str
    provenance: Provenance
    source: str
    """The figure, or the run, that the points are from."""
    x: Literal["output_tokens"] | Axis = "thinking_tokens"
    """What is counted: parallel methods count all output."""
    note: str | None = None
    control: float | None = None
    """Share of samples, in percent, that stayed in the asked range; None where nothing was asked or it is not known."""
    points: tuple[Point, ...]

    @property
    def name(self) -> str:
        """What legends and tables call it; the origin is part of the name."""
        return f"{self.model}, {self.method} ({self.provenance})"


def along(one: Series, axis: Axis) -> Series:
    """Return a series along another axis: what its points have of it takes the place of their thinking tokens.

    Published series keep the count that their figures have, which `x` names; other points that lack it have no place.
    """
    if axis == "thinking_tokens" or one.provenance == "published":
        return one
    points = (replace(point, thinking_tokens=getattr(point, axis)) for point in one.points)
    return replace(one, x=axis, points=by_tokens(points))


def by_tokens(points: Iterable[Point]) -> tuple[Point, ...]:
    """Points in the order of the token axis; those that have no place on it come last."""
    return tuple(sorted(points, key=lambda point: (point.thinking_tokens is None, point.thinking_tokens or 0.0)))
