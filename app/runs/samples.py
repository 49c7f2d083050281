"""The runs behind one answer, as the page shows them: one run, or the samples of a vote, or attempts. Pure.

Several runs are one growing text, each under a heading of its own. Samples of a vote are drawn side by side; the page
shows them one after the other, each as soon as those before it have ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from app.runs import render
from app.runs.request import RunRequest
from s1core.grading import canonical
from s1core.methods import Controlled, Rejection, Vote
from s1core.types import Event, Receipt, Tokens

HEADINGS = {"vote": "Sample", "rejection": "Attempt"}


class LiveSamples:
    """Folds the events of all runs, which are numbered from 0."""

    def __init__(self, asked: RunRequest, close_label: Callable[[str, int], str] | None = None) -> None:
        """Start empty; `close_label` says why thinking was closed, as `render.why_closed` does."""
        self._heading = HEADINGS.get(asked.method, "")
        self._asked = asked
        self._close_label = close_label or (_why_rejected if asked.method == "rejection" else None)
        self.traces = [self._new_trace()]
        """In the order of their numbers."""

    def take(self, number: int, event: Event) -> None:
        """Fold one event of run `number`."""
        while len(self.traces) <= number:
            self.traces.append(self._new_trace())
        if self._asked.method == "rejection" and isinstance(event, Tokens) and event.source == "close":
            event = replace(event, text="")  # a rejected attempt is given up before its answer
        self.traces[number].take(event)

    @property
    def current(self) -> render.LiveTrace:
        """The run that was begun last."""
        return self.traces[-1]

    @property
    def answer_so_far(self) -> str:
        """What the current run has written after its thinking; a vote has no answer before its end."""
        return "" if self._asked.method == "vote" else self.current.answer_text

    @property
    def receipts(self) -> list[Receipt]:
        """Of the runs that have ended."""
        return [trace.finished.receipt for trace in self.traces if trace.finished]

    @property
    def text(self) -> str:
        """All that is shown of the traces, provenance included. It only grows, but for a cut."""
        if not self._heading:
            return self.current.text
        parts: list[str] = []
        for number, trace in enumerate(self.traces, start=1):
            parts.append(f"{render.SAMPLE}{self._heading} {number} of {self._asked.count}{render.LABEL_END}")
            parts.append(trace.text)
            if trace.finished is None:
                break
        return "".join(parts)

    def meter(self) -> dict[str, Any]:
        """Return the live numbers: of all samples of a vote together, else of the current run."""
        waits = self._asked.budget.waits
        if self._asked.method == "rejection":
            most = self._asked.budget.max_thinking_tokens or 0
            return render.meter(self.current, waits=0) | {"limit": most, "spent": min(self.current.spent_tokens, most)}
        if self._asked.method != "vote":
            return render.meter(self.current, waits=waits)
        traces, count = self.traces, self._asked.count
        limit, rate = traces[0].limit_tokens, self._rate()
        reused = [trace.reused_tokens for trace in traces if trace.reused_tokens is not None]
        used = sum(trace.waits_used for trace in traces)
        return render.meter(traces[0], waits=waits) | {
            "spent": sum(trace.spent_tokens for trace in traces),
            "written": sum(trace.spent_tokens + trace.answer_tokens for trace in traces),
            "limit": None if limit is None else limit * count,
            "waits": f"{used} of {waits * count}" if waits else "",
            "rate": "" if rate is None else f"{rate:,.0f}",
            "reused": f"{sum(reused):,}" if reused else "",
        }

    def _rate(self) -> float | None:
        began = [trace.first_token_s for trace in self.traces if trace.first_token_s is not None]
        spent_s = max(trace.last_token_s for trace in self.traces) - min(began) if began else 0.0
        sampled = sum(trace.sampled_tokens for trace in self.traces)
        return (sampled - 1) / spent_s if spent_s > 0 else None

    def _new_trace(self) -> render.LiveTrace:
        return render.LiveTrace(self._close_label)


def _why_rejected(reason: str, spent_tokens: int) -> str:
    # The budget of an attempt is one token more than what was asked, so that an end exactly there still fits.
    return (
        f"rejected, longer than {spent_tokens - 1:,}" if reason == "budget" else render.why_closed(reason, spent_tokens)
    )


def asked_rows(asked: RunRequest, controlled: Controlled | None) -> list[list[str]]:
    """Return what the receipt says of a length that the prompt asked for, and of what the model made of it."""
    if asked.control is None or controlled is None:
        return []
    unit = asked.control.unit
    took = render.count(controlled.measured, "step" if unit == "steps" else "token")
    if controlled.kept is None:
        return [["Asked for", f"{asked.control.length} thinking; took {took}"]]
    verdict = "kept" if controlled.kept else "not kept"
    most = render.count(asked.control.most or 0, "step" if unit == "steps" else "token")
    return [["Asked for", f"at most {most}; took {controlled.measured:,}, {verdict}"]]


def vote_rows(vote: Vote) -> list[list[str]]:
    """Return the receipt of a vote: what all samples took together."""
    receipts = [trace.receipt for trace in vote.traces]
    first, thinking = receipts[0], [receipt.thinking_tokens for receipt in receipts]
    rows = [
        ["Method", f"majority of {len(receipts)}"],
        ["Votes", ", ".join(f"{answer} × {n}" for answer, n in tally(vote)) or "none"],
        ["Thinking", f"{render.count(sum(thinking))}, {fmean(thinking):,.0f} a sample"],
        ["Closed by", _counted([render.CLOSED_BY[receipt.closed_by] for receipt in receipts])],
        ["Waits forced", f"{sum(r.waits_used for r in receipts)} of {sum(r.waits for r in receipts)}"],
        ["Answers", render.count(sum(receipt.answer_tokens for receipt in receipts))],
        ["Whole run", render.seconds(max(receipt.wall_s for receipt in receipts))],
        ["Prompt tokens", _prompt_tokens(receipts)],
        ["Sampling", render.sampling(first)],
        ["Model", f"{first.model} on {first.engine}"],
        *(["Not enforced", note] for note in first.unsupported),
    ]
    return [[name, render.plain(value)] for name, value in rows]


def rejection_rows(asked: RunRequest, rejection: Rejection, receipts: Sequence[Receipt]) -> list[list[str]]:
    """Return the receipt of rejection sampling: what all attempts took, the rejected ones included."""
    last, most = receipts[-1], asked.budget.max_thinking_tokens or 0
    accepted = f"{last.thinking_tokens:,} of {most:,} tokens" if rejection.trace else f"none within {most:,} tokens"
    rows = [
        ["Method", "rejection sampling"],
        ["Attempts", f"{rejection.attempts} of at most {asked.count}"],
        ["Accepted", accepted],
        ["Sampled", f"{render.count(rejection.sampled_tokens)} in all"],
        ["Whole run", render.seconds(sum(receipt.wall_s for receipt in receipts))],
        ["Prompt tokens", _prompt_tokens(receipts)],
        ["Sampling", render.sampling(last)],
        ["Model", f"{last.model} on {last.engine}"],
        *(["Not enforced", note] for note in last.unsupported),
    ]
    return [[name, render.plain(value)] for name, value in rows]


def tally(vote: Vote) -> list[tuple[str, int]]:
    """Return the answers and how many samples gave each, most votes first; spellings of one number are one answer."""
    votes: dict[str, tuple[str, int]] = {}
    for trace in vote.traces:
        key = "" if trace.answer is None else canonical(trace.answer)
        spelling, count = votes.get(key, ("no answer" if trace.answer is None else trace.answer, 0))
        votes[key] = spelling, count + 1
    return sorted(votes.values(), key=lambda each: -each[1])


def _prompt_tokens(receipts: Sequence[Receipt]) -> str:
    processed = sum(receipt.prefill_computed for receipt in receipts)
    return render.prompt_tokens(processed, sum(receipt.prefill_reused for receipt in receipts))


def _counted(words: Sequence[str]) -> str:
    kinds = dict.fromkeys(words)
    return words[0] if len(kinds) == 1 else ", ".join(f"{kind} × {words.count(kind)}" for kind in kinds)
