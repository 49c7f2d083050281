"""The grid of settings that a run measures, and their names in tables and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from s1core.budget import DEFAULT_WAIT_TEXT, Budget
from s1core.errors import InvalidSetting

NATURAL = "natural"


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A budget and its short name."""

    label: str
    budget: Budget

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy."""
        ends = ends_of(self.budget)
        rest = {name: value for name, value in asdict(self.budget).items() if name not in ENDS}
        return {"label": self.label, **rest, **ends}


ENDS = ("landing_text", "landing_bias", "landing_share", "loop_repeats", "loop_tokens")
"""Settings of how the thinking ends that came later than the first runs."""


def ends_of(budget: Budget) -> dict[str, Any]:
    """Return what a budget asks of the end of the thinking; without the defaults, which define no new run."""
    usual = asdict(Budget())
    return {name: value for name, value in asdict(budget).items() if name in ENDS and value != usual[name]}


def grid_label(max_thinking_tokens: int | None, waits: int, wait_text: str) -> str:
    """Name one point of a grid: `natural`, `budget 64`, `1 x Wait`, `budget 64, 1 x Wait`."""
    parts = [] if max_thinking_tokens is None else [f"budget {max_thinking_tokens}"]
    if waits:
        parts.append(f"{waits} x {wait_text or '(no text)'}")
    return ", ".join(parts) or NATURAL


def one_by_one(
    budgets: Sequence[int], waits: Sequence[int], wait_text: str = DEFAULT_WAIT_TEXT, rest: Budget | None = None
) -> list[Setting]:
    """Every budget without Waits, the natural stop, and every count of Waits without a budget.

    `rest` is what else is asked of each: its closing words, landing and loops.
    """
    every = replace(rest or Budget(), wait_text=wait_text)
    asked = [(b, 0) for b in budgets] + [(None, 0)] + [(None, w) for w in waits if w > 0]
    return [
        Setting(
            label=grid_label(most, count, wait_text),
            budget=replace(every, max_thinking_tokens=most, waits=count),
        )
        for most, count in asked
    ]


def parse_counts(text: str) -> list[int]:
    """Read `0,16,32`.

    Raises:
        InvalidSetting: something between the commas is not a whole number, or is negative.
    """
    try:
        counts = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise InvalidSetting(f"expected whole numbers separated by commas, such as 0,16,32, got {text!r}") from None
    if any(count < 0 for count in counts):
        raise InvalidSetting(f"counts must be 0 or more, got {text!r}")
    return counts
