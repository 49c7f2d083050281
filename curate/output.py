"""What a curation leaves: the dataset on disk, the manifest with all counts, and the dataset's card."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from curate.cache import Facts
from curate.card import card
from curate.claude.journal import Spending, as_figures
from curate.claude.prices import PRICES_OF
from curate.claude.tasks import DOMAIN, GRADING
from curate.config import CurateConfig
from curate.render import COLUMNS, record
from curate.rows import CurateError, Row
from curate.stages.trace import open_traces
from s1core.store import reason_of, write_atomically

DATASET = "dataset"


@dataclass(frozen=True, kw_only=True, slots=True)
class StageCount:
    """One line of the funnel."""

    stage: str
    rows_in: int
    rows_out: int
    rejected: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Funnel:
    """How the set came about."""

    config: CurateConfig
    counts: Sequence[StageCount]
    collected: Mapping[str, int]
    skipped: Mapping[str, str]
    spending: dict[str, Spending]


def save(folder: Path, rows: Sequence[Row], funnel: Funnel, cache: Path) -> None:
    """Write dataset, manifest and card; the manifest says `finished` only when the rest is there.

    Raises:
        CurateError: a trace is not in the cache, or the disk refuses.
    """
    with open_traces(cache, funnel.config.tracer) as traces:
        _save_dataset(folder / DATASET, lambda: (record(row, _trace(traces, row)) for row in rows))
    manifest = _manifest(folder, rows, funnel)
    write_atomically(folder / "README.md", card(folder.name, manifest))
    write_atomically(folder / "manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")


def _trace(traces: Facts, row: Row) -> dict[str, Any]:
    trace = traces.get(row.key)
    if trace is None:
        raise CurateError(f"the trace of {row.uid} is not in {traces.folder} any more; run again to make it anew")
    return trace


def _save_dataset(target: Path, records: Callable[[], Iterator[dict[str, Any]]]) -> None:
    # Imported here: it takes a second, and only the last step needs it.
    from datasets import Dataset, Features, List, Value, disable_progress_bars

    disable_progress_bars()
    kinds = {"thinking_tokens": Value("int64"), "correct": Value("bool"), "no_loss": List(List(Value("int64")))}
    features = Features({name: kinds.get(name, Value("string")) for name in COLUMNS})
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        # Row by row through a file: all traces of a large set need not fit into memory. The fingerprint, which would
        # else be worked out from all rows, only names that file.
        dataset = Dataset.from_generator(
            records, features=features, cache_dir=str(temporary / "cache"), fingerprint=secrets.token_hex(8)
        )
        dataset.save_to_disk(str(temporary / "new"))  # pyright: ignore[reportAttributeAccessIssue]
        if target.exists():
            target.rename(temporary / "old")
        (temporary / "new").rename(target)
    except Exception as error:
        # The library wraps what goes wrong while it asks for rows.
        cause = error.__cause__ or error
        if isinstance(cause, OSError):
            raise CurateError(f"{target} cannot be written: {reason_of(cause)} and resume") from error
        raise cause from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _manifest(folder: Path, rows: Sequence[Row], funnel: Funnel) -> dict[str, Any]:
    begun = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    config, lengths = funnel.config, [row.thinking_tokens or 0 for row in rows]
    tasks = [GRADING] * (config.judge == "claude") + [DOMAIN] * (config.domains == "claude")
    return {
        **begun,
        "state": "finished",
        "rows": len(rows),
        "rows_hash": hashlib.sha256("\n".join(sorted(row.key for row in rows)).encode()).hexdigest()[:16],
        "funnel": [asdict(count) for count in funnel.counts],
        "sources": [_source(spec, rows, funnel.collected) for spec in config.sources if spec.name in funnel.collected],
        "skipped": dict(funnel.skipped),
        "domains": dict(Counter(row.domain for row in rows if row.domain).most_common()),
        "drawn": dict(Counter(row.drawn for row in rows).most_common()),
        "thinking_tokens": {"mean": round(mean(lengths), 1), "min": min(lengths), "max": max(lengths)},
        "teacher_right": dict(Counter(_verdict(row.correct) for row in rows).most_common()),
        "prompts": {task.name: task.hash for task in tasks},
        "cost": {
            "usd": round(sum(s.usd for s in funnel.spending.values()), 6),
            "prices_of": PRICES_OF,
            "by_task": as_figures(funnel.spending),
        },
    }


def _source(spec: Any, rows: Sequence[Row], collected: Mapping[str, int]) -> dict[str, Any]:
    source = spec.source
    return {
        "name": source.name,
        "title": source.title,
        "hub": source.hub.id if source.hub else None,
        "licence": source.licence,
        "private": source.private,
        "collected": collected[source.name],
        "published_rows": source.published_rows,
        "selected": sum(row.source == source.name for row in rows),
    }


def _verdict(correct: bool | None) -> str:
    return "not judged" if correct is None else "right" if correct else "wrong"
