"""Samples that lm-eval logged, as a race: one question under the budgets it was asked with, at a pace that is chosen.

Such a log has texts and no times. Its thinking and answer are dealt out word by word, as the model's tokenizer splits
them before it makes tokens; the receipt says that these counts are estimates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from app.runs.recording import RecordedLane, RecordedRace, TimedEvent
from app.runs.request import RunRequest
from app.tabs.compare.recording_file import BadRecording
from app.tabs.compare.request import MOST_LANES
from evals.importers.lm_eval_lines import logged_samples
from evals.importers.questions import question_of
from evals.importers.rows import Sample, to_row, unknown_thinking
from evals.importers.settings import ImportedSetting, asked_of
from s1core import Budget, Sampling
from s1core.types import Event, Finished, Phase, Receipt, Source, Started, Tokens

MODEL = "lm-eval log"
"""Samples do not name their model."""
ENGINE = "lm-eval"
SLOWEST, FASTEST = 1.0, 2_000.0
MOST_ROWS = 20_000
UPDATES_PER_S = 20.0
NOTE = "token counts: estimated by words"
UNKNOWN = "where the thinking ends: the log does not tell"
_WORDS = re.compile(r" ?[^\W\d_]+|\d| ?[^\s\w]+|\s+|_", re.UNICODE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Logged:
    """What was found in a log, and the race of one of its questions."""

    questions: tuple[str, ...]
    chosen: int
    race: RecordedRace


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    question: str
    budget: int | None
    sample: Sample


def is_log(first_line: str) -> bool:
    """Whether a file that begins so holds samples of lm-eval."""
    try:
        row = json.loads(first_line)
    except (ValueError, RecursionError):
        return False
    return isinstance(row, dict) and "resps" in row and "doc_id" in row


def read(lines: Iterable[str], *, question: int = 0, tokens_s: float = 60.0) -> Logged:
    """Make the race of one question; several logs may follow each other.

    Args:
        lines: of `samples_*.jsonl`.
        question: which of them, from 0, in the order of the log.
        tokens_s: at which pace.

    Raises:
        BadRecording: a line is damaged, there is no such question, or no pace.
    """
    if not SLOWEST <= tokens_s <= FASTEST:
        raise BadRecording(f"Tokens per second: a number from {SLOWEST:g} to {FASTEST:,.0f}.")
    by_question: dict[str, dict[tuple[int | None, str], _Row]] = {}
    for row in _rows(lines):
        # A log with several filters has the same text once for each.
        key = row.budget, "".join(text for _, _, text in row.sample.parts.segments)
        by_question.setdefault(row.question, {}).setdefault(key, row)
    if not by_question:
        raise BadRecording("The log holds no samples; open samples_*.jsonl that lm-eval wrote with --log_samples.")
    if not 0 <= question < len(by_question):
        raise BadRecording(f"The log has {len(by_question)} questions; there is none with the number {question + 1}.")
    text = list(by_question)[question]
    rows = sorted(by_question[text].values(), key=lambda row: (row.budget is None, row.budget or 0))[:MOST_LANES]
    race = RecordedRace(
        question=text,
        expected=rows[0].sample.target,
        lanes=tuple(_lane(row, tokens_s) for row in rows),
        title=f"Logged by lm-eval, played at {tokens_s:g} tokens/s (estimated by words)",
    )
    return Logged(questions=tuple(by_question), chosen=question, race=race)


def _rows(lines: Iterable[str]) -> Iterator[_Row]:
    filled = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    for count, (number, line) in enumerate(filled, start=1):
        if count > MOST_ROWS:
            raise BadRecording(f"The log has more than {MOST_ROWS:,} samples; open fewer files at once.")
        try:
            row: Any = json.loads(line)
            (sample,) = logged_samples(row, "log")[:1]
            asked = _options(row)
            if asked.thinks:  # a text that shows none has lost it
                sample = replace(sample, hidden=UNKNOWN)
            yield _Row(question=_question(row), budget=asked.max_thinking_tokens, sample=sample)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            why = str(error) if type(error) is ValueError else "it is no sample of lm-eval"
            raise BadRecording(f"The log is damaged in line {number}: {why}. Copy the file once more.") from None


def _arguments(row: Any) -> Any:
    return row.get("arguments", {}).get("gen_args_0", {})


def _question(row: Any) -> str:
    found = question_of(row)
    if not found:
        raise ValueError("it has no question")
    return found


def _options(row: Any) -> ImportedSetting:
    options = _arguments(row).get("arg_1")
    asked = asked_of(options if isinstance(options, dict) else {})
    most = asked.max_thinking_tokens
    return asked if most is None or most < 2**31 else replace(asked, max_thinking_tokens=None)


def _lane(row: _Row, tokens_s: float) -> RecordedLane:
    asked = RunRequest(
        question=row.question,
        model=MODEL,
        budget=Budget(max_thinking_tokens=row.budget),
        sampling=Sampling(),
        method="none" if row.budget is None else "forcing",
    )
    return RecordedLane(asked=asked, happened=tuple(_happened(row, tokens_s)))


def _happened(row: _Row, tokens_s: float) -> Iterator[TimedEvent]:
    parts = row.sample.parts
    thinking, answer = _WORDS.findall(parts.thinking), _WORDS.findall(parts.answer)
    room = row.budget if row.budget is not None else len(thinking)
    yield TimedEvent(0.0, 0, Started(prompt_tokens=0, max_thinking_tokens=room))
    answer_s = len(thinking) / tokens_s
    close: Sequence[TimedEvent] = ()
    if parts.close:
        close = [TimedEvent(answer_s, 0, _tokens("close", "answer", parts.close, 0, answer_s, parts.closed_by or ""))]
    dealt = chain(
        _dealt(thinking, "thinking", 0.0, tokens_s),
        close,
        _dealt(answer, "answer", answer_s, tokens_s),
    )
    yield from dealt
    end_s = answer_s + len(answer) / tokens_s
    yield TimedEvent(end_s, 0, _finished(row, len(thinking), len(answer), end_s, tokens_s))


def _dealt(words: list[str], phase: Phase, begin_s: float, tokens_s: float) -> Iterator[TimedEvent]:
    """Deal words out, as many at a time as come between two updates of the page."""
    size = max(1, round(tokens_s / UPDATES_PER_S))
    for start in range(0, len(words), size):
        some = words[start : start + size]
        at_s = begin_s + (start + len(some)) / tokens_s
        yield TimedEvent(at_s, 0, _tokens("model", phase, "".join(some), len(some), at_s))


def _tokens(source: Source, phase: Phase, text: str, count: int, at_s: float, note: str = "") -> Tokens:
    # The log has no ids; the page counts them and shows none.
    return Tokens(source=source, phase=phase, text=text, token_ids=(0,) * count, note=note, at_s=at_s)


def _finished(row: _Row, thinking: int, answer: int, end_s: float, tokens_s: float) -> Event:
    graded = to_row(row.sample, lambda _: 0)
    receipt = Receipt(
        max_thinking_tokens=row.budget,
        min_thinking_tokens=0,
        waits=0,
        accounting="per_round",
        thinking_tokens=thinking,
        waits_used=0,
        closed_by=row.sample.parts.closed_by or "model",
        answer_tokens=answer,
        answered=graded["answered"],
        answer_rule=graded["rule"],
        answer_complete=bool(row.sample.parts.answer),
        prompt_tokens=0,
        prefill_computed=0,
        prefill_reused=0,
        time_to_first_token_s=None,
        wall_s=end_s,
        tokens_per_s=tokens_s,
        engine=ENGINE,
        model=MODEL,
        temperature=0.0,
        seed=0,
        unsupported=(NOTE,) if unknown_thinking(row.sample) is None else (NOTE, UNKNOWN),
    )
    return Finished(answer=graded["answer"], receipt=receipt)
