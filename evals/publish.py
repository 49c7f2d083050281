"""Turn the values read off the original's figures and tables into `evals/results/published.json`.

    python -m evals.publish ../shared/data/published_curves.json

The values are facts. Each keeps the figure it was read from; a point that its source does not label stays unlabelled.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from evals.reports.cached import PUBLISHED
from s1core.store import write_atomically

Json = dict[str, Any]

# The paper's own ablation of what replaces an ignored end; the figures do not hold it.
WAIT_ABLATION: Json = {
    "title": "What replaces an ignored end of thinking (s1-32B, two ends ignored)",
    "source": "arXiv 2501.19393, budget forcing extrapolation ablation",
    "columns": ["appended", "AIME24", "MATH500", "GPQA Diamond"],
    "rows": [
        ["no extrapolation", 50.0, 93.0, 57.6],
        ["2x without a string", 50.0, 90.2, 55.1],
        ['2x "Alternatively"', 50.0, 92.2, 59.6],
        ['2x "Hmm"', 50.0, 93.0, 59.6],
        ['2x "Wait"', 53.3, 93.0, 59.6],
    ],
}
_TITLES = {
    "table_models": "Models",
    "table_methods": "Methods of test-time scaling on AIME24",
    "table_data_ablation": "Choosing 1,000 of 59,000 questions",
    "funnel": "From 59,029 questions to 1,000",
    "grades": "Traces whose answer was judged correct",
}
_SETTINGS = (
    (re.compile(r"forced early stop, (\d+)"), "budget"),
    (re.compile(r"forcing (\d+) max thinking tokens"), "budget"),
    (re.compile(r'ignore end-of-thinking (\d+)x \+ "Wait"'), "waits"),
    (re.compile(r"natural stop"), "natural"),
)


def convert(read: Json) -> Json:
    """Return the content of `published.json`."""
    curves = [curve for curve in read["curves"] if "avg_thinking_tokens" in curve["points"][0]]
    others = [curve for curve in read["curves"] if curve not in curves]
    tables = {name.removeprefix("table_"): {"title": _TITLES[name], **table} for name, table in read["tables"].items()}
    tables |= {"wait_ablation": WAIT_ABLATION}
    (sample_efficiency,) = others
    tables |= {"sample_efficiency": _as_table(sample_efficiency)}
    return {
        "provenance": "published",
        "source": {key: read[key] for key in ("repo", "commit", "licence")},
        "series": _merge([_series(curve) for curve in curves]),
        "tables": tables,
        "histograms": read["histograms"],
        "domains": read["bubble"],
        "observations": read["observations"],
    }


def _series(curve: Json) -> Json:
    in_output = any("votes" in point for point in curve["points"])
    return {
        "benchmark": curve["benchmark"],
        "model": curve["model"],
        "method": curve["method"],
        "figures": [curve["figure"]],
        "x": "output_tokens" if in_output else "thinking_tokens",
        "precision": curve["precision"],
        "label_basis": curve.get("label_basis"),
        "note": curve.get("note"),
        "points": [_point(point) for point in curve["points"]],
    }


def _point(point: Json) -> Json:
    kept = {key: point[key] for key in ("total_output_tokens", "votes", "x_uncertainty", "note") if key in point}
    return {
        "thinking_tokens": point["avg_thinking_tokens"],
        "correct": point["correct"],
        "n": point["total"],
        "label": point["label"],
        "setting": _setting(point["label"]),
        **kept,
    }


def _setting(label: str | None) -> Json | None:
    """What a label says was asked; nothing is made up for a point without one."""
    for pattern, kind in _SETTINGS:
        found = pattern.match(label or "")
        if found is not None:
            number = int(found[1]) if found.groups() else None
            waits = number if kind == "waits" else 0
            return {"max_thinking_tokens": number if kind == "budget" else None, "waits": waits, "wait_text": "Wait"}
    return None


def _merge(series: list[Json]) -> list[Json]:
    """One series for figures that show the same points."""
    merged: list[Json] = []
    for one in series:
        same = next((m for m in merged if {**m, "figures": 0} == {**one, "figures": 0}), None)
        if same is not None:
            same["figures"] += one["figures"]
        else:
            merged.append(one)
    return merged


def _as_table(curve: Json) -> Json:
    return {
        "title": f"{curve['method'].capitalize()} ({curve['benchmark']})",
        "source": curve["figure"],
        "columns": ["model", "examples", curve["benchmark"]],
        "rows": [[point["label"], point["examples"], point["accuracy"]] for point in curve["points"]],
        "note": curve["precision"],
    }


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    p = argparse.ArgumentParser(prog="python -m evals.publish", description=(__doc__ or "").splitlines()[0])
    p.add_argument("curves", type=Path, help="the file with the values")
    p.add_argument("--out", type=Path, default=PUBLISHED, help="where to write (default: evals/results/published.json)")
    args = p.parse_args(argv)
    content = convert(json.loads(args.curves.read_text(encoding="utf-8")))
    write_atomically(args.out, _one_point_per_line(json.dumps(content, indent=1, ensure_ascii=False)) + "\n")
    return 0


def _one_point_per_line(text: str) -> str:
    """Fold innermost lists and objects into one line each, so that a change of a value is a change of a line."""
    return re.sub(
        r"[\[{]\n[^\[\]{}]*[\]}]",
        lambda found: re.sub(r"\s*\n\s*", " ", found[0]) if len(found[0]) < 2_000 else found[0],
        text,
    )


if __name__ == "__main__":
    sys.exit(main())
