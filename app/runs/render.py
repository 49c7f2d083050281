"""Events of a run -> the JSON that the page draws. Pure: no Gradio, no clock, no model.

The page receives one growing string per trace, so that only what is new travels and only what is new is drawn.
Who wrote what travels inside that string as private-use characters, which are removed from every other text:
`<author> [label LABEL_END] text <author> ...`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

from s1core.types import FORCED, Cut, Event, Finished, Prefilled, Receipt, Segment, Source, Started, Tokens

MODEL, WAIT, CLOSE_FORCED, CLOSE_BY_MODEL, PROBE, LABEL_END = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004", "\ue00f"
YOU = "\ue006"
"""A Wait that a person forced while the run went on; labelled by its number, as the others."""
HINT = "\ue007"
"""A hint that the budget is almost spent; its label is empty."""
SAMPLE = "\ue005"
"""Opens one of several runs of a question; its label names it, and no text follows before the next mark."""
_MARKS = re.compile("[\ue000-\ue00f]")
_SPECIAL_MARKERS = re.compile(r"<\|[^|>]*\|>\w*|</?think>")

State = Literal["empty", "loading", "running", "probing", "done", "cancelled", "error"]
"""`probing`: the run has ended and its answer track is being filled."""

CLOSED_BY = {
    "model": "the model itself",
    "budget": "the budget",
    "context": "the context window",
    "loop": "a loop",
    "you": "you, with Answer now",
    "cancelled": "you, with Stop",
}
LANDING = {"soft": "soft, the model ended by itself", "hard": "hard, cut all the same"}
SPILL = {
    "reopened": "the answer opened the thinking again",
    "repeats": "the answer repeats the thinking",
    "long": "the answer is longer than usual",
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

    def __init__(self, close_label: Callable[[str, int], str] | None = None) -> None:
        """Start empty; `close_label` says why thinking was closed, given the reason and the tokens spent."""
        self.text = ""
        """The trace so far, provenance included."""
        self.limit_tokens: int | None = None
        self.spent_tokens = 0
        self.answer_tokens = 0
        self.waits_used = 0
        self.waits_by_you = 0
        self.reused_tokens: int | None = None
        """Prompt and injected tokens taken from the prefix cache; None until the engine has reported them."""
        self.sampled_tokens = 0
        """Tokens of the model's own, thinking and answer."""
        self.first_token_s: float | None = None
        self.last_token_s = 0.0
        self.answer_text = ""
        """What the model wrote after the thinking, as it arrives."""
        self.finished: Finished | None = None
        self._author: tuple[Source, str] | None = None
        self._at_line_start = True
        self._close_label = close_label or why_closed

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
        if self.first_token_s is None or self.last_token_s <= self.first_token_s:
            return None
        return (self.sampled_tokens - 1) / (self.last_token_s - self.first_token_s)

    def _count(self, event: Tokens) -> None:
        count = len(event.token_ids)
        if event.phase == "thinking":
            self.spent_tokens += count
        self._count_wait(event.source)
        if event.source != "model":
            return
        if event.phase == "answer":
            self.answer_tokens += count
            self.answer_text += plain(event.text)
        if count:
            self.sampled_tokens += count
            self.last_token_s = event.at_s
            if self.first_token_s is None:
                self.first_token_s = event.at_s

    def _count_wait(self, source: Source) -> None:
        self.waits_used += source == "wait"
        self.waits_by_you += source == "you"

    def _write(self, source: Source, note: str, text: str) -> None:
        if (source, note) != self._author or source in FORCED:
            self._author = (source, note)
            self.text += self._opening(source, note)
        self.text += self._visible(source, text)

    def _opening(self, source: Source, note: str) -> str:
        if source == "hint":
            return f"{HINT}{LABEL_END}"
        if source in FORCED:
            return f"{YOU if source == 'you' else WAIT}{self.waits_used + self.waits_by_you}{LABEL_END}"
        if source == "close":
            mark = CLOSE_BY_MODEL if note == "model" else CLOSE_FORCED
            return f"{mark}{self._close_label(note, self.spent_tokens)}{LABEL_END}"
        return PROBE if source == "probe" else MODEL

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
        self.spent_tokens = self.waits_used = self.waits_by_you = 0
        for segment in event.segments:
            self._write_segment(segment)

    def _write_segment(self, segment: Segment) -> None:
        self.spent_tokens += len(segment.token_ids)
        self._count_wait(segment.source)
        self._write(segment.source, segment.note, segment.text)


