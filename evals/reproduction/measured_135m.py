"""The measured cached evals of s1-135M as data: its own problems, held-out wordings, and grade-school benchmarks."""

from __future__ import annotations

from collections.abc import Sequence

from evals.reproduction.measured import Eval, grid
from s1core.models import S1_135M, S1_135M_BASE

BUDGETS = (0, 16, 32, 64, 128, None)
WAITS = (0, 1, 2)
PUBLISHED_QUESTIONS = 300
"""Of a published benchmark: outside of what this model was taught, where little is to be seen."""


def _eval(
    name: str,
    what: str,
    benchmark: str,
    *,
    budgets: Sequence[int | None] = BUDGETS,
    waits: Sequence[int] = WAITS,
    model: str = S1_135M,
    questions: int | None = None,
    note: str | None = None,
) -> Eval:
    settings, work = grid(budgets, waits, "Wait")
    return Eval(
        name=f"s1-135m-{name}",
        what=what,
        settings=(settings,),
        work=work,
        cost=float(100 * (1 + max(waits))),
        model=model,
        benchmark=benchmark,
        questions=questions,
        note=note,
    )


FORCED = _eval("problems", "every budget with every number of forced Waits", "problems")
REPHRASED = _eval("paraphrased", "the same, in wordings of no generator", "problems-paraphrased")
BASE = _eval(
    "base",
    "its base, which was never taught to think, forced into the format",
    "problems",
    budgets=(0, 64),
    waits=(0,),
    model=S1_135M_BASE,
)


def _outside(name: str, title: str) -> Eval:
    return _eval(
        name,
        title,
        name,
        budgets=(0, 32, 128),
        waits=(0, 1),
        questions=PUBLISHED_QUESTIONS,
        note=f"Outside of what s1-135M was taught; the first {PUBLISHED_QUESTIONS} questions.",
    )


GSM8K = _outside("gsm8k", "GSM8K's test")
SVAMP = _outside("svamp", "SVAMP")
EVALS_135M: tuple[Eval, ...] = (FORCED, REPHRASED, BASE, GSM8K, SVAMP)
"""In the order in which they are made."""
