"""What travels through the pipeline: rows, rejections with their rule, and what a stage returns."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from s1core.errors import S1Error
from s1core.grading import Kind

OnProgress = Callable[[int, Mapping[str, int]], None]
"""Called now and then with (rows done, rejections by rule so far)."""


class CurateError(S1Error, RuntimeError):
    """The curation cannot go on; the message names the remedy. What is done stays on disk."""


def question_key(question: str) -> str:
    """The key of a question, the same as in the released s1K: `sha256(question)[:16]`."""
    return hashlib.sha256(question.encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A question with all that is known of it so far. Stages return changed copies."""

    key: str
    """Of the question's text; see `question_key`."""
    id: str
    """In its source; no source has an id twice."""
    source: str
    question: str
    solution: str
    """The reference solution, at any length."""
    answer: str | None = None
    """The short reference answer, where the source gives one."""
    kind: Kind = "math"
    """How answers are compared without a language model."""
    subject: str | None = None
    """What the source itself says that the question is about."""
    phrasing: str = ""
    """The wording that the question is made of, where its source has several for one subject."""
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    attempt: str | None = None
    """The teacher's answer. Its thinking stays on disk until a row is selected."""
    thinking_tokens: int | None = None
    failed: str | None = None
    """Why the teacher gave no usable trace."""
    correct: bool | None = None
    """Whether the teacher's answer is right; None where nobody judged it."""
    domain: str | None = None
    drawn: str | None = None
    """By which rule of the selection."""

    @property
    def uid(self) -> str:
        """Unique among all rows of a run."""
        return f"{self.source}/{self.id}"

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy; `Row(**...)` reads it back."""
        return asdict(self)


SHOWN = 300
"""Characters of a rejected question that are kept, to recognise it by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """Why a row is not in the set. No row disappears without one."""

    stage: str
    rule: str
    source: str
    id: str
    key: str = ""
    detail: str = ""
    """What the rule saw: the earlier question, the shared words, the year."""
    question: str = ""

    @property
    def uid(self) -> str:
        """The row's."""
        return f"{self.source}/{self.id}"

    @classmethod
    def of(cls, row: Row, stage: str, rule: str, detail: str = "") -> Rejection:
        """Reject a row."""
        return cls(
            stage=stage,
            rule=rule,
            source=row.source,
            id=row.id,
            key=row.key,
            detail=detail,
            question=row.question[:SHOWN],
        )

    def as_dict(self) -> dict[str, str]:
        """Return a JSON-ready copy."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a stage leaves."""

    rows: list[Row]
    rejections: list[Rejection]
    notes: tuple[str, ...] = ()
    """What people should look at, in one sentence each."""

    def by_rule(self) -> dict[str, int]:
        """Rejections by rule, the most frequent first."""
        return dict(Counter(r.rule for r in self.rejections).most_common())


class Stage(Protocol):
    """One step of the funnel. Facts that cost something are kept by question, so that a second run finds them."""

    @property
    def name(self) -> str:
        """What it is called in counts and rejections."""
        ...

    @property
    def pure(self) -> bool:
        """It adds nothing to rows: on resuming, its rejections of an unchanged input hold without running it."""
        ...

    @property
    def config(self) -> dict[str, Any]:
        """All that decides what it does, JSON-ready."""
        ...

    def run(self, rows: Sequence[Row], on_progress: OnProgress) -> Outcome:
        """Pass rows on or reject them."""
        ...
