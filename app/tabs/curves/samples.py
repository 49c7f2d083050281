"""The samples behind a point, one sample's trace, and two points against each other. Pure: rows in, JSON out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

from app.runs import render
from app.shell.responses import View
from evals.benchmarks import BUNDLED, Item
from evals.reports.summary import by_setting, compare, sample_key
from evals.settings import NATURAL, grid_label
from s1core.errors import InvalidSetting
from s1core.metrics import wilson
from s1core.store import Row
from s1core.types import Tokens

PAGE = 50
"""Samples sent at once."""
Filter = Literal["all", "right", "wrong", "fixed", "broken"]
FILTERS: tuple[Filter, ...] = get_args(Filter)
MOST_IN_TITLE = 300
"""Characters of a question in the list of samples."""
MOST_CHARACTERS = 200_000
"""Of one trace; a longer one is cut, and says so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """The rows of one setting and, where it forces Waits, those of the same without."""

    setting: str
    rows: list[Row]
    baseline: str | None
    baseline_rows: list[Row]


def asked_waits(config: dict[str, Any], setting: str) -> tuple[int | None, int]:
    """Return (budget, Waits) that a setting's name stands for in this run; (None, 0) when it is none of them."""
    for entry in config.get("settings", []):
        if entry.get("label") == setting:
            return entry.get("max_thinking_tokens"), entry.get("waits") or 0
        for most in entry.get("budgets", []):
            for waits in entry.get("waits", []):
                if grid_label(most, waits, entry.get("wait_text", "")) == setting:
                    return most, waits
    return None, 0


def find_point(config: dict[str, Any], rows: Iterable[Row], setting: str) -> Point:
    """Pick one setting and what to compare it with out of a run.

    Raises:
        InvalidSetting: the run has no such setting.
    """
    most, waits = asked_waits(config, setting)
    without = [name for name in (grid_label(most, 0, ""), NATURAL) if name != setting] if waits else []
    groups = by_setting(row for row in rows if row["setting"] == setting or row["setting"] in without)
    if setting not in groups:
        raise InvalidSetting("This run has no such setting; choose one of the points in the table.")
    baseline = next((name for name in without if name in groups), None)
    return Point(setting=setting, rows=groups[setting], baseline=baseline, baseline_rows=groups.get(baseline or "", []))


def _changes(point: Point) -> list[str]:
    """What the Waits did to each sample: `fixed`, `broken` or nothing."""
    before = {sample_key(row): bool(row["correct"]) for row in point.baseline_rows}
    names = {(False, True): "fixed", (True, False): "broken"}
    return [
        names.get((before.get(sample_key(row), bool(row["correct"])), bool(row["correct"])), "") for row in point.rows
    ]


def sample_list(point: Point, shown: Filter, start: int, *, hidden: bool = False) -> View:
    """Return one page of the samples of a point, with the counts of every filter.

    Args:
        point: what they belong to.
        shown: which of them.
        start: how many of those come before this page.
        hidden: their questions may not be shown here.
    """
    changes = _changes(point)
    right = [bool(row["correct"]) for row in point.rows]
    chosen = {
        "all": range(len(right)),
        "right": [i for i, correct in enumerate(right) if correct],
        "wrong": [i for i, correct in enumerate(right) if not correct],
        "fixed": [i for i, change in enumerate(changes) if change == "fixed"],
        "broken": [i for i, change in enumerate(changes) if change == "broken"],
    }
    page = chosen[shown][start : start + PAGE]
    return {
        "setting": point.setting,
        "baseline": point.baseline,
        "filter": shown,
        "counts": {name: len(indices) for name, indices in chosen.items()},
        "start": start,
        "samples": [_sample(point.rows[i], changes[i], hidden) for i in page],
    }


def _sample(row: Row, change: str, hidden: bool) -> View:
    return {
        "id": row["id"],
        "index": row["sample_index"],
        "title": _question(row, hidden)[:MOST_IN_TITLE] or render.plain(str(row["id"])),
        "group": render.plain(str(row["group"])),
        "answer": None if row["answer"] is None else render.plain(str(row["answer"])),
        "correct": bool(row["correct"]),
        "change": change,
        "tokens": row["thinking_tokens"],
    }


def _question(row: Row, hidden: bool) -> str:
    """The question of a sample: one of the bundled ones, else as its log holds it; empty where neither is known."""
    item = _questions().get(row["id"])
    return "" if hidden else render.plain(item.question if item else str(row.get("question") or ""))


