"""From the text that a model wrote to a row of a run: thinking and answer told apart, counted and graded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, get_args

from evals.importers.tokens import CountTokens
from s1core.budget import DEFAULT_FINAL_ANSWER_TEXT
from s1core.grading import grade
from s1core.grading.grade import Kind
from s1core.store import Row
from s1core.thinking import FORMATS
from s1core.types import ClosedBy


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """A text, split at the end of its thinking."""

    thinking: str
    close: str
    answer: str
    closed_by: ClosedBy

    @property
    def segments(self) -> list[list[str]]:
        """The text by author. Which Waits were forced cannot be told from text alone: they count as the model's."""
        parts = [
            ["model", "thinking", self.thinking],
            ["close", "answer", self.close],
            ["model", "answer", self.answer],
        ]
        return [part for part in parts if part[2]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """A verdict that the log itself holds."""

    answer: str | None
    correct: bool
    rule: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One sample of a foreign log."""

    id: str
    group: str
    setting: str
    sample_index: int
    target: str
    kind: str
    parts: Parts
    thinking_tokens: int | None = None
    """As the log counts them; None has them counted here."""
    recorded: Recorded | None = None


def split_thinking(text: str) -> Parts:
    """Split what a model wrote at the end of its thinking, in whichever known format it is."""
    s1 = FORMATS["s1"]
    if text.startswith(s1.open) or s1.close_by_model in text:
        return _split_s1(text.removeprefix(s1.open))
    if "<think>" in text[:100] or "</think>" in text:
        opened = re.sub(r"\A\s*<think>\n?", "", text)
        thinking, mark, answer = opened.partition("</think>")
        closed_by: ClosedBy = "model" if mark else "context"
        return Parts(thinking=thinking.removesuffix("\n"), close=mark, answer=answer, closed_by=closed_by)
    return Parts(thinking="", close="", answer=text, closed_by="model")


def _split_s1(text: str) -> Parts:
    thinking, mark, answer = text.partition(FORMATS["s1"].close_by_model)
    if not mark:
        return Parts(thinking=thinking, close="", answer="", closed_by="context")
    forced = "\n" + DEFAULT_FINAL_ANSWER_TEXT
    if not answer.startswith(forced):
        return Parts(thinking=thinking, close=mark, answer=answer, closed_by="model")
    # The harness writes this newline itself, before it closes the block: it is no thinking.
    newline = "\n" if thinking.endswith("\n") else ""
    return Parts(
        thinking=thinking.removesuffix("\n"),
        close=newline + mark + forced,
        answer=answer.removeprefix(forced),
        closed_by="budget",
    )


def guess_kind(benchmark: str, target: str) -> str:
    """How answers of a benchmark are graded, by its name or else by what is expected."""
    name = benchmark.lower()
    for mark, kind in (("aime", "integer"), ("math", "math"), ("gpqa", "choice")):
        if mark in name:
            return kind
    if re.fullmatch(r"\(?[A-J]\)?", target.strip()):
        return "choice"
    return "integer" if re.fullmatch(r"-?\d+", target.strip()) else "math"


def to_row(sample: Sample, count: CountTokens, *, regrade: bool = False) -> Row:
    """Make the row that `evals.evaluate.sample_row` makes of a run of ours.

    Args:
        sample: what the log holds.
        count: counts tokens of text.
        regrade: judge the text with our own grader although the log holds a verdict.
    """
    parts = sample.parts
    verdict = None if regrade else sample.recorded
    verdict = verdict or _judge(parts, sample.target, sample.kind)
    counted = sample.thinking_tokens
    return {
        "id": sample.id,
        "group": sample.group,
        "setting": sample.setting,
        "sample_index": sample.sample_index,
        "answer": verdict.answer,
        "correct": verdict.correct,
        "rule": verdict.rule,
        "answered": verdict.answer is not None,
        "thinking_tokens": count(parts.thinking) if counted is None else counted,
        "answer_tokens": count(parts.answer),
        "waits_used": None,
        "closed_by": parts.closed_by,
        "segments": parts.segments,
    }


def _judge(parts: Parts, target: str, kind: str) -> Recorded:
    asked: Any = kind if kind in get_args(Kind) else "math"
    # The forced `Final Answer:` belongs to the text that is judged: the answer stands right after it.
    label = DEFAULT_FINAL_ANSWER_TEXT if parts.closed_by == "budget" else ""
    verdict = grade(label + parts.answer, target, kind=asked)
    return Recorded(answer=verdict.answer, correct=verdict.correct, rule=verdict.rule)
