"""Collect: every source to rows, or to rejections. A source is kept as soon as it is read; the others may fail.

`<run>/sources/<name>.jsonl` holds its rows and `<name>.rejected.jsonl` what it had besides.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate.rows import CurateError, Outcome, Rejection, Row
from curate.sources import Refused, SourceSpec, read
from s1core.errors import S1Error
from s1core.store import config_hash, replacing

STAGE = "collect"


@dataclass(frozen=True, kw_only=True)
class Collected:
    """Rows and rejections of all sources that could be read."""

    outcome: Outcome
    by_source: dict[str, int]
    failed: dict[str, str]
    """Sources that could not be read, and why."""


def collect(
    folder: Path,
    specs: Sequence[SourceSpec],
    seed: int,
    on_progress: Callable[[int, Counter[str]], None],
    *,
    skip_missing: bool = False,
) -> Collected:
    """Read every source that was not read by an earlier start of this run.

    Raises:
        CurateError: some sources failed; each is named with its reason. The others are kept.
    """
    rows: list[Row] = []
    rejections: list[Rejection] = []
    counts: Counter[str] = Counter()
    by_source: dict[str, int] = {}
    failed: dict[str, str] = {}
    for spec in specs:
        try:
            before = len(rows) + len(rejections)
            outcome = _source(folder / "sources", spec, seed, lambda n, before=before: on_progress(before + n, counts))
        except S1Error as error:
            failed[spec.name] = str(error)
            continue
        rows += outcome.rows
        rejections += outcome.rejections
        by_source[spec.name] = len(outcome.rows)
        counts.update(r.rule for r in outcome.rejections)
        on_progress(len(rows) + len(rejections), counts)
    if failed and not skip_missing:
        kept = f"{', '.join(by_source)} kept; " if by_source else ""
        raise CurateError(
            f"{'; '.join(failed.values())}. ({kept}the same command goes on from there, "
            "--skip-missing does without what failed)"
        )
    return Collected(outcome=Outcome(rows=rows, rejections=rejections), by_source=by_source, failed=failed)


def _source(folder: Path, spec: SourceSpec, seed: int, on_progress: Callable[[int], None]) -> Outcome:
    """One source, from disk if it was read before."""
    wanted = config_hash({**spec.as_dict(), "seed": seed})
    kept, dropped = folder / f"{spec.name}.jsonl", folder / f"{spec.name}.rejected.jsonl"
    known = _read_known(kept, dropped, wanted)
    if known is not None:
        return known
    rows, rejections = _read_rows(spec, seed, on_progress)
    if not rows:
        rules = ", ".join(f"{rule} {n}" for rule, n in Counter(r.rule for r in rejections).most_common(3))
        raise CurateError(f"source {spec.name}: no usable question ({rules or 'it is empty'})")
    _write(dropped, (r.as_dict() for r in rejections))
    # Written last: it says that the source is complete.
    _write(kept, [{"settings": wanted}, *(row.as_dict() for row in rows)])
    return Outcome(rows=rows, rejections=rejections)


def _read_rows(spec: SourceSpec, seed: int, on_progress: Callable[[int], None]) -> tuple[list[Row], list[Rejection]]:
    rows: list[Row] = []
    rejections: list[Rejection] = []
    ids: set[str] = set()
    for number, (place, read_row) in enumerate(read(spec, seed=seed), start=1):
        if isinstance(read_row, Refused):
            rule, detail = read_row.rule, read_row.detail
            rejections.append(Rejection(stage=STAGE, rule=rule, detail=detail, source=spec.name, id=place))
        elif read_row.id in ids:
            rejections.append(Rejection.of(read_row, STAGE, "duplicate_id", place))
        else:
            ids.add(read_row.id)
            rows.append(read_row)
        if number % 1000 == 0:
            on_progress(number)
    sample = spec.source.sample
    if sample is not None and len(rows) > sample:
        chosen = {row.id for row in random.Random(f"{seed}/{spec.name}").sample(rows, sample)}
        rejections += [Rejection.of(row, STAGE, f"sample of {sample}") for row in rows if row.id not in chosen]
        rows = [row for row in rows if row.id in chosen]
    return rows, rejections


def _read_known(kept: Path, dropped: Path, wanted: str) -> Outcome | None:
    """What is on disk of a source; None if that is missing, damaged or of other settings: the source is read again."""
    if not kept.exists() or not dropped.exists():
        return None
    try:
        with kept.open(encoding="utf-8") as file:
            if json.loads(next(file, "{}")).get("settings") != wanted:
                return None
            rows = [Row(**json.loads(line)) for line in file]
        with dropped.open(encoding="utf-8") as file:
            rejections = [Rejection(**json.loads(line)) for line in file]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return Outcome(rows=rows, rejections=rejections)


def _write(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    with replacing(path) as file:
        # Escapes keep what is no valid text, such as half a character in a place name, out of the file's encoding.
        file.writelines(json.dumps(line, default=str) + "\n" for line in lines)
