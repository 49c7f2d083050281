"""How the thinking of a setting ended, and what its answers made of that: cuts, landings, loops, spill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from s1core.metrics import Proportion, wilson
from s1core.store import Row


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """Shares of the samples of one setting."""

    cut: Proportion
    """By the budget or the context, in the middle of the thinking."""
    looped: Proportion
    """Because the model went round in circles."""
    landed: Proportion | None
    """Of the samples that were to be brought to their end: those in which the model ended by itself; None without."""
    spilled: Proportion
    """Answers that go on thinking."""


def ends_of(rows: Sequence[Row]) -> Ends | None:
    """Count how the samples of a setting ended; None where some do not tell."""
    if not rows or any("spill" not in row for row in rows):
        return None
    landings = [row["landing"] for row in rows if row.get("landing") is not None]
    return Ends(
        cut=_share([row.get("closed_by") in ("budget", "context") for row in rows]),
        looped=_share([row.get("closed_by") == "loop" for row in rows]),
        landed=_share([landing == "soft" for landing in landings]) if landings else None,
        spilled=_share([row["spill"] is not None for row in rows]),
    )


def ends_table(ends: Mapping[str, Ends]) -> str:
    """Render a table with one line for each setting, intervals included."""
    body = [
        f"| {setting} | {_said(x.cut)} | {_said(x.looped)} | {_said(x.landed)} | {_said(x.spilled)} |"
        for setting, x in ends.items()
    ]
    head = "| how the thinking ended | cut % | loop % | landed softly % | answer spills % |"
    return "\n".join([head, "|---|---|---|---|---|", *body])


def _share(told: Sequence[bool]) -> Proportion:
    return wilson(sum(told), len(told))


def _said(share: Proportion | None) -> str:
    return "–" if share is None else f"{share.percent:.1f} ({share.low:.1f} – {share.high:.1f})"
