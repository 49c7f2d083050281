"""Events of a run -> the JSON that the page draws. Pure: no Gradio, no clock, no model.

The page receives one growing string per trace, so that only what is new travels and only what is new is drawn.
Who wrote what travels inside that string as private-use characters, which are removed from every other text:
`<author> [label LABEL_END] text <author> ...`.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from s1core.types import Cut, Event, Finished, Prefilled, Receipt, Segment, Source, Started, Tokens

MODEL, WAIT, CLOSE_FORCED, CLOSE_BY_MODEL, PROBE, LABEL_END = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004", "\ue00f"
_MARKS = re.compile("[\ue000-\ue00f]")
_SPECIAL_MARKERS = re.compile(r"<\|[^|>]*\|>\w*|</?think>")

State = Literal["empty", "loading", "running", "done", "cancelled", "error"]

CLOSED_BY = {
    "model": "the model itself",
    "budget": "the budget",
    "context": "the context window",
    "cancelled": "you, with Stop",
}
ANSWER_RULE = {
    "boxed": "the last \\boxed{…}",
    "final_answer_label": "“Final Answer:”",
    "no_answer_marker": "nowhere, no “Final Answer:”",
    "empty_answer": "nowhere, “Final Answer:” is empty",
}


def plain(text: str) -> str:
    """Return text from outside without the characters that carry provenance."""
    return _MARKS.sub("", text)


class LiveTrace:
    """Folds the events of one run into the string that the page appends to, and counts on the way."""

    def __init__(self) -> None:
        self.text = ""
        """The trace so far, provenance included."""
        self.limit_tokens: int | None = None
        self.spent_tokens = 0
        self.answer_tokens = 0
        self.waits_used = 0
        self.reused_tokens: int | None = None
        """Prompt and injected tokens taken from the prefix cache; None until the engine has told."""
        self.first_token_s: float | None = None
        self.answer_text = ""
        """What the model wrote after the thinking, as it arrives."""
        self.finished: Finished | None = None
        self._author: tuple[Source, str] | None = None
        self._at_line_start = True
        self._sampled = 0
        self._last_s = 0.0

    def take(self, event: Event) -> None:
        """Fold one event."""
        match event:
            case Started():
                self.limit_tokens = event.max_thinking_tokens
            case Prefilled():
                self.reused_tokens = (self.reused_tokens or 0) + event.reused
            case Tokens():
                self._count(event)
                self._write(event.source, event.note, event.text)
            case Cut():
                self._cut(event)
            case Finished():
                self.finished = event

    @property
    def tokens_per_s(self) -> float | None:
        """Sampled tokens per second after the first one; None until there are two."""
        if self.first_token_s is None or self._last_s <= self.first_token_s:
            return None
        return (self._sampled - 1) / (self._last_s - self.first_token_s)

    def _count(self, event: Tokens) -> None:
        count = len(event.token_ids)
        if event.phase == "thinking":
            self.spent_tokens += count
        if event.source == "wait":
            self.waits_used += 1
        if event.source != "model":
            return
        if event.phase == "answer":
            self.answer_tokens += count
            self.answer_text += plain(event.text)
        if count:
            self._sampled += count
            self._last_s = event.at_s
            if self.first_token_s is None:
                self.first_token_s = event.at_s

    def _write(self, source: Source, note: str, text: str) -> None:
        if (source, note) != self._author or source == "wait":
            self._author = (source, note)
            self.text += _opening(source, note, self.spent_tokens, self.waits_used)
        self.text += self._visible(source, text)

    def _visible(self, source: Source, text: str) -> str:
        """Leave out what would only be empty space: control tokens, and newlines before the first word of a part."""
        shown = plain(_SPECIAL_MARKERS.sub("", text) if source == "close" else text)
        if self._at_line_start or source == "close":
            shown = shown.lstrip("\n")
        # A forced close ends in "Final Answer:", which the model's text continues on the same line.
        self._at_line_start = not shown if source == "close" else self._at_line_start and not shown
        return shown

    def _cut(self, event: Cut) -> None:
        """Start again from what is kept; the page notices that the text does not continue and draws it anew."""
        self.text, self._author, self._at_line_start = "", None, True
        self.spent_tokens, self.waits_used = 0, 0
        for segment in event.segments:
            self._write_segment(segment)

    def _write_segment(self, segment: Segment) -> None:
        self.spent_tokens += len(segment.token_ids)
        self.waits_used += segment.source == "wait"
        self._write(segment.source, segment.note, segment.text)


def _opening(source: Source, note: str, spent_tokens: int, number: int) -> str:
    if source == "wait":
        return f"{WAIT}{number}{LABEL_END}"
    if source == "close":
        mark = CLOSE_BY_MODEL if note == "model" else CLOSE_FORCED
        return f"{mark}{close_label(note, spent_tokens)}{LABEL_END}"
    return PROBE if source == "probe" else MODEL


def close_label(reason: str, spent_tokens: int) -> str:
    """Say why the thinking was closed."""
    return {
        "model": f"the model stopped by itself: {spent_tokens:,}",
        "budget": f"budget spent: {spent_tokens:,}",
        "context": f"context full: {spent_tokens:,}",
    }.get(reason, reason)


def meter(trace: LiveTrace, *, waits: int) -> dict[str, Any]:
    """Return the live numbers."""
    rate, first, reused = trace.tokens_per_s, trace.first_token_s, trace.reused_tokens
    return {
        "spent": trace.spent_tokens,
        "limit": trace.limit_tokens,
        "waits": f"{trace.waits_used} of {waits}" if waits else "",
        "rate": "" if rate is None else f"{rate:,.0f}",
        "first": "" if first is None else seconds(first),
        "reused": "" if reused is None else f"{reused:,}",
    }


def answer(trace: LiveTrace, *, expected: str | None, correct: bool | None) -> dict[str, Any]:
    """Return the answer card. `correct` is None when no expected answer is known."""
    done = trace.finished
    parsed = plain(done.answer) if done and done.answer is not None else None
    verdict = "" if correct is None else ("right" if correct else "wrong")
    return {
        "text": (parsed or "") if done else trace.answer_text.strip(),
        "missing": bool(done) and parsed is None,
        "verdict": verdict if done else "",
        "expected": expected if done and expected is not None else "",
        "complete": done.receipt.answer_complete if done else True,
    }


def receipt_rows(receipt: Receipt) -> list[list[str]]:
    """Return the receipt in plain words: [what, how much]."""
    asked = receipt.max_thinking_tokens
    rows = [
        ["Thinking", f"{receipt.thinking_tokens:,} of {'no limit' if asked is None else f'{asked:,}'} tokens"],
        ["Closed by", CLOSED_BY[receipt.closed_by]],
        ["Waits forced", f"{receipt.waits_used} of {receipt.waits}"],
        ["Answer", count(receipt.answer_tokens) + ("" if receipt.answer_complete else ", cut off")],
        ["Answer read from", ANSWER_RULE.get(receipt.answer_rule, receipt.answer_rule)],
        ["First token after", seconds(receipt.time_to_first_token_s)],
        ["Speed", "–" if receipt.tokens_per_s is None else f"{receipt.tokens_per_s:,.0f} tokens/s"],
        ["Whole run", seconds(receipt.wall_s)],
        ["Prompt work", f"{receipt.prefill_computed:,} computed, {receipt.prefill_reused:,} reused"],
        ["Sampling", _sampling(receipt)],
        ["Model", f"{receipt.model} on {receipt.engine}"],
    ]
    if receipt.min_thinking_tokens:
        rows.insert(1, ["At least", count(receipt.min_thinking_tokens)])
    if receipt.accounting != "total":
        rows.append(["Budget counts", "per round, cut once at the end"])
    rows += [["Not enforced", note] for note in receipt.unsupported]
    return [[name, plain(value)] for name, value in rows]


def _sampling(receipt: Receipt) -> str:
    if receipt.temperature == 0:
        return "greedy (temperature 0)"
    return f"temperature {receipt.temperature:g}, seed {receipt.seed}"


def count(tokens: int) -> str:
    """`1 token`, `2 tokens`."""
    return f"{tokens:,} token{'' if tokens == 1 else 's'}"


def seconds(value: float | None) -> str:
    """Milliseconds below one second, seconds above."""
    if value is None:
        return "–"
    return f"{value * 1000:,.0f} ms" if value < 1 else f"{value:,.1f} s"
