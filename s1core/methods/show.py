"""Outcomes of methods in words, for terminals. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from s1core.methods.base import Method, Outcome, Spent
from s1core.types import Finished

_LONGEST_STEP = 60
"""Characters of a node's text that are shown."""


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
    lines = [f"{name:<9} {value}" for name, value in rows.items()]
    return "\n".join([*tree_lines(outcome.details.get("tree", ())), *lines])


def tree_lines(tree: Sequence[Mapping[str, Any]]) -> list[str]:
    """Draw a search tree: a line for each node under its parent, with its reward and its own tokens."""
    children: dict[int | None, list[Mapping[str, Any]]] = {}
    for node in tree:
        children.setdefault(node["parent"], []).append(node)

    def below(parent: int | None) -> Iterator[str]:
        for node in children.get(parent, ()):
            tokens = node["thinking_tokens"] + node["answer_tokens"]
            text = " ".join(node["text"].split())
            shown = text if len(text) <= _LONGEST_STEP else f"{text[:_LONGEST_STEP]}…"
            end = f" → {node['answer']}" if node["finished"] else ""
            yield f"{'  ' * (node['depth'] - 1)}{node['reward']:.2f} {tokens:>4}  {shown}{end}"
            yield from below(node["number"])

    return list(below(None))


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
