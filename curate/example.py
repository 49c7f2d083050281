"""A small part of a finished set, to ship as an example: `python -m curate.example curated/nano-1k --to FOLDER`.

It holds the manifest, the funnel's events, all keys and lengths, and some rows and rejections; it says of how many.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from curate.output import DATASET
from curate.pipeline import REJECTED
from curate.progress import FILE as PROGRESS
from curate.progress import read_events
from curate.push import check
from curate.rows import CurateError
from s1core.errors import S1Error
from s1core.store import write_atomically

PROG = "python -m curate.example"
FREE = ("Apache-2.0", "MIT", "CC0-1.0")
"""Licences under which questions may be shipped with this project."""


def export(folder: Path, target: Path, *, rows: int, rejected: int) -> None:
    """Write the example.

    Args:
        folder: a finished set.
        target: where to.
        rows: how many selected rows are shown.
        rejected: how many rejections of every rule are shown.

    Raises:
        CurateError: the set is not finished, or a source's licence does not let its questions be shipped.
    """
    manifest = check(folder)
    unfree = [s["name"] for s in manifest["sources"] if s["collected"] and s["licence"] not in FREE]
    if unfree:
        raise CurateError(f"the questions of {', '.join(unfree)} may not be shipped: their licence is not a free one")
    # Imported here: checking needs nothing of it.
    from datasets import load_from_disk

    dataset: list[Any] = list(load_from_disk(str(folder / DATASET)))
    entries = [json.loads(line) for line in (folder / REJECTED).read_text(encoding="utf-8").splitlines()]
    counts = Counter(f"{entry['stage']}/{entry['rule']}" for entry in entries)
    by_rule: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in entries:
        by_rule[f"{entry['stage']}/{entry['rule']}"].append(entry)
    example = {
        "rows": len(dataset),
        "lengths": [row["thinking_tokens"] for row in dataset],
        "keys": [row["key"] for row in dataset],
        "rejected": dict(counts),
    }
    _write(target / "rows.jsonl", _spread(dataset, rows))
    _write(target / REJECTED, [entry for group in by_rule.values() for entry in _spread(group, rejected)])
    _write(target / PROGRESS, _events(folder))
    write_atomically(target / "example.json", json.dumps(example) + "\n")
    write_atomically(target / "manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")


def _events(folder: Path) -> list[dict[str, Any]]:
    """For each stage the end of the start that did its work, then the end of the run: its speed, not that of a look."""
    events = read_events(folder)
    done: dict[str, dict[str, Any]] = {}
    for event in events:
        if event["state"] == "done" and event["seconds"] >= done.get(event["stage"], event)["seconds"]:
            done[event["stage"]] = event
    return [*done.values(), events[-1]]


def _spread(entries: list[Any], most: int) -> list[Any]:
    """Evenly over the list."""
    count = min(most, len(entries))
    return [entries[place * len(entries) // count] for place in range(count)]


def _write(path: Path, lines: Iterable[Any]) -> None:
    write_atomically(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    p = argparse.ArgumentParser(prog=PROG, description="Take a small part of a finished set, to ship as an example.")
    p.add_argument("folder", type=Path, help="curated/<id>")
    p.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="where it is written")
    p.add_argument("--rows", type=int, default=60, help="selected questions that are shown (%(default)s)")
    p.add_argument("--rejected", type=int, default=8, help="rejections of every rule that are shown (%(default)s)")
    args = p.parse_args(argv)
    try:
        export(args.folder, args.to, rows=args.rows, rejected=args.rejected)
    except S1Error as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
