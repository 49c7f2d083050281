"""A run of another program, as its importer found it: what was asked, and how to read its samples."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.importers.lines import Notes
from evals.importers.rows import Sample
from evals.importers.settings import ImportedSetting


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignRun:
    """One setting of one model on one benchmark; its samples are read when they are asked for."""

    path: Path
    model: str
    benchmark: str
    engine: str
    asked: ImportedSetting
    expected: int | None
    """How many questions the log says that it holds."""
    facts: dict[str, Any]
    samples: Callable[[Notes], Iterator[Sample]]
    """Read from the beginning at every call; what cannot be used goes into the notes."""
    headline: str | None = None
    """The verdict that the log itself names as its main one."""


# The tasks of the original's harness, and inspect's own.
_NAMES = (
    (re.compile(r"aime_?(20)?24"), "aime24"),
    (re.compile(r"aime_?(20)?25"), "aime25"),
    (re.compile(r"gpqa_?diamond"), "gpqa_diamond"),
    (re.compile(r"openai_math|math_?-?500"), "math500"),
)


def benchmark_name(task: str) -> str:
    """Our name of a benchmark, so that imported and measured runs stand in one figure; else the task's own."""
    lower = task.rpartition("/")[2].lower()
    return next((name for pattern, name in _NAMES if pattern.search(lower)), task.rpartition("/")[2])


def model_name(location: str) -> str:
    """A hub id as it is; of a path, which says something about a machine only, the last part."""
    is_path = location.startswith(("/", ".", "~")) or location.count("/") > 1
    return location.rstrip("/").rpartition("/")[2] if is_path else location


def files_under(paths: list[Path], notes: Notes) -> list[Path]:
    """All files that were named, or lie in a folder that was named."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.suffix in (".json", ".jsonl", ".eval") and p.is_file())
        elif path.exists():
            found.append(path)
        else:
            notes.add(f"{path} does not exist")
    return list(dict.fromkeys(found))
