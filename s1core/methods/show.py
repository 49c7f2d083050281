"""Outcomes of methods in words, for terminals. Pure."""

from __future__ import annotations

from s1core.methods.base import Method, Outcome, Spent
from s1core.types import Finished


def run_line(number: int, event: Finished) -> str:
    """Say how one of several runs ended."""
    receipt = event.receipt
    answer = "no answer" if event.answer is None else event.answer
    return f"run {number}: {answer} ({receipt.thinking_tokens} thinking tokens, closed by {receipt.closed_by})"


def outcome_lines(method: Method, outcome: Outcome) -> str:
    """Say what came of a method of several runs, and what it cost."""
    rows = {
        "answer": "none" if outcome.answer is None else outcome.answer,
        "method": f"{method.title}: {method.label}",
        **_counts(outcome),
        **_cost(outcome.spent),
    }
    return "\n".join(f"{name:<9} {value}" for name, value in rows.items())


def _counts(outcome: Outcome) -> dict[str, str]:
    votes = outcome.details.get("votes")
    if not votes:
        return {}
    return {"votes": ", ".join(f"{ballot['answer']} x {ballot['votes']}" for ballot in votes)}


def _cost(spent: Spent) -> dict[str, str]:
    parts = {"probes": spent.probe_tokens, "taken back": spent.discarded_tokens}
    more = "".join(f", {name} {count:,}" for name, count in parts.items() if count)
    rows = {
        "tokens": f"{spent.total_tokens:,} in all (thinking {spent.thinking_tokens:,}, answers "
        f"{spent.answer_tokens:,}{more}), {spent.sequential_tokens:,} one after the other",
        "prefix": f"{spent.prefill_computed:,} tokens computed, {spent.prefill_reused:,} reused",
        "time": f"{spent.seconds:.2f} s",
    }
    return rows | ({"reward": f"{spent.reward_tokens:,} tokens read"} if spent.reward_tokens else {})
