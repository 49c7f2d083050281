"""The funnel from the first question to the dataset on disk. Every step can be killed and taken up again.

A run folder holds `manifest.json` (what was asked, and at the end all counts), `progress.jsonl` (the funnel as it
fills), `sources/` (collected rows), `rejected.jsonl` (every rejection, by stage and rule), and at the end `dataset/`
and `README.md`. What models wrote is in the cache, for other runs as well.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from curate.claude.journal import CapReached
from curate.collect import STAGE as COLLECT
from curate.collect import Collected, collect
from curate.config import STAGES, CurateConfig, Means, cheap_stages, in_shard, model_stages
from curate.output import Funnel, StageCount, save
from curate.progress import Event, Progress, read_events
from curate.rows import CurateError, Outcome, Rejection, Row, Stage
from curate.sources import Refused, read
from s1core import provenance
from s1core.errors import S1Error
from s1core.store import config_hash, reason_of, replacing, write_atomically

REJECTED = "rejected.jsonl"
Approve = Callable[[list[Row]], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How a run ended without failing."""

    state: str
    """`finished`, `partial` (up to a stage or for a shard) or `declined`."""
    rows: int
    funnel: list[StageCount]


def curate(
    config: CurateConfig,
    folder: Path,
    means: Means,
    *,
    approve: Approve | None = None,
    until: str | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Result:
    """Curate a set, or go on where an earlier start of the same run was stopped.

    Args:
        config: what decides the set; a folder of another configuration is refused.
        folder: `curated/<id>`.
        means: the cache, the way to Claude, the part of the work.
        approve: asked, with the rows that are left, before the first model is; False ends the run.
        until: the last stage to run.
        on_event: called with every event.

    Raises:
        CurateError: a source, a stage, the cap or an answer stands in the way; what is done is kept.
        S1Error: a model or the disk does.
    """
    reaches = STAGES.index(until) if until else len(STAGES)
    if config.needs_difficulty and not config.weak and reaches >= STAGES.index("difficulty"):
        raise CurateError("the published selection needs weaker models for the difficulty: --weak MODEL, twice")
    with _locked(folder):
        _check_manifest(folder, config)
        progress = Progress(folder, on_event)
        run = _Run(config=config, folder=folder, means=means, progress=progress)
        progress.run("started")
        try:
            result = run.go(approve, until)
        except (CapReached, KeyboardInterrupt) as error:
            progress.run("stopped", str(error) or "interrupted")
            raise
        except S1Error as error:
            progress.run("failed", str(error))
            raise
        except OSError as error:
            stopped = CurateError(f"the curation in {folder} was stopped: {reason_of(error)} and resume")
            with suppress(OSError):  # where the disk is full, telling may fail as well
                progress.run("failed", str(stopped))
            raise stopped from error
        finally:
            means.close()
        progress.run("finished" if result.state == "finished" else "stopped", result.state)
        return result


class _Run:
    def __init__(self, *, config: CurateConfig, folder: Path, means: Means, progress: Progress) -> None:
        self._config, self._folder, self._means, self._progress = config, folder, means, progress
        self._funnel: list[StageCount] = []
        self._known = _Known.of(folder)
        # Filled again stage by stage.
        write_atomically(folder / REJECTED, "")

    def go(self, approve: Approve | None, until: str | None) -> Result:
        collected = self._collect()
        rows = collected.outcome.rows
        for stage in cheap_stages(self._config, self._evaluation()) if until != COLLECT else []:
            rows = self._stage(stage, rows)
            if stage.name == until:
                break
        if until in STAGES[:3]:
            return self._partial(rows)
        if self._means.shard:
            rows = [row for row in rows if in_shard(row, self._means.shard)]
            _not_empty("shard", len(rows), rows, {})
        if approve is not None and not approve(rows):
            return Result(state="declined", rows=len(rows), funnel=self._funnel)
        for set_up in model_stages(self._config, self._means):
            stage = set_up()
            rows = self._stage(stage, rows)
            if stage.name == until:
                break
        if self._means.shard or until not in (None, STAGES[-1]):
            return self._partial(rows)
        self._render(rows, collected)
        return Result(state="finished", rows=len(rows), funnel=self._funnel)

    def _collect(self) -> Collected:
        self._progress.begin(COLLECT, 0)
        with self._failing():
            collected = collect(
                self._folder,
                self._config.sources,
                self._config.seed,
                self._progress.report,
                skip_missing=self._means.skip_missing,
            )
            total = len(collected.outcome.rows) + len(collected.outcome.rejections)
            _not_empty(COLLECT, total, collected.outcome.rows, collected.outcome.by_rule())
        self._note(COLLECT, total, collected.outcome)
        return collected

    def _evaluation(self) -> list[Row]:
        rows: list[Row] = []
        for spec in self._config.evaluation:
            try:
                found = [row for _, row in read(spec, evaluation=True) if not isinstance(row, Refused)]
            except CurateError as error:
                raise CurateError(f"{error} (an evaluation set; --eval none does without any)") from error
            if not found:
                raise CurateError(f"the evaluation set {spec.name} holds no question")
            rows += found
        return rows

    def _stage(self, stage: Stage, rows: list[Row]) -> list[Row]:
        fingerprint = config_hash({"stage": stage.config, "rows": config_hash({"rows": [row.uid for row in rows]})})
        self._progress.begin(stage.name, len(rows))
        known = self._known.rejections(stage.name, fingerprint) if stage.pure else None
        with self._failing():
            if known is not None:
                gone = {rejection.uid for rejection in known}
                left = [row for row in rows if row.uid not in gone]
                outcome = Outcome(rows=left, rejections=known, notes=self._known.notes(stage.name))
            else:
                outcome = stage.run(rows, self._progress.report)
            self._note(stage.name, len(rows), outcome, fingerprint=fingerprint, known=known is not None)
            _not_empty(stage.name, len(rows), outcome.rows, outcome.by_rule(), outcome.notes)
        return outcome.rows

    def _note(self, stage: str, rows_in: int, outcome: Outcome, **more: Any) -> None:
        """Rejections first, then the event that says they are complete."""
        _append(self._folder / REJECTED, outcome.rejections)
        rejected = outcome.by_rule()
        self._funnel.append(StageCount(stage=stage, rows_in=rows_in, rows_out=len(outcome.rows), rejected=rejected))
        self._progress.end(len(outcome.rows), rejected, rows_in=rows_in, notes=outcome.notes, **more)

    def _render(self, rows: list[Row], collected: Collected) -> None:
        self._progress.begin(STAGES[-1], len(rows))
        journal = self._means.open_journal() if self._config.asks_claude else None
        with self._failing():
            save(
                self._folder,
                rows,
                Funnel(
                    config=self._config,
                    counts=self._funnel,
                    collected=collected.by_source,
                    skipped=collected.failed,
                    spending=journal.spending() if journal else {},
                ),
                self._means.cache,
            )
        self._progress.end(len(rows), {})

    def _partial(self, rows: list[Row]) -> Result:
        return Result(state="partial", rows=len(rows), funnel=self._funnel)

    @contextmanager
    def _failing(self) -> Generator[None, None, None]:
        try:
            yield
        except S1Error as error:
            self._progress.fail(str(error))
            raise


class _Known:
    """What earlier starts of this run rejected, by stage."""

    def __init__(self, done: Mapping[str, Event], rejections: Mapping[str, list[Rejection]]) -> None:
        self._done, self._rejections = done, rejections

    @classmethod
    def of(cls, folder: Path) -> _Known:
        done = {event["stage"]: event for event in read_events(folder) if event["state"] == "done"}
        path = folder / REJECTED
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        rejections = sorted(filter(None, map(_read_rejection, lines)), key=lambda r: r.stage)
        return cls(done, {stage: list(group) for stage, group in groupby(rejections, key=lambda r: r.stage)})

    def rejections(self, stage: str, fingerprint: str) -> list[Rejection] | None:
        """Those of a stage that had the same rows and settings; None if it has to run."""
        event, rejections = self._done.get(stage), self._rejections.get(stage, [])
        # The file is begun anew by every start: one that was killed early has left less than the event says.
        complete = event is not None and sum(event["rejected"].values()) == len(rejections)
        return rejections if event is not None and complete and event.get("fingerprint") == fingerprint else None

    def notes(self, stage: str) -> tuple[str, ...]:
        """What was said of a stage that need not run again."""
        return tuple(map(str, self._done[stage].get("notes") or ()))


def _read_rejection(line: bytes) -> Rejection | None:
    """None for a line that is torn or damaged: its stage then lacks one, and runs again."""
    try:
        rejection = Rejection(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    return rejection if all(isinstance(value, str) for value in rejection.as_dict().values()) else None


def _append(path: Path, rejections: Sequence[Rejection]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(rejection.as_dict()) + "\n" for rejection in rejections)


def _not_empty(
    stage: str, rows_in: int, rows: Sequence[Row], rejected: Mapping[str, int], notes: Sequence[str] = ()
) -> None:
    if not rows:
        rules = ", ".join(f"{rule} {n}" for rule, n in list(rejected.items())[:3])
        raise CurateError(
            f"stage {stage} left none of {rows_in:,} rows ({rules or 'no rejections'}); "
            + ". ".join(("rejected.jsonl has each of them with its rule", *notes))
        )


def _check_manifest(folder: Path, config: CurateConfig) -> None:
    path, wanted = folder / "manifest.json", config_hash(config.as_dict())
    if path.exists():
        try:
            found = json.loads(path.read_text(encoding="utf-8")).get("config_hash")
        except ValueError as error:
            raise CurateError(f"{path} is damaged ({error}); choose another folder") from error
        if found != wanted:
            raise CurateError(f"{folder} holds a curation with other settings or changed files; choose another folder")
        return
    manifest = {
        "config": config.as_dict(),
        "config_hash": wanted,
        "state": "begun",
        **provenance.run_facts("s1core", "curate"),
    }
    with replacing(path) as file:
        json.dump(manifest, file, indent=1, ensure_ascii=False)


@contextmanager
def _locked(folder: Path) -> Generator[None, None, None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("wb")
    except OSError as error:
        raise CurateError(f"{folder} cannot be written: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CurateError(f"another process is curating in {folder}; wait for it or choose another") from None
        yield
