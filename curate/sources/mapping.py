"""Sources as data: where a question comes from, which fields hold what, what is left out. And reading records by it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from curate.rows import Row, question_key
from s1core.chats import NotOneQuestion, chat_turns, only_turn
from s1core.escapes import eaten_command
from s1core.grading import Kind
from s1core.grading.literal import is_missing

LONGEST_FIELD = 200_000
"""Characters. The longest question of the published 59K has some thousands; more is a damaged file."""

NOT_STATED = "not stated; see its page"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hub:
    """Where `datasets` finds a source."""

    id: str
    configs: tuple[str | None, ...] = (None,)
    splits: tuple[str, ...] = ("train",)
    revision: str | None = None
    """`refs/convert/parquet` for repositories that hold a loading script, which `datasets` no longer runs."""
    files: tuple[str, ...] = ()
    """JSON-lines files of the repository, where it has a loading script and no converted copy."""
    gated: bool = False
    """The hub wants its terms accepted first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Keeps records by one field. A record without the field passes, unless `test` is `given`."""

    field: str
    test: Literal["is", "at_most", "one_of", "given", "absent"]
    value: Any = None

    @property
    def rule(self) -> str:
        """Its name among the rules of rejection: `year at_most 2022`."""
        return f"{self.field} {self.test}{'' if self.value is None else f' {self.value}'}"

    def keeps(self, record: Mapping[str, Any]) -> bool:
        """Whether this record stays."""
        value = _look_up(record, self.field)
        if self.test in ("given", "absent"):
            return (value is not None) == (self.test == "given")
        if value is None:
            return True
        if self.test == "at_most":
            return _number(value) <= self.value
        return _plain(value) == _plain(self.value) if self.test == "is" else value in self.value


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A source of questions. Case does not count in field names; `a.b` looks inside, `a|b` takes the first given."""

    name: str
    title: str
    hub: Hub | None = None
    question: tuple[str, ...] = (
        "{question|problem|prompt|query|input|instruction|messages|conversations|conversation}",
    )
    """Pieces; one whose field is empty is left out whole."""
    solution: str = (
        "solution|reference_solution|explanation|output|response|answer|expected_answer|label|messages|conversations|"
        "conversation"
    )
    answer: str = "answer|expected_answer|final_answer|ground_truth|reward_model.ground_truth"
    """The short answer, where there is one."""
    choice: str = ""
    """The letter of the right option: a record that has one is graded by letter."""
    id: str = "id|unique_id|question_id|qid|uid"
    subject: str = "subject|domain|field|category|type"
    kind: Kind = "math"
    filters: tuple[Filter, ...] = ()
    after: str = ""
    """Of a field of the question only what follows this mark counts."""
    answer_after: str = ""
    """Of the answer only what follows this mark counts."""
    before: str = ""
    """Of the question only what comes before this mark counts."""
    sample: int | None = None
    """Only this many, drawn with the run's seed."""
    licence: str = NOT_STATED
    published_rows: int | None = None
    """What the paper's table gives for it."""
    rows: int | None = None
    """How many it has, where the paper's table does not say."""
    private: bool = False
    """Its authors ask that no question be published in plain text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A record that gives no row."""

    rule: str
    detail: str = ""


