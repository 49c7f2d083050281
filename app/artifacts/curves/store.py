"""The runs behind the points: the cached ones, and those that visitors made or brought.

A visitor's run lies in a folder of this process and is found by a key that cannot be guessed, so that nobody else sees
it. The oldest make room for new ones, and all are gone when the process ends.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.artifacts.curves.series import benchmark_views, series_views
from app.shell.responses import View
from evals.reports import cached
from evals.reports.cached import packed_series, published_series, run_series
from evals.reports.packed_run import read_packed
from evals.reports.series import Series
from s1core import S1Error
from s1core.store import Row, read_manifest, read_rows

MOST_VISITOR_RUNS = 60


class NoSuchRun(S1Error, LookupError):
    """The key names no run that is still here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Where the samples of a run are."""

    config: dict[str, Any]
    rows: Callable[[], Iterator[Row]]
    counted_by: str | None = None
    """Whose tokenizer counted the thinking of an imported run, or how it was estimated."""

    @property
    def benchmark(self) -> str:
        """As the run calls it."""
        return str(self.config.get("benchmark", ""))


class CurveStore:
    """Runs by key. Safe from any thread."""

    def __init__(self, evals: Path | None = None) -> None:
        """Set up.

        Args:
            evals: folder of the sweeps that were made on this machine, of fine-tuned models for instance.
        """
        self._evals = evals
        self._lock = threading.Lock()
        self._files: tuple[tuple[Path, int], ...] | None = None
        self._cached: dict[str, Run] = {}
        self._catalogue: View = {}
        self._visitors: OrderedDict[str, Path] = OrderedDict()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def warm(self) -> None:
        """Begin to read the cached runs, so that they are there when the first visitor is."""
        threading.Thread(target=self.catalogue, daemon=True, name="read cached evals").start()

    def catalogue(self) -> View:
        """Return every published and measured series; files that have changed are read again."""
        with self._lock:
            files = tuple((path, path.stat().st_mtime_ns) for path in cached.measured_files())
            if files != self._files:
                self._read(files)
                self._files = files
            return self._with_own(self._catalogue)

    def _with_own(self, catalogue: View) -> View:
        """What ships, and the sweeps of this machine as far as they have come."""
        own = [view for folder in self._own_folders() for view in own_views(folder)]
        if not own:
            return catalogue
        series = [*catalogue["series"], *own]
        return {**catalogue, "series": series, "benchmarks": benchmark_views(series)}

    def _own_folders(self) -> list[Path]:
        found = sorted(self._evals.glob("*/samples.jsonl")) if self._evals else []
        return [path.parent for path in found if path.stat().st_size]

    def _read(self, files: Sequence[tuple[Path, int]]) -> None:
        views, runs, notes = series_views(published_series()), dict[str, Run](), list[str]()
        for path, changed_ns in files:
            key = path.name.partition(".")[0]
            try:
                config, packed = _packed(path, changed_ns)
                views += series_views(packed, run=key)
                runs[key] = Run(config=config, rows=_packed_rows(path))
            except S1Error:
                notes.append(f"The measured results in {path.name} are damaged and were left out.")
        self._cached = runs
        self._catalogue = {"series": views, "benchmarks": benchmark_views(views), "notes": notes}

    def find(self, key: str) -> Run:
        """Return a run.

        Raises:
            NoSuchRun: the key is none, or its run has made room for newer ones.
        """
        self.catalogue()
        with self._lock:
            if key in self._cached:
                return self._cached[key]
            folder = self._visitors.get(key) or next((f for f in self._own_folders() if own_key(f) == key), None)
            if folder is None or not folder.exists():
                raise NoSuchRun(
                    "The samples of this run are no longer here; runs of visitors are kept for a while only. "
                    "Run it again, or add its files again."
                )
            if key in self._visitors:
                self._visitors.move_to_end(key)
        manifest = read_manifest(folder)
        return Run(
            config=manifest.get("config", {}),
            rows=lambda: read_rows(folder),
            counted_by=manifest.get("tokenizer"),
        )

    def new_folder(self) -> tuple[str, Path]:
        """Return the key of a visitor's run to come, and the folder that it shall be written to."""
        key = secrets.token_urlsafe(18)
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="s1-curves-", ignore_cleanup_errors=True)
            folder = Path(self._folder.name) / key
            self._visitors[key] = folder
            dropped = [self._visitors.popitem(last=False)[1] for _ in range(len(self._visitors) - MOST_VISITOR_RUNS)]
        for old in dropped:
            shutil.rmtree(old, ignore_errors=True)
        return key, folder

    def drop(self, key: str) -> None:
        """Forget a visitor's run and delete its files."""
        with self._lock:
            folder = self._visitors.pop(key, None)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


@lru_cache(maxsize=64)
def _packed(path: Path, changed_ns: int) -> tuple[dict[str, Any], list[Series]]:
    """The configuration and the series of a packed run; read once, however many servers this process has."""
    del changed_ns  # part of the key alone
    return read_packed(path)[0]["config"], packed_series(path)


def _packed_rows(path: Path) -> Callable[[], Iterator[Row]]:
    return lambda: read_packed(path)[1]


def own_key(folder: Path) -> str:
    """The key of a sweep of this machine; no visitor's is like it."""
    return f"own.{folder.name}"


def own_views(folder: Path) -> list[View]:
    """The series of a sweep of this machine; none where it is damaged."""
    found = (folder / "samples.jsonl").stat()
    return _own_views(folder, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=64)
def _own_views(folder: Path, changed_ns: int, size: int) -> list[View]:
    del changed_ns, size  # part of the key alone: a sweep that has gone on is read anew
    try:
        return series_views(run_series(folder), run=own_key(folder))
    except S1Error:
        return []


def visitor_views(series: list[Series], key: str) -> list[View]:
    """Return the series of a visitor's run for the page."""
    return series_views(series, run=key, own=True)
