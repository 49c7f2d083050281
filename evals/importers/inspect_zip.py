"""inspect_ai's packed logs: a zip (`.eval`) with a header and one JSON file for each sample, unpacked within bounds.

Today's inspect_ai packs with Zstandard, which Python's own `zipfile` reads from 3.14 on. The packed bytes are taken out
as they are and unpacked here, never more of them than a sample may hold: a reader that unpacks a block at a time can be
made to fill the memory by a small file.
"""

from __future__ import annotations

import copy
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from evals.importers.lines import Json, Notes, parse_object

LARGEST_MEMBER = 64 * 2**20
"""Bytes of one unpacked sample."""
MOST_MEMBERS = 100_000
LARGEST_TOTAL = 4 * 2**30
"""Bytes of all unpacked samples. They are read one at a time; this bounds the time."""
_ZSTANDARD = 93
_LARGEST_WINDOW = 2**27
"""Bytes that a Zstandard decoder may hold back; more is refused."""
CONVERT = "inspect log convert LOG.eval --to json --output-dir FOLDER"
_DAMAGED = (zipfile.BadZipFile, OSError, EOFError, ValueError)


def read_header(path: Path, notes: Notes) -> Json | None:
    """Read what a log says of itself; None, with a note, when it is none."""
    try:
        with zipfile.ZipFile(path) as log:
            names = set(log.namelist())
            # A run that did not end has no header yet, but the journal of its start.
            name = next((n for n in ("header.json", "_journal/start.json") if n in names), None)
            if name is not None:
                return parse_object(_member(log, log.getinfo(name)))
            notes.add(f"{path} is a zip file, but no inspect log: it has no header.json")
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
        notes.add(f"{path} is no whole zip file ({error}): damaged or half-written")
    except ValueError as error:
        notes.add(f"{path}: {error}")
    return None


def read_samples(path: Path, notes: Notes) -> Iterator[tuple[str, Json]]:
    """Yield every sample with its name in the log; one that cannot be used is noted and left out."""
    with zipfile.ZipFile(path) as log:
        members = [m for m in log.infolist() if m.filename.startswith("samples/") and m.filename.endswith(".json")]
        total = sum(member.file_size for member in members)
        if len(members) > MOST_MEMBERS or total > LARGEST_TOTAL:
            notes.add(f"{path} unpacks to {len(members):,} samples of {total / 2**30:.1f} GB in all; left out")
            return
        for member in sorted(members, key=lambda member: member.filename):
            try:
                yield member.filename, parse_object(_member(log, member))
            except _DAMAGED as error:
                notes.add(f"{path}, {member.filename}: {error}; left out")


def _member(log: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Unpack one file.

    Raises:
        ValueError: it is too large, encrypted, damaged, or packed in a way that is not read here.
    """
    if member.file_size > LARGEST_MEMBER:
        raise ValueError(f"unpacks to {member.file_size / 2**20:,.0f} MB, more than {LARGEST_MEMBER // 2**20} MB")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, _ZSTANDARD):
        raise ValueError(f"is packed by method {member.compress_type}, which is not read here; convert it: `{CONVERT}`")
    try:
        with _opened(log, member) as file:
            content = file.read(LARGEST_MEMBER + 1)  # whatever the header claims
    except (RuntimeError, NotImplementedError) as error:
        raise ValueError(f"cannot be unpacked ({error}); convert the log: `{CONVERT}`") from error
    except ImportError as error:
        raise ValueError(
            "is packed with Zstandard, and the package that unpacks it is missing: pip install zstandard, "
            f"or convert the log: `{CONVERT}`"
        ) from error
    except Exception as error:  # zlib and zstandard raise their own
        raise ValueError(f"is damaged ({error})") from error
    if len(content) > LARGEST_MEMBER:
        raise ValueError(f"unpacks to more than {LARGEST_MEMBER // 2**20} MB")
    if member.compress_type == _ZSTANDARD and zlib.crc32(content) != member.CRC:
        raise ValueError("is damaged (its checksum differs)")
    return content


def _opened(log: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    if member.compress_type != _ZSTANDARD:
        return log.open(member)
    # Imported late: needed for these files alone, and missing where only vLLM's requirements are installed.
    import zstandard

    raw = copy.copy(member)
    raw.compress_type, raw.file_size = zipfile.ZIP_STORED, member.compress_size
    del raw.CRC  # it is that of the content
    unpack = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    return unpack.stream_reader(log.open(raw), read_across_frames=True, closefd=True)  # type: ignore[return-value]
