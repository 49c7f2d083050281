"""Sources by name: the paper's sixteen, GSM8K, local files, s1-nano's question families, and the English problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from curate.rows import CurateError, Row, question_key
from curate.sources.files import read_records
from curate.sources.hub import fetch_records
from curate.sources.mapping import Hub, Refused, Source, missing_fields, to_row
from curate.sources.published import EVALUATION, PUBLISHED
from s1core import nano, problems

__all__ = [
    "EVALUATION",
    "MADE",
    "MORE",
    "NANO",
    "PROBLEMS",
    "PUBLISHED",
    "Refused",
    "Source",
    "SourceSpec",
    "evaluation_spec",
    "parse_spec",
    "read",
    "with_copies",
]

NANO = Source(
    name="nano",
    title="s1-nano's question families",
    kind="text",
    licence="Apache-2.0",
)
PROBLEMS = Source(
    name="problems",
    title="English problems",
    kind="text",
    licence="Apache-2.0",
)
MADE: dict[str, Source] = {source.name: source for source in (NANO, PROBLEMS)}
"""Sources whose questions are made here, as many as are asked for."""
MORE: dict[str, Source] = {
    "gsm8k": Source(
        name="gsm8k",
        title="GSM8K (train)",
        hub=Hub(id="openai/gsm8k", configs=("main",)),
        solution="answer",
        # Its answer is the worked solution, which ends with the number.
        answer="answer",
        answer_after="####",
        kind="text",
        licence="MIT",
        rows=7_473,
    )
}
"""Sources that the paper did not take."""
_MADE_QUESTIONS = 24_000
_HELD_OUT = {"nano": nano.TEST_SIZE, "problems": problems.TEST_SIZE}
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
    """Read `aime`, `aime=FILE`, `FILE`, `nano`, `nano:24000` or `problems:24000`.

    Args:
        text: a name, a path, or both.
        fields: of a file without a known name, which of its fields hold `question`, `solution`, `answer`, ...

    Raises:
        CurateError: neither a known name nor a file.
    """
    name, _, place = text.partition("=")
    if place:
        source = _KNOWN.get(name) or _of_file(name, fields)
        return SourceSpec(source=source, path=_existing(Path(place), name))
    made, _, count = name.partition(":")
    if made in MADE:
        if count and not count.isdigit():
            raise CurateError(f"{text!r}: expected a number of questions, such as {made}:{_MADE_QUESTIONS}")
        return SourceSpec(source=MADE[made], count=int(count or _MADE_QUESTIONS))
    if name in _KNOWN:
        return SourceSpec(source=_KNOWN[name])
    if Path(name).exists():
        return SourceSpec(source=_of_file(Path(name).stem, fields), path=Path(name))
    known = ", ".join((*MADE, *MORE, *PUBLISHED))
    raise CurateError(f"no source and no file is called {name!r}; known sources: {known}")


_KNOWN = {**EVALUATION, **MORE, **PUBLISHED}


def with_copies(specs: Sequence[SourceSpec], copies: Iterable[str]) -> list[SourceSpec]:
    """The same sources, some of them read from local copies instead of the hub.

    Args:
        specs: the sources.
        copies: `NAME=FILE` each.

    Raises:
        CurateError: no such source among them, or no such file.
    """
    paths: dict[str, Path] = {}
    for text in copies:
        name, _, place = text.partition("=")
        if name not in [spec.name for spec in specs if spec.source.hub] or not place:
            fetched = ", ".join(spec.name for spec in specs if spec.source.hub) or "none"
            raise CurateError(f"--local is written as NAME=FILE, got {text!r}; sources of the hub here: {fetched}")
        paths[name] = _existing(Path(place), name)
    return [replace(spec, path=paths.get(spec.name, spec.path)) for spec in specs]


def evaluation_spec(text: str) -> SourceSpec:
    """Read `math500`, `math500=FILE`, `FILE`, `nano` or `problems`: questions that must not be trained on."""
    spec = SourceSpec(source=MADE[text], count=_HELD_OUT[text]) if text in MADE else parse_spec(text)
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
    if spec.name in MADE:
        made = _nano if spec.name == NANO.name else _problems
        count = spec.count or _MADE_QUESTIONS
        for row in made(count, None if evaluation else seed):
            yield row.id, row
        return
    records = fetch_records(spec.source) if spec.path is None else read_records(spec.path)
    # What is only compared with others may be damaged, and the paper's sets are taken as they were published.
    strict = not evaluation and spec.name not in PUBLISHED
    names: set[str] = set()
    number = 0
    for number, (place, record) in enumerate(records, start=1):
        if isinstance(record, Refused):
            yield place, record
            continue
        names.update(map(str, record))
        if number == _ENOUGH:
            _check_columns(spec, names)
        yield place, to_row(spec.source, record, place, strict=strict)
    if number < _ENOUGH:
        _check_columns(spec, names)


def _check_columns(spec: SourceSpec, names: set[str]) -> None:
    if names and (missing := missing_fields(spec.source, names)):
        there = ", ".join(sorted(names)[:12])
        raise CurateError(
            f"source {spec.name}: no column {missing} (there are: {there}); "
            "say which one holds it, as in --fields question=COLUMN,solution=COLUMN"
        )


def _nano(count: int, seed: int | None) -> Iterator[Row]:
    """Questions of s1-nano's families; without a seed the ones that are held out."""
    made = nano.make_questions(count, nano.TEST_SEED if seed is None else seed, "test" if seed is None else "train")
    for question in made:
        yield Row(
            key=question_key(question.question),
            id=question.id,
            source=NANO.name,
            question=question.question,
            solution=question.answer,
            answer=question.answer,
            kind="text",
            subject=question.family,
            metadata={"steps": question.difficulty},
        )


def _problems(count: int, seed: int | None) -> Iterator[Row]:
    """English problems; without a seed the ones that are held out, the paraphrases among them."""
    split: problems.Split = "test" if seed is None else "train"
    for problem in problems.draw_problems(count, problems.TEST_SEED if seed is None else seed, split):
        yield Row(
            key=question_key(problem.question),
            id=problem.id,
            source=PROBLEMS.name,
            question=problem.question,
            solution=problems.solution(problem),
            answer=problems.FAMILIES[problem.family].answer(problem),
            kind="text",
            subject=problem.family,
            # The last one is the question itself, nearly always; those before it are the story.
            phrasing=problem.frames[-1] if problem.frames else "",
            metadata={"steps": problem.difficulty},
        )
    for asked in problems.paraphrases() if seed is None else ():
        yield Row(
            key=question_key(asked.question),
            id=asked.id,
            source=PROBLEMS.name,
            question=asked.question,
            solution=asked.answer,
            answer=asked.answer,
            kind="text",
            subject=asked.family,
        )