def _expected(row: Row) -> str:
    item = _questions().get(row["id"])
    return render.plain(item.answer if item else str(row.get("target") or ""))


@lru_cache(maxsize=1)
def _questions() -> dict[str, Item]:
    """The bundled questions by id; those of other benchmarks are not kept with their runs."""
    return {item.id: item for load in BUNDLED.values() for item in load(None)}


def sample_trace(point: Point, sample: str, index: int, *, hidden: bool, estimated: bool = False) -> View:
    """Return one sample with its trace.

    Args:
        point: what it belongs to.
        sample: its question's id.
        index: which of several samples of that question.
        hidden: its text may not be shown here.
        estimated: its thinking tokens were not counted by a tokenizer.

    Raises:
        InvalidSetting: the point has no such sample.
    """
    row = next((row for row in point.rows if sample_key(row) == (sample, index)), None)
    if row is None:
        raise InvalidSetting("This point has no such sample; choose one from the list.")
    before = next((row for row in point.baseline_rows if sample_key(row) == (sample, index)), None)
    return {
        "question": _question(row, hidden),
        "title": render.plain(str(row["id"])),
        "text": "" if hidden else trace_text(row),
        "note": _why_no_text(row, hidden),
        "answer": None if row["answer"] is None else render.plain(str(row["answer"])),
        "correct": bool(row["correct"]),
        "expected": _expected(row),
        "before": _before(point, before),
        "facts": _facts(row, estimated),
    }


def _why_no_text(row: Row, hidden: bool) -> str:
    if hidden:
        return (
            "The authors of this benchmark ask that no public page shows its texts, and a trace repeats its question."
        )
    if row.get("rule") == "no_attempt_fits":
        return "No attempt ended within the budget, so there is no trace."
    if not row.get("segments"):
        return "This run was kept without its texts."
    return ""


def _before(point: Point, row: Row | None) -> View | None:
    if row is None or point.baseline is None:
        return None
    answer = None if row["answer"] is None else render.plain(str(row["answer"]))
    return {"setting": point.baseline, "answer": answer, "correct": bool(row["correct"])}


def _facts(row: Row, estimated: bool) -> list[list[str]]:
    closed = row.get("closed_by")
    waits = row.get("waits_used")
    facts = [
        ["Thinking", _thinking(row["thinking_tokens"], estimated)],
        ["Closed by", render.CLOSED_BY.get(str(closed), "not known")],
        ["Waits forced", "not known" if waits is None else str(waits)],
        ["Answer", render.count(row["answer_tokens"]) if row.get("answer_tokens") is not None else "not known"],
        ["Graded by", str(row.get("rule", "not known"))],
    ]
    facts += [["Landing", render.LANDING[landing]]] if (landing := row.get("landing")) in render.LANDING else []
    facts += [["Spill", render.SPILL[spill]]] if (spill := row.get("spill")) in render.SPILL else []
    return [[name, render.plain(value)] for name, value in facts]


def _thinking(tokens: int | None, estimated: bool) -> str:
    if tokens is None:
        return "not known"
    return render.count(tokens) + (", estimated" if estimated else "")


def trace_text(row: Row) -> str:
    """Return a sample's text with its provenance, in the characters that `render.LiveTrace` writes."""
    trace = render.LiveTrace()
    left = MOST_CHARACTERS
    for source, phase, text in row.get("segments") or []:
        if phase != "thinking":
            # Rows keep the count, not the ids that a live trace would count.
            trace.spent_tokens = row["thinking_tokens"] or 0
        note = str(row.get("closed_by") or "") if source == "close" else ""
        trace.take(Tokens(source=source, phase=phase, text=text[: max(0, left)], token_ids=(), note=note))
        left -= len(text)
    if left < 0:
        trace.take(Tokens(source="close", phase="answer", text="", token_ids=(), note="cut here: too long to be shown"))
    return trace.text


def paired(first: Sequence[Row], second: Sequence[Row]) -> View | None:
    """Compare two points on the questions that both have; None when they have none in common."""
    keys = {sample_key(row) for row in first} & {sample_key(row) for row in second}
    if not keys:
        return None
    a, b = ([row for row in rows if sample_key(row) in keys] for rows in (first, second))
    change = compare("second", b, "first", a)
    shares = [wilson(sum(bool(row["correct"]) for row in rows), len(rows)) for rows in (a, b)]
    return {
        "n": len(keys),
        "first": shares[0].percent,
        "second": shares[1].percent,
        "fixed": change.fixed,
        "wrong": change.wrong,
        "broken": change.broken,
        "right": change.right,
        "p": change.p_value,
    }
