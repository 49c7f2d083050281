"""Votes and rejections, read off samples that were drawn once.

Noise depends on (seed, question, sample index, step) alone. So the samples of a vote are drawn once, and rejection
sampling to any budget is read off them: attempt i is the beginning of sample i.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from evals.reports.summary import sample_key
from s1core.grading import canonical
from s1core.methods import majority, rejection_label, vote_label
from s1core.store import Row


def votes(rows: Iterable[Row], counts: Sequence[int]) -> list[Row]:
    """Count the votes of each question's first k samples, for every k.

    Each vote is one row: that of the first sample which gave the winning answer, with the tokens of all k samples,
    `samples` (k) and `votes` (how many gave that answer).
    """
    found: list[Row] = []
    for samples in _by_question(rows):
        for k in counts:
            first = samples[:k]
            ballots = [None if row["answer"] is None else canonical(row["answer"]) for row in first]
            answer = majority([row["answer"] for row in first])
            winner = next((row for row in first if row["answer"] == answer), first[0])
            spent = {key: sum(row[key] for row in first) for key in ("thinking_tokens", "answer_tokens")}
            won = 0 if answer is None else Counter(ballots)[canonical(answer)]
            found.append(_with(winner, setting=vote_label(k), sample_index=0, **spent, samples=k, votes=won))
    return found


def rejections(rows: Iterable[Row], budgets: Sequence[int], attempts: int) -> list[Row]:
    """Take of each question the first sample whose thinking ended by itself within the budget (`rejection_sampling`).

    A row has `attempts` and `sampled_tokens` (over all attempts) besides. A question that no attempt fits is wrong,
    unanswered, and counts the budget as its thinking: every attempt at it thought longer than that.
    """
    found: list[Row] = []
    for samples in _by_question(rows):
        for budget in budgets:
            first = samples[:attempts]
            fits = (
                i for i, row in enumerate(first) if row["closed_by"] == "model" and row["thinking_tokens"] <= budget
            )
            index = next(fits, None)
            # An attempt is given up at the first token over the budget.
            sampled = (budget + 1) * (len(first) if index is None else index)
            label = rejection_label(budget)
            if index is None:
                given_up = {"answer": None, "correct": False, "rule": "no_attempt_fits", "answered": False}
                tokens = {"thinking_tokens": budget, "answer_tokens": 0, "closed_by": "budget", "segments": []}
                counted = {"attempts": len(first), "sampled_tokens": sampled}
                row = _with(first[0], setting=label, sample_index=0, **given_up, **tokens, **counted)
            else:
                row = samples[index]
                sampled += row["thinking_tokens"] + row["answer_tokens"]
                row = _with(row, setting=label, sample_index=0, attempts=index + 1, sampled_tokens=sampled)
            found.append(row)
    return found


def _by_question(rows: Iterable[Row]) -> list[list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: sample_key(row)[1]):
        groups.setdefault(row["id"], []).append(row)
    return list(groups.values())


def _with(row: Row, **changed: Any) -> Row:
    """The row with other values; its texts stay last."""
    merged = {**row, **changed}
    return {**{key: value for key, value in merged.items() if key != "segments"}, "segments": merged["segments"]}