def to_row(source: Source, record: Mapping[str, Any], place: str, *, strict: bool = True) -> Row | Refused:
    """Read a record as the source says, or say why it gives no row.

    Args:
        source: which fields hold what.
        record: as it was read.
        place: where it stands (`line 12`); its id when it has none of its own.
        strict: refuse LaTeX that a JSON reader has eaten into.
    """
    flat = {_plain_name(key): value for key, value in record.items()}
    refused = next((f for f in source.filters if not f.keeps(flat)), None)
    if refused is not None:
        return Refused(rule=refused.rule, detail=_text(_look_up(flat, refused.field))[:80])
    try:
        question = _question(source, flat)
        solution = _text(_look_up(flat, source.solution))
        answer = _after(source.answer_after, _text(_look_up(flat, source.answer)))
    except NotOneQuestion as error:
        return Refused(rule="conversation", detail=str(error))
    letter = _text(_look_up(flat, source.choice)) if source.choice else ""
    longest = max(len(question), len(solution), len(answer))
    if not question.strip():
        return Refused(rule="empty_question")
    if longest > LONGEST_FIELD:
        return Refused(rule="gigantic_field", detail=f"{longest:,} characters, at most {LONGEST_FIELD:,}")
    if any(_broken(text) for text in (question, solution, answer)):
        return Refused(rule="broken_utf8")
    if strict and (command := next(filter(None, map(eaten_command, (question, solution, answer))), "")):
        told = f"a control character instead of {command}: double the backslashes of LaTeX in JSON"
        return Refused(rule="control_character", detail=told)
    return Row(
        key=question_key(question),
        id=_text(_look_up(flat, source.id)) or place,
        source=source.name,
        question=question,
        solution=solution or letter or answer,
        answer=letter or answer or None,
        kind="choice" if letter else source.kind,
        subject=_text(_look_up(flat, source.subject)) or None,
        metadata=_metadata(record),
    )


def missing_fields(source: Source, names: Iterable[str]) -> str | None:
    """What a source needs and a table with these columns does not have, in words; None when all is there."""
    there = {_plain_name(name) for name in names}

    def has(alternatives: str) -> bool:
        return any(_plain_name(a).partition(".")[0] in there for a in alternatives.split("|"))

    wanted = [match for piece in source.question for match in _FIELD.findall(piece)]
    if any(has(alternatives) for alternatives in wanted):
        return None
    return " or ".join(" or ".join(w.split("|")) for w in wanted)


_FIELD = re.compile(r"\{([^{}]+)\}")


def _question(source: Source, flat: Mapping[str, Any]) -> str:
    whole = ""
    for piece in source.question:
        values = [_after(source.after, _raw(_look_up(flat, names), "user")) for names in _FIELD.findall(piece)]
        if all(value.strip() for value in values):
            parts = iter(values)
            whole += _FIELD.sub(lambda _, parts=parts: next(parts), piece)
    if source.before:
        whole = whole.partition(source.before)[0].strip()
    return whole


def _after(mark: str, text: str) -> str:
    return text.partition(mark)[2].strip() or text if mark else text


def _look_up(flat: Mapping[str, Any], alternatives: str) -> Any:
    """The first of the alternatives that holds something."""
    for path in alternatives.split("|"):
        first, _, rest = path.partition(".")
        value = flat.get(_plain_name(first))
        for name in rest.split(".") if rest else ():
            value = value.get(name) if isinstance(value, Mapping) else None
        # Tables mark an empty cell by what is no number, or by its name.
        if value is not None and value != "" and value != [] and value == value and not _is_blank(value):
            return value
    return None


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and is_missing(value)


def _plain_name(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def _plain(value: Any) -> str:
    return str(value).strip().lower()


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("inf")


def _text(value: Any) -> str:
    return _raw(value).strip()


def _raw(value: Any, role: str = "assistant") -> str:
    """A value as text; of a chat what this role says.

    Raises:
        NotOneQuestion: it says several things.
    """
    if value is None or value != value:  # NaN is the one value that is not itself
        return ""
    if (turns := chat_turns(value)) is not None:
        return only_turn(turns, role)
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        # Options and steps stand on lines; the parts of an answer beside each other.
        parts = [_text(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
        return ("\n" if all(isinstance(part, str) for part in value) else ", ").join(parts)  # pyright: ignore[reportUnknownVariableType]
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else str(value)


def _broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return "\ufffd" in text


def _metadata(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the source knows besides, without long texts: the question and its solution are in the row already."""
    short = {k: v for k, v in record.items() if v is None or isinstance(v, (bool, int, float)) or _short(v)}
    short = {k: v for k, v in short.items() if v == v}  # but for what is no number, which JSON does not know
    return {str(k): v for k, v in short.items()}


def _short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 100 and not _broken(value)
