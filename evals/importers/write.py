"""Foreign runs into run folders: one per model and benchmark, its settings side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from evals.importers.foreign import ForeignRun, files_under
from evals.importers.inspect_log import find_run
from evals.importers.lines import Notes
from evals.importers.lm_eval import find_runs, is_lm_eval
from evals.importers.reading import Choice, rows_of, survey, with_verdict_choice
from evals.importers.tokens import CountTokens, CountWhenNeeded, load_counter, own_tokenizer
from s1core.errors import InvalidSetting
from s1core.store import Row, RunStore, config_hash

AS_RECORDED = Choice()
TOLD = "counts of the log itself"
"""Who counted, where no tokenizer had to."""
_BATCH = 64
"""Rows per write: each write waits for the disk."""


def find_all(paths: list[Path], max_mb: int, notes: Notes) -> list[list[ForeignRun]]:
    """Find the runs in files and folders, those of one model on one benchmark together."""
    files = files_under(paths, notes)
    runs = find_runs([path for path in files if is_lm_eval(path)], max_mb, notes)
    for path in files:
        if not is_lm_eval(path) and (run := find_run(path, max_mb, notes)) is not None:
            runs.append(run)
    groups: dict[tuple[str, str], dict[str, ForeignRun]] = {}
    for run in runs:
        group = groups.setdefault((run.model, run.benchmark), {})
        first = group.get(run.asked.label)
        if first is not None:
            run = _with_distinct_label(run, first)
        kept = group.setdefault(run.asked.label, run)
        if kept is not run:
            notes.add(f"{run.path} repeats the setting {run.asked.label!r} of {kept.path}, and was left out")
    return [sorted(group.values(), key=_order) for group in groups.values()]


def _with_distinct_label(run: ForeignRun, first: ForeignRun) -> ForeignRun:
    """The same run with its temperature, else its seed, in the setting's name, to distinguish it from another one."""
    for name in ("temperature", "seed"):
        value = getattr(run.asked, name)
        if value != getattr(first.asked, name):
            said = f"{name} {value if value is not None else 'not told'}"
            extra = f"{run.asked.extra}, {said}" if run.asked.extra else said
            return replace(run, asked=replace(run.asked, extra=extra))
    return run


def _order(run: ForeignRun) -> tuple[int, float]:
    most = run.asked.max_thinking_tokens
    return run.asked.waits, float("inf") if most is None else most


def one_group(groups: Sequence[Sequence[ForeignRun]], out: Path) -> None:
    """Check that the runs fit one folder.

    Raises:
        InvalidSetting: they are of several models or benchmarks, which never share a run.
    """
    if len(groups) > 1:
        names = "; ".join(f"{group[0].model} on {group[0].benchmark}" for group in groups)
        raise InvalidSetting(
            f"one run folder holds one model on one benchmark, and these are {len(groups)} ({names}): "
            f"leave --out {out} away to get a folder for each"
        )


def write_run(
    runs: Sequence[ForeignRun], out: Path | None, tokenizer: str | None, notes: Notes, choice: Choice = AS_RECORDED
) -> Path | None:
    """Write the runs of one model on one benchmark into a folder; the same command resumes.

    Args:
        runs: what `find_all` put together.
        out: the folder; None makes a name under `runs/`.
        tokenizer: folder or hub id; None takes the model's own: the one that comes with it, else the hub's.
        notes: takes what could not be imported, what is not known, and what is asked.
        choice: which verdicts count.

    Returns:
        The folder, or None when nothing in it could be used.

    Raises:
        S1Error: no tokenizer, or the folder cannot be written or holds another run.
    """
    location, name = (tokenizer, Path(tokenizer).name) if tokenizer else own_tokenizer(runs[0].model)
    count = CountWhenNeeded(lambda: load_counter(location))
    written = write_counted(runs, out, count, name, notes, choice)
    if count.failed is not None:
        notes.add(f"the tokens of the answers are unknown: {count.failed}")
    return written


def write_counted(
    runs: Sequence[ForeignRun],
    out: Path | None,
    count: CountTokens,
    counted_by: str,
    notes: Notes,
    choice: Choice = AS_RECORDED,
) -> Path | None:
    """Do what `write_run` does, with a count of tokens that is at hand.

    Args:
        runs: as `write_run`.
        out: as `write_run`.
        count: counts the tokens of a text.
        counted_by: what counts, for the manifest: the tokenizer's name, or how it is estimated.
        notes: as `write_run`.
        choice: as `write_run`.
    """
    held = [survey(run) for run in runs]
    runs = [with_verdict_choice(run, of) for run, of in zip(runs, held, strict=True)]
    rows = (row for run, of in zip(runs, held, strict=True) for row in rows_of(run, of, count, choice, notes))
    first = next(rows, None)
    if first is None:
        return None
    config = _config(runs, choice)
    name = f"imported-{runs[0].benchmark}-{runs[0].model}-{config_hash(config)}".replace("/", "-")
    folder = out or Path("runs") / name
    facts = {"sources": [run.facts for run in runs], "tokenizer": counted_by if any(of.counts for of in held) else TOLD}
    with RunStore(folder, config, facts) as store:
        _append(store, chain([first], rows), folder, notes)
    return folder


def _config(runs: Sequence[ForeignRun], choice: Choice) -> dict[str, Any]:
    first = runs[0]
    return {
        "provenance": "imported",
        "model": first.model,
        "engine": first.engine,
        "benchmark": first.benchmark,
        "questions": max((run.expected for run in runs if run.expected is not None), default=None),
        "settings": [run.asked.as_dict() for run in runs],
        "sampling": {"temperature": first.asked.temperature, "seed": first.asked.seed},
        **({"graded": "again"} if choice.regrade else {}),
        **({"verdict": choice.verdict} if choice.verdict is not None else {}),
    }


def _append(store: RunStore, rows: Iterator[Row], folder: Path, notes: Notes) -> None:
    done = {_key(row) for row in store.rows()}
    repeated = 0
    while batch := list(islice(rows, _BATCH)):
        new = {_key(row): row for row in reversed(batch) if _key(row) not in done}
        repeated += len(batch) - len(new)
        done |= new.keys()
        if new:
            store.append(*reversed(new.values()))
    if repeated:
        notes.add(f"{repeated} samples were in {folder} already, or twice in the log; the first of each stays")


def _key(row: Row) -> tuple[Any, ...]:
    return row["id"], row["setting"], row["sample_index"]
