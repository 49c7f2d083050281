"""Measure the other ways to scale: samples, and of the same samples majority votes and rejection sampling; control.

Noise depends on (seed, question, sample index, step) alone. So the samples of a vote are drawn once, and rejection
sampling to any budget is read off them: attempt i is the beginning of sample i.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from evals.benchmarks import Item
from evals.evaluate import Progress, Unit, sample_row, sampling_of, work_off
from evals.reports.summary import sample_key
from s1core import Budget, Sampling
from s1core.engines.base import Engine
from s1core.grading import canonical
from s1core.methods import Control, acontrolled, amajority_vote, majority
from s1core.store import Row, RunStore

SAMPLE = "1 sample"


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlSetting:
    """A length that is asked for in the prompt, and what is forced on top."""

    control: Control
    budget: Budget = Budget()

    @property
    def label(self) -> str:
        """The setting's name: `asked for 64 tokens`, `asked for 1 step, budget 32`, `asked for long thinking`."""
        most, waits = self.budget.max_thinking_tokens, self.budget.waits
        forced = [f"budget {most}"] if most is not None else []
        forced += [f"{waits} x {self.budget.wait_text}"] if waits else []
        wanted, unit = self.control.most, self.control.unit
        what = f"{self.control.length} thinking" if wanted is None else f"{wanted} {unit}"
        what = what.removesuffix("s") if wanted == 1 else what
        return ", ".join([f"asked for {what}", *forced])

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy."""
        return {"label": self.label, "control": asdict(self.control), **asdict(self.budget)}


async def evaluate_samples(
    engine: Engine,
    items: Sequence[Item],
    count: int,
    sampling: Sampling,
    store: RunStore,
    *,
    concurrency: int,
    on_progress: Progress = lambda done, total: None,
) -> list[Row]:
    """Draw `count` samples of each question, to their natural stop; otherwise as `evaluate`."""

    async def ask(item: Item) -> list[Row]:
        vote = await amajority_vote(engine, item.question, count, sampling=sampling_of(item, sampling))
        return [{**sample_row(item, SAMPLE, sampling, t), "sample_index": i} for i, t in enumerate(vote.traces)]

    units = [Unit(keys=tuple((item.id, SAMPLE, i) for i in range(count)), ask=partial(ask, item)) for item in items]
    return await work_off(units, store, concurrency=concurrency, on_progress=on_progress)


async def evaluate_controlled(
    engine: Engine,
    items: Sequence[Item],
    asked: Sequence[ControlSetting],
    sampling: Sampling,
    store: RunStore,
    *,
    concurrency: int,
    on_progress: Progress = lambda done, total: None,
) -> list[Row]:
    """Ask each question with each request for a length in its prompt; otherwise as `evaluate`.

    A row also has `measured` (thinking tokens, or steps) and `kept` (whether that is within what was asked; None for
    short or long, which name no number).
    """

    async def ask(one: ControlSetting, item: Item) -> list[Row]:
        got = await acontrolled(engine, item.question, one.control, one.budget, sampling_of(item, sampling))
        return [sample_row(item, one.label, sampling, got.trace, measured=got.measured, kept=got.kept)]

    units = [
        Unit(keys=((item.id, one.label, sampling.sample_index),), ask=partial(ask, one, item))
        for one in asked
        for item in items
    ]
    return await work_off(units, store, concurrency=concurrency, on_progress=on_progress)


def vote_label(k: int) -> str:
    """Name the majority of k samples."""
    return f"majority of {k}"


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


def rejection_label(budget: int) -> str:
    """Name rejection sampling to a budget."""
    return f"resampled until within {budget}"


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
