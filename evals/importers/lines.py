"""Reading files that may be huge, torn or wrong, with bounded memory; every problem becomes a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals.json_input import parse_json

Json = dict[str, Any]
DEFAULT_MAX_MB = 512
LONGEST_LINE = 32 * 2**20
"""Bytes. A trace of 32,768 tokens takes about 0.2 MB, also with the prompt and a retry beside it."""
_SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What a log leaves open and its reader can decide."""

    sentence: str
    verdicts: tuple[str, ...] = ()
    """Names of recorded verdicts, one of which counts."""
    regrade: bool = False
    """The answers can be graded again here."""


@dataclass(slots=True)
class Notes:
    """What could not be imported, or is not known, one sentence each; and what is asked back."""

    sentences: list[str] = field(default_factory=list)
    dropped: int = 0
    questions: list[Question] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        """Note a problem; after twenty only their number is kept, so that a wrong file cannot fill the screen."""
        if len(self.sentences) < _SHOWN:
            self.sentences.append(sentence)
        else:
            self.dropped += 1

    def ask(self, question: Question) -> None:
        """Ask the reader; as few at a time as there are notes."""
        if len(self.questions) < _SHOWN:
            self.questions.append(question)

    def __iter__(self) -> Iterator[str]:
        yield from self.sentences
        if self.dropped:
            yield f"and {self.dropped} more problems of this kind"


def usable(path: Path, max_mb: int, notes: Notes) -> bool:
    """Whether a file has a size that can be imported; if not, a note says why."""
    try:
        size = path.stat().st_size
    except OSError as error:
        notes.add(f"{path} cannot be read: {error.strerror}")
        return False
    if size == 0:
        notes.add(f"{path} is empty (zero bytes) and was left out")
    elif size > max_mb * 2**20:
        notes.add(
            f"{path} holds {size / 2**20:,.0f} MB, more than the {max_mb} MB that are read at most, and was left out; "
            "raise the limit with --max-mb"
        )
    else:
        return True
    return False


def read_json(path: Path, max_mb: int, notes: Notes) -> Json | None:
    """Read a file that holds one JSON object; None, with a note, when it cannot be used."""
    if not usable(path, max_mb, notes):
        return None
    try:
        return parse_object(path.read_bytes())
    except OSError as error:
        notes.add(f"{path} cannot be read: {error.strerror}")
    except ValueError as error:
        notes.add(f"{path}: {error}")
    return None


def parse_object(content: bytes) -> Json:
    """Parse one JSON object.

    Raises:
        ValueError: what is wrong and, where that is known, in which line.
    """
    try:
        value = parse_json(content)
    except json.JSONDecodeError as error:
        half = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
        where = f"line {error.lineno} " if error.lineno > 1 else ""
        what = "ends in the middle: the file is half-written" if half else f"is not valid JSON ({error.msg})"
        raise ValueError(f"{where}{what}") from error
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8 text") from error
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("holds no JSON object")
    return value  # pyright: ignore[reportUnknownVariableType]


def object_of(value: Any) -> Json:
    """Return an object as it is, and an empty one in the place of anything else."""
    return value if isinstance(value, dict) else {}


def as_object(value: Any, key: str) -> Json:
    """Return the object under a key; an empty one where there is none."""
    return object_of(object_of(value).get(key))


def read_json_lines(path: Path, notes: Notes) -> Iterator[tuple[int, Json]]:
    """Yield (line number, object) of a JSON-lines file; lines that cannot be used are noted and left out."""
    try:
        for number, line in _lines(path):
            if line is None:
                notes.add(f"{path}, line {number}: longer than {LONGEST_LINE // 2**20} MB, left out")
            elif line.strip():
                try:
                    yield number, parse_object(line)
                except ValueError as error:
                    torn = not line.endswith(b"\n") and "middle" not in str(error)
                    why = "half-written, the file ends here" if torn else str(error)
                    notes.add(f"{path}, line {number}: {why}; left out")
    except OSError as error:
        notes.add(f"{path} cannot be read to its end: {error.strerror}")


def _lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their numbers; None for one that is too long, of which no more than a piece is ever in memory."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            if len(line) < LONGEST_LINE or line.endswith(b"\n"):
                yield number, line
                continue
            while line and not line.endswith(b"\n"):
                line = file.readline(LONGEST_LINE)
            yield number, None
