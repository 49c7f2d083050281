"""From one sample of a foreign log to a row of a run: counted and graded, or said to be unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from evals.importers.thinking import Parts
from evals.importers.tokens import CountTokens, TokenizerUnavailable
from evals.importers.verdicts import Scores, ranked
from s1core.budget import DEFAULT_FINAL_ANSWER_TEXT
from s1core.grading import extract_answer, grade
from s1core.grading.grade import Kind, Verdict
from s1core.store import Row

_NUMBER = re.compile(r"-?\d+(?:,\d{3})*")
_TAIL = 2_000
"""Characters at the end of a text in which a number is looked for."""
LONGEST_QUESTION = 20_000
"""Characters of a question that a row keeps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One sample of a foreign log."""

    id: str
    group: str
    sample_index: int
    targets: tuple[str, ...]
    """Every answer that is right."""
    kind: str
    parts: Parts
    question: str = ""
    thinking_tokens: int | None = None
    """As the log counts them; None has them counted here."""
    answer_tokens: int | None = None
    """Likewise."""
    hidden: str | None = None
    """Why a text without marks may have lost its thinking; None where nothing says so."""
    lost: str | None = None
    """Why the log does not hold the thinking, whatever the text shows."""
    empty: bool = False
    """The log holds no answer at all: null, an error."""
    scores: Scores = field(default_factory=dict)
    receipt: Mapping[str, Any] | None = None
    """What this project's own server said of the run, where the log kept it."""

    @property
    def target(self) -> str:
        """The right answers in one line."""
        return " or ".join(self.targets)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A row, and what was found on the way to it."""

    row: Row
    unknown: str | None
    """Why its thinking tokens are unknown."""
    recorded: bool | None
    """What the verdict that counts says; None where the log holds none for this sample."""
    own: bool | None
    """What our grader says, where it was asked."""


def guess_kind(benchmark: str, target: str, *, options: bool = False) -> str:
    """How answers of a benchmark are graded, by its name or else by what is expected.

    Args:
        benchmark: its name.
        target: a right answer.
        options: the question comes with options to choose from.
    """
    name = benchmark.lower()
    letter = re.fullmatch(r"\(?[A-J]\)?", target.strip()) is not None
    if letter and options:
        return "choice"
    for mark, kind in (("aime", "integer"), ("math", "math"), ("gpqa", "choice")):
        if mark in name:
            return kind
    if letter:
        return "choice"
    return "integer" if re.fullmatch(r"-?\d+", target.strip()) else "math"


def judge(
    sample: Sample,
    setting: str,
    count: CountTokens,
    verdict: str | None,
    *,
    regrade: bool = False,
    compare: bool = False,
) -> Judged:
    """Make the row that `evals.evaluate.sample_row` makes of a run of ours, and say what is not known.

    Args:
        sample: what the log holds.
        setting: the name of what was asked.
        count: counts tokens of text.
        verdict: the name of the verdict that counts, where the log holds it.
        regrade: judge the text with our own grader although the log holds a verdict.
        compare: ask our own grader as well.
    """
    score = sample.scores.get(verdict) if verdict is not None else None
    recorded = None if score is None or score.value is None else score.correct
    own = _grade(sample) if regrade or compare or recorded is None else None
    if score is None or recorded is None or regrade:
        assert own is not None
        answer, correct, rule = own.answer, own.correct, own.rule
    else:
        answer = score.answer or (own.answer if own else _read(sample))
        correct, rule = recorded, f"recorded: {verdict}"
    unknown = unknown_thinking(sample)
    row: Row = {
        "id": sample.id,
        "group": sample.group,
        "setting": setting,
        "sample_index": sample.sample_index,
        "answer": answer,
        "correct": correct,
        "rule": rule,
        # What a log calls right was an answer, also where ours is not read.
        "answered": answer is not None or correct,
        "thinking_tokens": _thinking_tokens(sample, unknown, count),
        "answer_tokens": _answer_tokens(sample, count),
        "waits_used": (sample.receipt or {}).get("waits_used"),
        "closed_by": (sample.receipt or {}).get("closed_by", sample.parts.closed_by if unknown is None else None),
        "question": sample.question[:LONGEST_QUESTION],
        "target": sample.target[:LONGEST_QUESTION],
        "receipt": dict(sample.receipt) if sample.receipt is not None else None,
        "segments": sample.parts.segments,
    }
    return Judged(row=row, unknown=unknown, recorded=recorded, own=None if own is None else own.correct)


def to_row(sample: Sample, count: CountTokens) -> Row:
    """Make a row of a sample alone, by the verdict that stands first in `ranked`."""
    usable = [name for name, score in sample.scores.items() if score.value is not None]
    return judge(sample, "", count, next(iter(ranked(usable)), None)).row


def unknown_thinking(sample: Sample) -> str | None:
    """Return why the thinking tokens of a sample are unknown; None where they are counted, or can be."""
    if sample.thinking_tokens is not None:
        return None
    return sample.lost or sample.parts.unclear or (None if sample.parts.marked else sample.hidden)


def _thinking_tokens(sample: Sample, unknown: str | None, count: CountTokens) -> int | None:
    if sample.thinking_tokens is not None:
        return sample.thinking_tokens
    if unknown is not None:
        return None
    return count(sample.parts.thinking) if sample.parts.thinking else 0


def _answer_tokens(sample: Sample, count: CountTokens) -> int | None:
    if sample.answer_tokens is not None:
        return sample.answer_tokens
    if sample.parts.unclear is not None or sample.empty:
        return None
    try:
        return count(sample.parts.answer) if sample.parts.answer else 0
    except TokenizerUnavailable:  # of the thinking tokens, that is an error; an answer's are beside the point
        return None


def _grade(sample: Sample) -> Verdict:
    """Judge by our own grader: right by any of the targets, else as the first has it."""
    kind: Any = sample.kind if sample.kind in get_args(Kind) else "math"
    verdicts = [grade(_judged(sample), target, kind=kind) for target in sample.targets or ("",)]
    return next((verdict for verdict in verdicts if verdict.correct), verdicts[0])


def _read(sample: Sample) -> str | None:
    """Return the answer of a text that the log has judged: what is marked, a letter, else the last number."""
    text = _judged(sample)
    if sample.kind == "choice":
        return grade(text, sample.targets[0], kind="choice").answer
    found = extract_answer(text)
    if found.rule == "no_answer_marker" and sample.kind == "integer":
        return next(iter(_NUMBER.findall(text[-_TAIL:])[-1:]), None)
    return found.answer


def _judged(sample: Sample) -> str:
    # The forced `Final Answer:` belongs to the text that is judged: the answer stands right after it.
    label = DEFAULT_FINAL_ANSWER_TEXT if sample.parts.closed_by == "budget" else ""
    return label + sample.parts.answer
