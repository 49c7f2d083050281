"""Curated sets by name: those under `curated/`, finished or not, and the examples that come with the app."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.access.limits import is_public
from app.artifacts.curated.funnel import Funnel, FunnelFile
from app.artifacts.curated.lengths import lengths_view, published_lengths
from app.artifacts.curated.rejected import RejectedFile
from app.artifacts.curated.rows import EXAMPLE, Rows, read_rows
from app.artifacts.schemas import SET, read_shaped
from app.shell.responses import View
from evals.reports.cached import published_histograms
from s1core import S1Error
from s1core.store import read_object

EXAMPLES = Path(__file__).parents[2] / "examples"
ROOT_VARIABLE = "S1_CURATED"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}")
_EXAMPLE_PREFIX = "example."
MOST_SETS = 200


_GONE = "There is no curated set of this name any more; reload the page and choose another one."


class NoSuchSet(S1Error, LookupError):
    """The name is none of a curated set."""


def default_root() -> Path:
    """Where `curate.run` puts its sets: `curated/` of the folder that the server was started in, or `S1_CURATED`."""
    return Path(os.environ.get(ROOT_VARIABLE) or "curated")


@dataclass(frozen=True, kw_only=True)
class CuratedSet:
    """One set on disk, as far as it is there."""

    id: str
    folder: Path
    example: bool
    funnel_file: FunnelFile
    rejected: RejectedFile

    def manifest(self) -> dict[str, Any]:
        """What was asked, and of a finished set all counts; empty where it cannot be read."""
        return read_shaped(self.folder / "manifest.json", SET)

    def funnel(self) -> Funnel:
        """The stages as they stand."""
        return self.funnel_file.read()

    def rows(self) -> Rows | None:
        """The selected rows; None before there are any."""
        return read_rows(self.folder)

    def estimate(self) -> View | None:
        """What the run said that it would ask, if it did."""
        return read_object(self.folder / "estimate.json") or None


class SetStore:
    """Finds sets. Safe from any thread."""

    def __init__(self, root: Path | None = None, *, runs: Callable[[int], bool] | None = None) -> None:
        """Open the store.

        Args:
            root: folder of the sets.
            runs: tells whether a process is there.
        """
        self.root = root or default_root()
        self._runs = runs or process_runs
        self._lock = threading.Lock()
        self._held: dict[str, CuratedSet] = {}

    def find(self, name: str, *, owner: bool = True) -> CuratedSet:
        """Return a set by its name.

        Args:
            name: as in the list.
            owner: whether it is for the owner, who also sees what was made of his own files.

        Raises:
            NoSuchSet: the name is none, or no folder has it.
        """
        example = name.startswith(_EXAMPLE_PREFIX)
        bare = name.removeprefix(_EXAMPLE_PREFIX)
        folder = (EXAMPLES if example else self.root) / bare
        if not _NAME.fullmatch(bare) or not (folder / "manifest.json").is_file():
            raise NoSuchSet(_GONE)
        if not owner and not example and of_files(folder):
            raise NoSuchSet(_GONE)
        with self._lock:
            if name not in self._held:
                self._held[name] = CuratedSet(
                    id=name,
                    folder=folder,
                    example=example,
                    funnel_file=FunnelFile(folder / "progress.jsonl"),
                    rejected=RejectedFile(folder / "rejected.jsonl"),
                )
            return self._held[name]

    def all(self, *, owner: bool = True) -> list[CuratedSet]:
        """Every set, the last one worked on first; the examples come last."""
        own = [p for p in _folders(self.root) if _NAME.fullmatch(p.name) and (owner or not of_files(p))]
        own.sort(key=lambda path: (path / "manifest.json").stat().st_mtime, reverse=True)
        names = [path.name for path in own[:MOST_SETS]]
        return [self.find(name) for name in [*names, *(_EXAMPLE_PREFIX + p.name for p in _folders(EXAMPLES))]]

    def catalogue(self, *, owner: bool = True) -> View:
        """All sets for the page, and the published lengths to compare with."""
        return {"sets": [self.line(one) for one in self.all(owner=owner)], "published": published()}

    def line(self, one: CuratedSet) -> View:
        """One set in the list."""
        manifest = one.manifest()
        config = manifest.get("config") or {}
        return {
            "id": one.id,
            "title": one.id.removeprefix(_EXAMPLE_PREFIX),
            "example": one.example,
            "state": self.funnel_view(one)["state"],
            "rows": manifest.get("rows"),
            "mode": config.get("mode", ""),
        }

    def funnel_view(self, one: CuratedSet) -> View:
        """The funnel for the page."""
        funnel = one.funnel()
        view = funnel.view(alive=funnel.pid is not None and self._runs(funnel.pid))
        if view["state"] == "none":
            view["state"] = "begun"
        return view

    def view(self, one: CuratedSet) -> View:
        """All of a set but its rows and rejections."""
        manifest, rows = one.manifest(), one.rows()
        finished = manifest.get("state") == "finished"
        hidden = hidden_sources(manifest)
        return {
            **self.line(one),
            "funnel": self.funnel_view(one),
            "rejected": [[stage, rule, n] for (stage, rule), n in one.rejected.counts().items()],
            "summary": _summary(manifest) if finished else [],
            "domains": list((manifest.get("domains") or {}).items()) if finished else [],
            "lengths": lengths_view(one.id.removeprefix(_EXAMPLE_PREFIX), rows.lengths) if rows and finished else None,
            "estimate": one.estimate(),
            "note": _note(one, rows),
            "hidden": sorted(hidden),
        }


def of_files(folder: Path) -> bool:
    """Whether a set was made of local files, and not of public sources alone."""
    sources = (read_shaped(folder / "manifest.json", SET).get("config") or {}).get("sources") or []
    return any(source.get("files") for source in sources)


def hidden_sources(manifest: View) -> frozenset[str]:
    """Sources whose authors ask that no public page shows their texts, where this page is public."""
    if not is_public():
        return frozenset()
    # Before the end the manifest names sources without saying which are private.
    named = {str(s.get("name")) for s in (manifest.get("config") or {}).get("sources", [])}
    private = {str(s["name"]) for s in manifest.get("sources") or [] if s.get("private")}
    return frozenset(private | {name for name in named | {"gpqa", "gpqa_diamond"} if name.startswith("gpqa")})


def hides(entry: View, hidden: frozenset[str]) -> bool:
    """Whether a rejection shows something of a hidden source: its own text, or the words that it shares with one."""
    return entry.get("source") in hidden or any(str(entry.get("rule")).endswith(f":{name}") for name in hidden)


def process_runs(pid: int) -> bool:
    """Whether a process of this number is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError, ValueError):
        return True
    # One that has ended and was not waited for is there in name only.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return True