def why_closed(reason: str, spent_tokens: int) -> str:
    """Say why the thinking was closed."""
    return {
        "model": f"the model stopped by itself: {spent_tokens:,}",
        "budget": f"budget spent: {spent_tokens:,}",
        "context": f"context full: {spent_tokens:,}",
        "loop": f"going round in circles: {spent_tokens:,}",
        "you": f"you wanted the answer: {spent_tokens:,}",
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


def answer(
    text: str | None, *, over: bool, expected: str | None, correct: bool | None, note: str = "", caution: str = ""
) -> dict[str, Any]:
    """Return the answer card.

    Args:
        text: the answer as far as it is there; None when there is none.
        over: the run has ended, so that no answer means that none could be read.
        expected: the right answer, where it is known.
        correct: whether the answer is right; None where that cannot be said.
        note: what else there is to say of the answer, in a sentence.
        caution: why the answer is not to be relied on, in a sentence.
    """
    judged = over and correct is not None
    return {
        "text": plain(text or "").strip(),
        "missing": over and text is None,
        "verdict": ("right" if correct else "wrong") if judged else "",
        "expected": expected if judged and expected is not None else "",
        "note": plain(note),
        "caution": plain(caution),
    }


def receipt_rows(receipt: Receipt) -> list[list[str]]:
    """Return the receipt in plain words: [what, how much]."""
    asked, spent = receipt.max_thinking_tokens, receipt.thinking_tokens
    rows = [
        ["Thinking", f"{count(spent)}, no limit" if asked is None else f"{spent:,} of {count(asked)}"],
        ["Closed by", CLOSED_BY[receipt.closed_by]],
        ["Waits forced", f"{receipt.waits_used} of {receipt.waits}" + _by_you(receipt)],
        ["Answer", count(receipt.answer_tokens) + ("" if receipt.answer_complete else ", cut off")],
        ["Answer read from", ANSWER_RULE.get(receipt.answer_rule, receipt.answer_rule)],
        ["First token after", seconds(receipt.time_to_first_token_s)],
        ["Speed", "–" if receipt.tokens_per_s is None else f"{receipt.tokens_per_s:,.0f} tokens/s"],
        ["Whole run", seconds(receipt.wall_s)],
        ["Prompt work", f"{receipt.prefill_computed:,} computed, {receipt.prefill_reused:,} reused"],
        ["Sampling", sampling(receipt)],
        ["Model", f"{receipt.model} on {receipt.engine}"],
    ]
    if receipt.min_thinking_tokens:
        rows.insert(1, ["At least", count(receipt.min_thinking_tokens)])
    if receipt.accounting != "total":
        rows.append(["Budget counts", "per round, cut once at the end"])
    if receipt.landing:
        rows.append(["Landing", LANDING[receipt.landing]])
    if receipt.spill:
        rows.append(["Spill", SPILL[receipt.spill]])
    if receipt.steered:
        rows.append(["You", ", ".join(f"{each.in_words} at {each.at_tokens:,}" for each in receipt.steered)])
    rows += [["Not enforced", note] for note in receipt.unsupported]
    return [[name, plain(value)] for name, value in rows]


def _by_you(receipt: Receipt) -> str:
    return f", and {receipt.waits_by_you} by you" if receipt.waits_by_you else ""


def sampling(receipt: Receipt) -> str:
    """How the tokens were drawn."""
    if receipt.temperature == 0:
        return "greedy (temperature 0)"
    return receipt.drawn


def count(number: int, unit: str = "token") -> str:
    """`1 token`, `2 tokens`."""
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def seconds(value: float | None) -> str:
    """Milliseconds below one second, seconds above."""
    if value is None:
        return "–"
    return f"{value * 1000:,.0f} ms" if value < 1 else f"{value:,.1f} s"
