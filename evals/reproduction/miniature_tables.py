"""The tables of s1 in miniature, in Markdown, from its packed runs: pure but for reading the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from evals.reports.packed_run import read_packed
from evals.reports.summary import by_setting, compare, summarise
from evals.settings import NATURAL
from s1core.store import Row

Groups = dict[str, list[Row]]


class Named(Protocol):
    """What a table says of a variant."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def what(self) -> str: ...  # noqa: D102
    @property
    def model(self) -> str: ...  # noqa: D102


def tables(folder: Path, base: str, variants: Sequence[Named]) -> str:
    """Return the tables of the packed runs that are in `folder`."""
    runs: dict[str, Groups] = {}
    headers: list[str] = []
    for name in (base, *(v.name for v in variants)):
        path = folder / f"miniature-{name}.jsonl.gz"
        if path.exists():
            header, rows = read_packed(path)
            runs[name] = by_setting({k: v for k, v in row.items() if k != "segments"} for row in rows)
            headers.append(f"commit {header['commit']}, {header['machine']}")
    if not runs:
        return ""
    called = {base: (base, "no fine-tuning")} | {v.name: (v.model, v.what) for v in variants}
    origin = "Made with: " + "; ".join(dict.fromkeys(headers)) + "."
    parts = [_accuracies(runs, called), _families(runs, called), _against(runs, called, variants[0].name), origin]
    return "\n\n".join(part for part in parts if part)


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _accuracies(runs: dict[str, Groups], called: dict[str, tuple[str, str]]) -> str:
    """One line for each model: every budget, the natural stop, one Wait."""
    labels = list(next(iter(runs.values())))
    shown = [label for label in labels if "," not in label]
    body: list[list[str]] = []
    for name, groups in runs.items():
        cells: list[str] = []
        for label in shown:
            line = summarise(label, groups[label])
            share = line.accuracy
            cells.append(f"{share.percent:.1f} [{share.low:.1f}, {share.high:.1f}] at {line.thinking_tokens:.0f}")
        body.append([called[name][0], called[name][1], *cells])
    n = len(next(iter(runs.values()))[shown[0]])
    said = f"Accuracy % [95 % Wilson interval] at thinking tokens on average; n = {n:,} in every cell."
    return said + "\n\n" + _table(("model", "rows", *shown), body)


def _families(runs: dict[str, Groups], called: dict[str, tuple[str, str]]) -> str:
    names = list(dict.fromkeys(row["group"] for groups in runs.values() for row in groups[NATURAL]))
    body: list[list[str]] = []
    for name, groups in runs.items():
        cells: list[str] = []
        for family in names:
            rows = [row for row in groups[NATURAL] if row["group"] == family]
            cells.append(f"{100 * sum(row['correct'] for row in rows) / max(1, len(rows)):.0f}")
        body.append([called[name][0], *cells])
    return "By family, at the natural stop, percent:\n\n" + _table(("model", *names), body)


def _against(runs: dict[str, Groups], called: dict[str, tuple[str, str]], first: str) -> str:
    """Every other choice against the curated one, on the same questions."""
    if first not in runs:
        return ""
    curated = runs[first][NATURAL]
    body: list[list[str]] = []
    for name, groups in runs.items():
        if name != first:
            change = compare(name, groups[NATURAL], first, curated)
            row = [called[name][0], f"{change.fixed} of {change.wrong}", f"{change.broken} of {change.right}"]
            body.append([*row, f"{change.p_value:.2g}"])
    head = ("model", "right where the curated one is wrong", "wrong where it is right", "p (McNemar)")
    return f"Against {called[first][0]}, at the natural stop:\n\n" + _table(head, body) if body else ""
