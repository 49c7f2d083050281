"""A run as one small file: every question's thinking once, and of each setting the cut and the answer.

JSON lines, gzipped when the name ends in `.gz`. The first line is the header::

    {"format": "s1-playground run 1", "config": ..., "config_hash": ..., "settings": [label, ...], "columns": [...]}

and each further line one question (of one sample index)::

    {"id": ..., "group": ..., "sample_index": 0, "thinking": [[source, text], ...], "points": [[...], ...]}

`thinking` is the longest thinking of all settings. A point lists the values of `columns` (the setting by its number),
then its thinking (how many characters of `thinking` it is, or segments of its own where it is no prefix of it), then
the segments after the thinking. Reading gives back exactly the rows that were packed.
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from evals.benchmarks import is_private
from s1core.errors import S1Error
from s1core.store import Row, read_manifest, read_rows

FORMAT = "s1-playground run 1"
_PER_QUESTION = ("id", "group", "sample_index")
_LATER = (*_PER_QUESTION, "segments")
_OF_QUESTION = ("question", "target")
"""What imported rows repeat of their benchmark."""
Segments = list[list[str]]


class PackError(S1Error, ValueError):
    """A run cannot be packed, or a packed run cannot be read."""


def pack(folder: Path, out: Path) -> int:
    """Pack a run folder; returns the number of questions.

    Texts of a benchmark whose questions must not be published are left out: traces repeat their questions.

    Raises:
        S1Error: the folder holds no run, or rows of different shapes.
    """
    manifest = read_manifest(folder)
    texts = not is_private(str(manifest.get("config", {}).get("benchmark")))
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in read_rows(folder):
        groups.setdefault(tuple(row[key] for key in _PER_QUESTION), []).append(row)
    rows = [row for group in groups.values() for row in group]
    if not rows:
        raise PackError(f"{folder} holds no samples yet")
    left_out = _LATER if texts else (*_LATER, *_OF_QUESTION)
    columns = [key for key in rows[0] if key not in left_out]
    if any([key for key in row if key not in left_out] != columns for row in rows):
        raise PackError(f"the rows of {folder} differ in their fields; one version of this program must make them all")
    settings = list(dict.fromkeys(row["setting"] for row in rows))
    header = {"format": FORMAT, **manifest, "settings": settings, "columns": columns}
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = [header, *(_packed(group, columns, settings, texts) for group in groups.values())]
    _write(out, lines)
    return len(groups)


def _write(out: Path, lines: list[dict[str, Any]]) -> None:
    """Write all lines or none, and the same bytes for the same run: a gzip header holds no time here."""
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines).encode()
    content = gzip.compress(text, mtime=0) if out.suffix == ".gz" else text
    handle, temporary = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(out)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _packed(group: list[Row], columns: list[str], settings: list[str], texts: bool) -> dict[str, Any]:
    parts = [_split(row.get("segments") or [] if texts else []) for row in group]
    longest = max((thinking for thinking, _ in parts), key=lambda thinking: sum(len(text) for _, text in thinking))
    points: list[list[Any]] = []
    for row, (thinking, rest) in zip(group, parts, strict=True):
        cut = sum(len(text) for _, text in thinking)
        values = [settings.index(row[key]) if key == "setting" else row[key] for key in columns]
        points.append([*values, cut if _prefix(longest, cut) == thinking else thinking, rest])
    return {**{key: group[0][key] for key in _PER_QUESTION}, "thinking": longest, "points": points}


def _split(segments: Segments) -> tuple[Segments, Segments]:
    """The thinking as (source, text) pairs, and what comes after it."""
    first = next((i for i, (_, phase, _) in enumerate(segments) if phase != "thinking"), len(segments))
    return [[source, text] for source, _, text in segments[:first]], segments[first:]


def _prefix(thinking: Segments, characters: int) -> Segments:
    kept: Segments = []
    for source, text in thinking:
        if characters <= 0:
            break
        kept.append([source, text[:characters]])
        characters -= len(text)
    return kept


def read_packed(path: Path) -> tuple[dict[str, Any], Iterator[Row]]:
    """Return the header of a packed run and, read as they are asked for, its rows.

    Raises:
        PackError: the file is missing or no packed run; a damaged line raises when it is reached.
    """
    lines = _lines(path)
    header = next(lines, {})
    if header.get("format") != FORMAT:
        raise PackError(f"{path} is no packed run of this version ({FORMAT})")
    columns, settings = header.get("columns"), header.get("settings")
    if not isinstance(columns, list) or not isinstance(settings, list):
        raise PackError(f"{path} has a damaged header; pack the run anew")
    return header, _all_rows(path, lines, columns, settings)


def _all_rows(path: Path, lines: Iterator[dict[str, Any]], columns: list[str], settings: list[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=2):
        try:
            yield from _rows(line, columns, settings)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise PackError(f"{path}, line {number}: damaged ({type(error).__name__}); pack the run anew") from error


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    number = 0
    try:
        with _open(path) as file:
            for line in file:
                number += 1
                found = json.loads(line)
                if not isinstance(found, dict):
                    raise ValueError("not a JSON object")
                yield found
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise PackError(f"{path}, line {number}: {error}") from error


def _open(path: Path) -> IO[str]:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def _rows(line: dict[str, Any], columns: list[str], settings: list[str]) -> Iterator[Row]:
    for *values, cut, rest in line["points"]:
        row: Row = dict(zip(columns, values, strict=True))
        thinking = _prefix(line["thinking"], cut) if isinstance(cut, int) else cut
        segments = [[source, "thinking", text] for source, text in thinking] + rest
        place = {"id": line["id"], "group": line["group"], "setting": settings[row.pop("setting")]}
        yield {**place, "sample_index": line["sample_index"], **row, "segments": segments}
