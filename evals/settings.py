"""The grid of settings that a run measures, and their names in tables and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from s1core.budget import DEFAULT_WAIT_TEXT, Budget
from s1core.errors import InvalidSetting
from s1core.methods import NATURAL as NATURAL
from s1core.methods import Forcing


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A budget and its short name."""

    label: str
    budget: Budget

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy."""
        return {"label": self.label, **asdict(self.budget)}


def grid_label(max_thinking_tokens: int | None, waits: int, wait_text: str) -> str:
    """Name one point of a grid: `natural`, `budget 64`, `1 x Wait`, `budget 64, 1 x Wait`."""
    budget = Budget(max_thinking_tokens=max_thinking_tokens, waits=waits, wait_text=wait_text)
    return Forcing(budget=budget).label


def one_by_one(budgets: Sequence[int], waits: Sequence[int], wait_text: str = DEFAULT_WAIT_TEXT) -> list[Setting]:
    """Every budget without Waits, the natural stop, and every count of Waits without a budget."""
    asked = [(b, 0) for b in budgets] + [(None, 0)] + [(None, w) for w in waits if w > 0]
    return [
        Setting(
            label=grid_label(most, count, wait_text),
            budget=Budget(max_thinking_tokens=most, waits=count, wait_text=wait_text),
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
