"""Question files from outside: JSON, JSON lines or CSV, read whole. What is wrong with one is said in one sentence."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evals.json_input import parse_json
from s1core.errors import S1Error

Record = dict[str, Any]
LARGEST_FILE = 64 * 2**20
"""Bytes. MATH500 with its solutions takes half a megabyte."""
_LISTS = ("data", "rows", "questions", "examples", "items", "test")
"""Where a JSON object may keep its list of questions."""


class BadData(S1Error, ValueError):
    """A question file cannot be used; the message names the line."""


def read_records(path: Path) -> list[tuple[str, Record]]:
    """Read a question file.

    Args:
        path: JSON (a list, or an object with a list), JSON lines, or CSV with a header; the content decides.

    Returns:
        (where, record) pairs; `where` names the line or the place in the list, for messages.

    Raises:
        BadData: the file is missing, empty, too large, not UTF-8, or a line of it is malformed.
    """
    text = _read_text(path)
    if path.suffix.lower() == ".csv":
        return list(_csv(path, text))
    if text.lstrip()[:1] == "[" or path.suffix.lower() == ".json":
        return list(_json(path, text))
    return list(_json_lines(path, text))


def _read_text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            most = LARGEST_FILE // 2**20
            raise BadData(f"{path} holds {size / 2**20:,.0f} MB; a question file may hold at most {most} MB")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadData(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadData(f"{path}, line {line}: not UTF-8 text; save the file as UTF-8") from error
    if not text.strip():
        raise BadData(f"{path} is empty; it needs one question per line, or a JSON list of questions")
    return text


def _json_lines(path: Path, text: str) -> Iterator[tuple[str, Record]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"line {number}"
            yield where, _record(path, where, _parse(path, where, line))


def _json(path: Path, text: str) -> Iterator[tuple[str, Record]]:
    try:
        whole = parse_json(text)
    except (json.JSONDecodeError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError) and error.msg == "Extra data":
            yield from _json_lines(path, text)  # JSON lines under the wrong ending
            return
        raise _malformed(path, getattr(error, "lineno", 1), error) from error
    if isinstance(whole, dict):
        whole = next((whole[key] for key in _LISTS if isinstance(whole.get(key), list)), [whole])
    if not isinstance(whole, list):
        raise BadData(f"{path} holds no list of questions")
    for number, entry in enumerate(whole, start=1):
        where = f"question {number}"
        record = _record(path, where, entry)
        # The hub's viewer wraps every row.
        yield where, record["row"] if isinstance(record.get("row"), dict) else record


def _csv(path: Path, text: str) -> Iterator[tuple[str, Record]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            where = f"line {reader.line_num}"
            if None in row or None in row.values():
                raise BadData(f"{path}, {where}: it has not as many fields as the header")
            yield where, dict(row)
    except csv.Error as error:
        raise BadData(f"{path}, line {reader.line_num}: not valid CSV ({error})") from error


def _parse(path: Path, where: str, line: str) -> Any:
    try:
        return parse_json(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _malformed(path, int(where.removeprefix("line ")), error) from error


def _malformed(path: Path, line: int, error: Exception) -> BadData:
    why = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
    return BadData(f"{path}, line {line}: not valid JSON ({why})")


def _record(path: Path, where: str, entry: object) -> Record:
    if not isinstance(entry, dict):
        raise BadData(f"{path}, {where}: expected an object with the question and its answer")
    return entry  # pyright: ignore[reportUnknownVariableType]
