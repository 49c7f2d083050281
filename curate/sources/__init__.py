"""Sources by name: the paper's sixteen, local files, and s1-nano's question families."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from curate.rows import CurateError, Row, question_key
from curate.sources.files import read_records
from curate.sources.hub import fetch_records
from curate.sources.mapping import Refused, Source, missing_fields, to_row
from curate.sources.published import EVALUATION, PUBLISHED
from s1core.nano import TEST_SEED, TEST_SIZE, make_questions

__all__ = [
    "EVALUATION",
    "NANO",
    "PUBLISHED",
    "Refused",
    "Source",
    "SourceSpec",
    "evaluation_spec",
    "parse_spec",
    "read",
]

NANO = Source(
    name="nano",
    title="s1-nano's question families",
    kind="text",
    licence="Apache-2.0",
)
_NANO_QUESTIONS = 24_000
_ENOUGH = 1_000
"""Records by which a column is known to be missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceSpec:
    """A source as it was asked for."""

    source: Source
    path: Path | None = None
    """A local copy, instead of the hub."""
    count: int | None = None
    """Of a source that makes its questions: how many."""

    @property
    def name(self) -> str:
        """The source's."""
        return self.source.name

    def as_dict(self) -> dict[str, Any]:
        """What decides the rows; of a local file its size and time as well, so that a changed file is read again."""
        stamps = [[p.name, p.stat().st_size, p.stat().st_mtime_ns] for p in _files(self.path)]
        return {"name": self.name, "count": self.count, "files": stamps}


def _files(path: Path | None) -> list[Path]:
    if path is None or not path.exists():
        return []
    return [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())


def parse_spec(text: str, fields: dict[str, str] | None = None) -> SourceSpec:
    """Read `aime`, `aime=FILE`, `FILE`, `nano` or `nano:24000`.

    Args:
        text: a name, a path, or both.
        fields: of a file without a known name, which of its fields hold `question`, `solution`, `answer`, ...

    Raises:
        CurateError: neither a known name nor a file.
    """
    name, _, place = text.partition("=")
    if place:
        known = PUBLISHED.get(name) or EVALUATION.get(name)
        source = known or _of_file(name, fields)
        return SourceSpec(source=source, path=_existing(Path(place), name))
    if name.partition(":")[0] == "nano":
        count = name.partition(":")[2]
        if count and not count.isdigit():
            raise CurateError(f"{text!r}: expected a number of questions, such as nano:{_NANO_QUESTIONS}")
        return SourceSpec(source=NANO, count=int(count or _NANO_QUESTIONS))
    if name in PUBLISHED or name in EVALUATION:
        return SourceSpec(source=PUBLISHED.get(name) or EVALUATION[name])
    if Path(name).exists():
        return SourceSpec(source=_of_file(Path(name).stem, fields), path=Path(name))
    raise CurateError(f"no source and no file is called {name!r}; known sources: nano, {', '.join(PUBLISHED)}")


def evaluation_spec(text: str) -> SourceSpec:
    """Read `math500`, `math500=FILE`, `FILE` or `nano`: questions that must not be trained on."""
    spec = SourceSpec(source=NANO, count=TEST_SIZE) if text == "nano" else parse_spec(text)
    return replace(spec, source=replace(spec.source, filters=(), sample=None))


def _of_file(name: str, fields: dict[str, str] | None) -> Source:
    given = dict(fields or {})
    question = given.pop("question", None)
    # The name becomes that of a file.
    safe = re.sub(r"[^\w.-]+", "_", name).strip("._")[:80] or "source"
    source = Source(name=safe, title=safe)
    if question:
        source = replace(source, question=(f"{{{question}}}",))
    try:
        return replace(source, **given)
    except TypeError:
        known = "question, solution, answer, choice, id, subject"
        raise CurateError(f"unknown field among {', '.join(sorted(given))}; known: {known}") from None


def _existing(path: Path, name: str) -> Path:
    if not path.exists():
        raise CurateError(f"source {name}: there is no file {path}")
    return path


def read(spec: SourceSpec, *, seed: int = 0, evaluation: bool = False) -> Iterator[tuple[str, Row | Refused]]:
    """Yield (place, row) for every record of a source, or why there is no row.

    Args:
        spec: which source, and from where.
        seed: of sources that make their questions.
        evaluation: take the questions that are held out, not those for training.

    Raises:
        CurateError: the source is missing, cannot be read, or has not the fields it needs; the source is named.
    """
    if spec.source is NANO or spec.name == "nano":
        yield from _nano(spec, seed, evaluation=evaluation)
        return
    records = fetch_records(spec.source) if spec.path is None else read_records(spec.path)
    names: set[str] = set()
    number = 0
    for number, (place, record) in enumerate(records, start=1):
        if isinstance(record, Refused):
            yield place, record
            continue
        names.update(map(str, record))
        if number == _ENOUGH:
            _check_columns(spec, names)
        yield place, to_row(spec.source, record, place)
    if number < _ENOUGH:
        _check_columns(spec, names)


def _check_columns(spec: SourceSpec, names: set[str]) -> None:
    if names and (missing := missing_fields(spec.source, names)):
        there = ", ".join(sorted(names)[:12])
        raise CurateError(
            f"source {spec.name}: no column {missing} (there are: {there}); "
            "say which one holds it, as in --fields question=COLUMN,solution=COLUMN"
        )


def _nano(spec: SourceSpec, seed: int, *, evaluation: bool) -> Iterator[tuple[str, Row]]:
    count = spec.count or _NANO_QUESTIONS
    made = make_questions(count, TEST_SEED, "test") if evaluation else make_questions(count, seed, "train")
    for question in made:
        yield (
            question.id,
            Row(
                key=question_key(question.question),
                id=question.id,
                source="nano",
                question=question.question,
                solution=question.answer,
                answer=question.answer,
                kind="text",
                subject=question.family,
                metadata={"steps": question.difficulty},
            ),
        )
