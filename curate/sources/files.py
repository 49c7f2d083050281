"""Local question files: JSON lines, JSON, CSV, Parquet. A damaged line is a rejected row, not the end of the job."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from curate.rows import CurateError
from curate.sources.mapping import Refused
from curate.sources.parquet import read_parquet
from s1core.encodings import HEAD, encoding_of

Record = dict[str, Any]
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
LONGEST_LINE = 32 * 2**20
"""Bytes. A longer line is skipped unread."""
LONGEST_HEAD = 2**16
"""Characters of a table's first line by which its columns are told."""
_DELIMITERS = (",", ";", "\t", "|")
LARGEST_JSON = 512 * 2**20
"""Bytes. A JSON list and a CSV file are read whole; JSON lines and Parquet are not, and have no limit."""


def read_records(path: Path) -> Iterator[tuple[str, Record | Refused]]:
    """Yield (place, record) for every record of a file, or of all question files of a folder.

    Raises:
        CurateError: it is missing, empty, of another kind, or not readable at all.
    """
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
        if not files:
            raise CurateError(f"{path} holds no question file; one of {', '.join(SUFFIXES)} is needed")
        for file in files:
            yield from read_records(file)
        return
    readers = {".csv": _csv, ".tsv": _csv, ".parquet": read_parquet, ".json": _json}
    if path.suffix.lower() not in SUFFIXES:
        raise CurateError(f"{path} is no question file; one of {', '.join(SUFFIXES)} is needed")
    try:
        if path.stat().st_size == 0:
            raise CurateError(f"{path} is empty")
        yield from readers.get(path.suffix.lower(), _json_lines)(path)
    except OSError as error:
        raise CurateError(f"{path} cannot be read: {error.strerror or error}") from error


def _json_lines(path: Path) -> Iterator[tuple[str, Record | Refused]]:
    with _utf8(path) as file:
        for number, line in enumerate(_lines(file), start=1):
            place = f"{path.name}:{number}"
            if isinstance(line, Refused):
                yield place, line
            elif line.strip():
                yield place, _parse(line)


def _utf8(path: Path) -> BinaryIO:
    """Open a file as UTF-8, which it may have to be written as first.

    Raises:
        CurateError: it says that it is in another encoding, and is not.
    """
    file = path.open("rb")
    encoding = encoding_of(file.read(HEAD))
    file.seek(0)
    if encoding.startswith("utf-8"):
        return file
    with file:
        if path.stat().st_size > LARGEST_JSON:
            raise CurateError(
                f"{path} is a text in {encoding.upper()} of more than {LARGEST_JSON // 2**20} MB; save it as UTF-8"
            )
        try:
            return io.BytesIO(file.read().decode(encoding).encode())
        except UnicodeError:
            raise CurateError(f"{path} begins as {encoding.upper()} and is not whole; save it as UTF-8") from None


def _delimiter(text: str, suffix: str) -> str:
    """What parts the columns of a table: whichever gives its first line the most of them."""
    usual = "\t" if suffix == ".tsv" else ","
    head = io.StringIO(text[:LONGEST_HEAD], newline="").readline()

    def columns(delimiter: str) -> int:
        try:
            return len(next(csv.reader([head], delimiter=delimiter), []))
        except csv.Error:
            return 0

    return max((usual, *(other for other in _DELIMITERS if other != usual)), key=columns)


def _lines(file: BinaryIO) -> Iterator[bytes | Refused]:
    while line := file.readline(LONGEST_LINE):
        if len(line) < LONGEST_LINE or line.endswith(b"\n"):
            yield line
            continue
        while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass
        yield Refused(rule="gigantic_field", detail=f"a line of more than {LONGEST_LINE // 2**20} MB")


def _parse(line: bytes) -> Record | Refused:
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return Refused(rule="broken_utf8", detail=f"byte {error.start} of the line")
    except (ValueError, RecursionError) as error:
        return Refused(rule="bad_json", detail=str(error)[:100])
    return record if isinstance(record, dict) else Refused(rule="bad_json", detail="not an object")


def _json(path: Path) -> Iterator[tuple[str, Record | Refused]]:
    with _utf8(path) as file:
        start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start != b"[":
        yield from _json_lines(path)
        return
    if path.stat().st_size > LARGEST_JSON:
        raise CurateError(f"{path} is a JSON list of more than {LARGEST_JSON // 2**20} MB; save it as JSON lines")
    try:
        with _utf8(path) as file:
            entries = json.loads(file.read().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise CurateError(f"{path} is not a JSON list of questions: {str(error)[:100]}") from error
    # Some dumps wrap the list in another one.
    if len(entries) == 1 and isinstance(entries[0], list):
        entries = entries[0]
    for number, entry in enumerate(entries, start=1):
        bad = Refused(rule="bad_json", detail="not an object")
        yield f"{path.name}:{number}", entry if isinstance(entry, dict) else bad


def _csv(path: Path) -> Iterator[tuple[str, Record | Refused]]:
    csv.field_size_limit(LONGEST_LINE)
    if path.stat().st_size > LARGEST_JSON:
        raise CurateError(f"{path} is a table of more than {LARGEST_JSON // 2**20} MB; save it as JSON lines")
    # Broken bytes become lone surrogates, which the row that holds them is rejected for.
    with _utf8(path) as file:
        text = file.read().decode("utf-8-sig", "surrogateescape")
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text, path.suffix.lower()))
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"{path.name}:{reader.line_num}", Refused(rule="bad_csv", detail=str(error)[:100])
            continue
        place = f"{path.name}:{reader.line_num}"
        whole = None not in row and None not in row.values()
        yield place, dict(row) if whole else Refused(rule="bad_csv", detail="not as many fields as the header")
