"""Cached evals as one kind of thing: series of points, each said to be published, measured or imported.

`evals/results/published.json` holds what was read off the original's figures; `evals/results/measured/` holds
packed runs of this code (`evals.reports.packed_run`). A run folder, measured or imported, gives series too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from evals.benchmarks import SOURCES
from evals.progress import ending
from evals.reports.packed_run import pack, read_packed
from evals.reports.series import FORCING, Point, Series, by_tokens
from evals.reports.summary import by_setting, summarise
from evals.settings import grid_label
from s1core.errors import S1Error
from s1core.metrics import control, wilson
from s1core.store import Row, read_manifest, read_rows

RESULTS = Path(__file__).parents[1] / "results"
PUBLISHED = RESULTS / "published.json"
MEASURED = RESULTS / "measured"


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A published table."""

    title: str
    source: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str | None = None


@cache
def _published(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise S1Error(f"the published results in {path} cannot be read: {error}") from error


def published_series(path: Path = PUBLISHED) -> list[Series]:
    """Return the published curves, each with the figures that show it."""
    content = _published(path)
    return [
        Series(
            benchmark=curve["benchmark"],
            model=curve["model"],
            method=curve["method"],
            provenance="published",
            source=f"{content['source']['repo']}, {' and '.join(curve['figures'])}",
            x=curve["x"],
            note=curve["label_basis"] or curve["note"],
            points=tuple(_published_point(point) for point in curve["points"]),
        )
        for curve in content["series"]
    ]


def _published_point(point: dict[str, Any]) -> Point:
    share = wilson(point["correct"], point["n"])
    return Point(
        thinking_tokens=point["thinking_tokens"],
        accuracy=share.percent,
        n=share.n,
        low=share.low,
        high=share.high,
        label=point["label"],
        setting=point["setting"],
    )


def published_tables(path: Path = PUBLISHED) -> dict[str, Table]:
    """Return the published tables by name."""
    return {
        name: Table(
            title=table["title"],
            source=table["source"],
            columns=tuple(table.get("columns") or ("", "count")),
            rows=tuple(tuple(row) for row in table["rows"]),
            note=table.get("note"),
        )
        for name, table in _published(path)["tables"].items()
    }


def published_histograms(path: Path = PUBLISHED) -> list[dict[str, Any]]:
    """How long the published sets think: `series`, `n`, `bin_edges` (tokens) and `counts`, as the figure has them."""
    return list(_published(path)["histograms"])


def run_series(folder: Path) -> list[Series]:
    """Return the series of a run folder.

    Raises:
        StoreError: the folder holds no run, or a damaged one.
    """
    config = read_manifest(folder).get("config", {})
    return series_of(config, read_rows(folder), source=f"run {folder.name}")


def packed_series(path: Path) -> list[Series]:
    """Return the series of a packed run."""
    header, rows = read_packed(path)
    return series_of(header["config"], rows, source=path.name.partition(".")[0])


def measured_files() -> list[Path]:
    """Return the packed runs that ship with the code."""
    return sorted(path for path in MEASURED.glob("*.jsonl*") if path.suffix in (".jsonl", ".gz"))


def all_series() -> list[Series]:
    """Return every cached series: what was published, then what was measured."""
    return published_series() + [series for path in measured_files() for series in packed_series(path)]


def series_of(config: dict[str, Any], rows: Iterable[Row], *, source: str) -> list[Series]:
    """Turn the rows of a run into series: the main curve, and one for each number of Waits that was tried with budgets.

    The main curve holds every budget without Waits, the natural stop, and Waits without a budget: the paper's curve.
    A run whose configuration names a method of its own is one series.

    Args:
        config: the run's configuration.
        rows: its samples; their texts are not kept.
        source: what to call it.
    """
    slim = ({key: value for key, value in row.items() if key != "segments"} for row in rows)
    groups, asked = by_setting(slim), _settings(config)
    points = {label: _point(label, group, asked.get(label)) for label, group in groups.items()}
    series: list[Series] = []
    named = config.get("method")
    methods = {str(named): list(groups)} if named else _methods(list(groups), asked)
    for method, labels in methods.items():
        chosen = by_tokens(points[label] for label in labels)
        key = config.get("benchmark", "?")
        series.append(
            Series(
                benchmark=SOURCES[key].title if key in SOURCES else key,
                model=str(config.get("model", "?")).rpartition("/")[2],
                method=method,
                provenance="imported" if config.get("provenance") == "imported" else "measured",
                source=source,
                note=config.get("note"),
                control=_control([(row, asked.get(label)) for label in labels for row in groups[label]]),
                points=chosen,
            )
        )
    return series


def _settings(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What each label asked for, from the settings of single runs or of a grid."""
    found: dict[str, dict[str, Any]] = {}
    for entry in config.get("settings", []):
        if "label" in entry:
            found[entry["label"]] = entry
        for most in entry.get("budgets", []):
            for waits in entry.get("waits", []):
                text = entry.get("wait_text", "")
                asked = {"max_thinking_tokens": most, "waits": waits, "wait_text": text}
                found[grid_label(most, waits, text)] = asked
    return found


def _methods(labels: list[str], asked: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    methods: dict[str, list[str]] = {}
    with_budget = {(asked.get(label) or {}).get("waits") or 0 for label in labels if _has_budget(asked.get(label))}
    for label in labels:
        setting = asked.get(label) or {}
        waits = setting.get("waits") or 0
        if not waits or not _has_budget(setting):
            methods.setdefault(FORCING, []).append(label)
        if waits and waits in with_budget:
            methods.setdefault(f"{FORCING}, {grid_label(None, waits, setting.get('wait_text', ''))}", []).append(label)
    return methods


def _has_budget(setting: dict[str, Any] | None) -> bool:
    return setting is not None and setting.get("max_thinking_tokens") is not None


def _point(label: str, rows: list[Row], setting: dict[str, Any] | None) -> Point:
    line = summarise(label, rows)
    share = line.accuracy
    return Point(
        thinking_tokens=line.thinking_tokens,
        accuracy=share.percent,
        n=share.n,
        low=share.low,
        high=share.high,
        label=label,
        setting=setting,
        ends=line.ends,
    )


def _control(samples: list[tuple[Row, dict[str, Any] | None]]) -> float | None:
    """Share of the samples that kept what was asked in the prompt, where that was asked; else their budget."""
    kept = [row["kept"] for row, _ in samples if row.get("kept") is not None]
    if kept:
        return control([float(not held) for held in kept], 0, 0)
    limited = [(row["thinking_tokens"], s["max_thinking_tokens"]) for row, s in samples if s and _has_budget(s)]
    if not limited or any(tokens is None for tokens, _ in limited):
        return None
    return control([tokens - most for tokens, most in limited], float("-inf"), 0)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    p = argparse.ArgumentParser(prog="python -m evals.reports.cached", description="Keep a run as one small file.")
    commands = p.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="pack a run folder into one file of JSON lines")
    packing.add_argument("run", type=Path, metavar="RUN_FOLDER")
    packing.add_argument("out", type=Path, metavar="OUT", help="a name ending in .jsonl or .jsonl.gz")
    args = p.parse_args(argv)

    def command() -> None:
        questions = pack(args.run, args.out)
        print(f"{args.out}: {questions} questions, {args.out.stat().st_size / 2**20:.2f} MB")

    return ending(p.prog, command)


if __name__ == "__main__":
    sys.exit(main())
