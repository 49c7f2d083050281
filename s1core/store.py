"""Runs on disk: a manifest and append-only JSON lines. A killed run resumes at the next missing line.

`runs/<id>/manifest.json` says what was asked (and is written once); `samples.jsonl` holds one line per finished
sample, synced to disk before it counts as done. A torn last line, the mark of a kill, is dropped on resume.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from s1core.errors import S1Error

Row = dict[str, Any]


class StoreError(S1Error, RuntimeError):
    """A run on disk cannot be opened, read or written; what is there stays as it is."""


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that readers see the old one or the new one, never half of it."""
    with replacing(path) as file:
        file.write(text)


@contextlib.contextmanager
def replacing(path: Path) -> Generator[TextIO, None, None]:
    """Write a file piece by piece; it takes the place of the old one when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        # Half a character, as of a file's name that is no valid text, is written as an escape, which JSON reads again.
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def config_hash(config: dict[str, Any]) -> str:
    """Short, stable hash of a JSON-ready configuration."""
    canonical = json.dumps(config, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


class RunStore:
    """One run, open for writing by one process. Use as a context manager."""

    def __init__(self, folder: Path, config: dict[str, Any], facts: dict[str, Any] | None = None) -> None:
        """Open or resume a run.

        Args:
            folder: `runs/<id>`; made when missing.
            config: what defines the run; a folder with another configuration is refused.
            facts: versions, hardware and the like: recorded, but not compared on resume.

        Raises:
            StoreError: another process writes here, or the folder holds a run with another configuration.
        """
        self.folder = folder
        self._config = config
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / ".lock").open("wb")
        except OSError as error:
            raise StoreError(
                f"the run folder {folder} cannot be written: {reason_of(error)}, then start again"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise StoreError(f"another process is writing to {folder}; wait for it or choose another folder") from None
        try:
            self._check_manifest(facts or {})
            self._file = self._open_samples()
        except OSError as error:
            self._lock.close()
            raise StoreError(
                f"the run folder {folder} cannot be written: {reason_of(error)}, then start again"
            ) from error
        except BaseException:
            self._lock.close()
            raise

    def _check_manifest(self, facts: dict[str, Any]) -> None:
        path = self.folder / "manifest.json"
        wanted = config_hash(self._config)
        if not path.exists():
            manifest = {"config": self._config, "config_hash": wanted, **facts}
            write_atomically(path, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
            return
        found = read_manifest(self.folder).get("config_hash")
        if found != wanted:
            raise StoreError(
                f"{self.folder} holds a run with other settings ({found}, asked for {wanted}); choose another folder"
            )

    def _open_samples(self) -> FileIO:
        # Unbuffered: what could not be written must not wait in a buffer, to be written by a later line or by close.
        file = (self.folder / "samples.jsonl").open("a+b", buffering=0)
        try:
            file.truncate(_whole_lines(file))  # a kill left half a line
        except BaseException:
            file.close()
            raise
        return file

    def append(self, *rows: Row) -> None:
        """Add finished samples; they are on disk when this returns.

        Raises:
            StoreError: the disk is full or gone. Earlier lines are untouched.
        """
        lines = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows).encode()
        end = self._file.seek(0, os.SEEK_END)
        try:
            left = memoryview(lines)
            while left:
                # A disk that is nearly full takes a part and refuses the rest.
                left = left[self._file.write(left) or 0 :]
            os.fsync(self._file.fileno())
        except OSError as error:
            # Where not even this can be done, the next opening drops the torn line.
            with contextlib.suppress(OSError):
                self._file.truncate(end)
            raise StoreError(
                f"{self.folder}/samples.jsonl cannot be extended: {reason_of(error)} and resume"
            ) from error

    def rows(self) -> Iterator[Row]:
        """Yield what is done so far."""
        return read_rows(self.folder)

    def close(self) -> None:
        """Let another process continue this run."""
        self._file.close()
        self._lock.close()

    def __enter__(self) -> RunStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_BLOCK = 2**16


def _whole_lines(file: FileIO) -> int:
    """Bytes up to the end of the last whole line, found from the end: a long run is not read for it."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - _BLOCK)
        file.seek(start)
        newline = (file.read(end - start) or b"").rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def reason_of(error: OSError) -> str:
    """Return what the system says, and what to do: only a full disk wants space."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"the disk is full: {error.strerror}; free space"
    named = f"{error.strerror}: {error.filename}" if error.strerror and error.filename else error.strerror
    return f"{named or str(error).strip() or type(error).__name__}; mend that"


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object that a process may be writing; empty where it is missing, torn or something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what a run was asked to do.

    Raises:
        StoreError: the manifest is missing or damaged.
    """
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError(f"{folder} is not a run: it has no manifest.json") from None
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error
    if not isinstance(manifest, dict):
        raise StoreError(f"{path} holds no JSON object")
    return manifest  # pyright: ignore[reportUnknownVariableType]


def read_rows(folder: Path, on_bad_line: Callable[[int, str], None] | None = None) -> Iterator[Row]:
    """Yield the finished samples of a run, a torn last line left out.

    Raises:
        StoreError: a line in the middle is damaged (its number is named), unless `on_bad_line` takes it.
    """
    path = folder / "samples.jsonl"
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError("not a JSON object")
            except (ValueError, RecursionError) as error:
                if on_bad_line is None:
                    raise StoreError(f"{path}, line {number}: {error}") from error
                on_bad_line(number, str(error))
                continue
            yield row