@lru_cache(maxsize=1)
def published() -> list[View]:
    """The lengths of the published sets."""
    return [published_lengths(one) for one in published_histograms()]


def compare(a: CuratedSet, b: CuratedSet) -> View:
    """Two finished sets side by side.

    Raises:
        NoSuchSet: one of them has no rows.
    """
    rows_a, rows_b = a.rows(), b.rows()
    if rows_a is None or rows_b is None:
        raise NoSuchSet("Only finished sets can be compared; this one has no selected questions yet.")
    manifest_a, manifest_b = a.manifest(), b.manifest()
    shares = [_shares(manifest) for manifest in (manifest_a, manifest_b)]
    names = sorted({*shares[0], *shares[1]}, key=lambda name: -max(shares[0].get(name, 0), shares[1].get(name, 0)))
    both = len(rows_a.keys & rows_b.keys)
    facts_b = dict(_summary(manifest_b))
    return {
        "both": both,
        "only_a": len(rows_a.keys) - both,
        "only_b": len(rows_b.keys) - both,
        "facts": [[name, value, facts_b.get(name, "–")] for name, value in _summary(manifest_a)],
        "domains": [[name, shares[0].get(name, 0.0), shares[1].get(name, 0.0)] for name in names[:40]],
        "lengths": lengths_view(b.id.removeprefix(_EXAMPLE_PREFIX), rows_b.lengths),
    }


def _shares(manifest: View) -> dict[str, float]:
    domains = manifest.get("domains") or {}
    total = sum(domains.values()) or 1
    return {name: round(100 * count / total, 2) for name, count in domains.items()}


def _summary(manifest: View) -> list[list[str]]:
    config, tokens = manifest.get("config") or {}, manifest.get("thinking_tokens") or {}
    sources = [s for s in manifest.get("sources") or [] if s.get("selected")]
    right = manifest.get("teacher_right") or {}
    spent = (manifest.get("cost") or {}).get("usd", 0.0)
    return [
        ["questions", f"{manifest.get('rows', 0):,}"],
        ["selection", f"{config.get('mode', '')}, seed {config.get('seed', 0)}"],
        [
            "thinking tokens",
            f"{tokens.get('mean', 0):,.0f} on average, {tokens.get('min', 0):,} to {tokens.get('max', 0):,}",
        ],
        ["teacher's answers", ", ".join(f"{n:,} {verdict}" for verdict, n in right.items())],
        ["domains", f"{len(manifest.get('domains') or {}):,}"],
        ["sources", ", ".join(f"{s['name']} {s['selected']:,}" for s in sources)],
        ["licences", ", ".join(sorted({str(s["licence"]) for s in sources}))],
        ["spent on Claude", f"${spent:,.4f}" if spent else "nothing"],
    ]


def _note(one: CuratedSet, rows: Rows | None) -> str:
    if not one.example or rows is None:
        return ""
    return (
        f"An example that comes with the app: a real run, of which {rows.table.num_rows:,} of {rows.total:,} selected "
        "questions and a few rejected ones of every rule are here. Counts and lengths are those of the whole run."
    )


def example_counts(folder: Path) -> dict[str, int]:
    """Of an example: how many rows each rule rejected in the whole run, as `stage/rule`."""
    path = folder / EXAMPLE
    return json.loads(path.read_text(encoding="utf-8"))["rejected"] if path.exists() else {}


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if (path / "manifest.json").is_file())
    except OSError:
        return []
