"""The measured cached evals of s1-nano as data: what is asked, and what each costs. `evals.reproduce` makes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evals.benchmarks import Item
from evals.evaluate import Progress, evaluate_grid
from evals.methods import SAMPLE, ControlSetting, evaluate_controlled, evaluate_samples
from evals.samples import rejections, votes
from s1core import Budget, Sampling
from s1core.engines.base import Engine
from s1core.methods import Control, rejection_label, vote_label
from s1core.models import S1_NANO
from s1core.store import Row, RunStore

BUDGETS = (0, 16, 32, 64, 128, 256, None)
WAITS = (0, 1, 2, 4, 8)
WORD_WAITS = (0, 1, 2)
SAMPLES = 16
VOTES = (1, 2, 4, 8, 16)
REJECTION_BUDGETS = (16, 32, 64, 128, 256)
TOKENS_ASKED = (16, 32, 64, 128, 256)
STEPS_ASKED = (1, 2, 4, 8)
STEP_TOKENS = 32
"""Thinking tokens that a step may take where steps are forced: a quick look takes 10, a check 30 to 160."""
GREEDY = Sampling()
HOT = Sampling(temperature=1.0)
"""The temperature of the paper's rejection sampling."""
UNTRAINED = "s1-nano was not trained on prompts that ask for a length."


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Everything that the work of one eval needs."""

    engine: Engine
    items: Sequence[Item]
    store: RunStore
    sampling: Sampling
    progress: Progress
    earlier: Callable[[str], list[Row]]
    """Returns the rows of an eval that was made before."""


Work = Callable[[Job], Awaitable[object]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Eval:
    """One measured eval; its packed run is `evals/results/measured/<name>.jsonl.gz`."""

    name: str
    what: str
    settings: tuple[dict[str, Any], ...]
    work: Work
    cost: float
    """Thinking and answer tokens per question, roughly."""
    sampling: Sampling = GREEDY
    method: str | None = None
    """The name of its curve; None is budget forcing, with a curve for each number of Waits."""
    note: str | None = None
    needs: str | None = None
    """An eval whose rows it reads."""
    model: str = S1_NANO
    benchmark: str = "nano"
    questions: int | None = None
    """The first of its benchmark; None is all."""

    @property
    def config(self) -> dict[str, Any]:
        """What goes into the run's configuration besides the model and the questions."""
        said = {"method": self.method, "note": self.note}
        return {key: value for key, value in said.items() if value is not None}


def grid(budgets: Sequence[int | None], waits: Sequence[int], wait_text: str) -> tuple[dict[str, Any], Work]:
    """Return a sweep over budgets and Waits, as a setting and as the work that makes it."""

    async def work(job: Job) -> None:
        await evaluate_grid(
            job.engine, job.items, budgets, waits, wait_text, job.sampling, job.store, on_progress=job.progress
        )

    return {"method": "sweep", "budgets": list(budgets), "waits": list(waits), "wait_text": wait_text}, work


def _word(name: str, wait_text: str) -> Eval:
    settings, work = grid((None,), WORD_WAITS, wait_text)
    said = f"“{wait_text}”" if wait_text else "nothing"
    return Eval(
        name=f"word-{name}",
        what=f"the end ignored once and twice, {said} in its place",
        settings=(settings,),
        work=work,
        cost=180,
        method=f"budget forcing with {said}",
    )


def _control(name: str, what: str, method: str, asked: Sequence[ControlSetting], note: str = "") -> Eval:
    async def work(job: Job) -> None:
        await evaluate_controlled(
            job.engine, job.items, asked, job.sampling, job.store, concurrency=64, on_progress=job.progress
        )

    return Eval(
        name=name,
        what=what,
        settings=tuple(one.as_dict() for one in asked),
        work=work,
        cost=37.0 * len(asked),
        method=method,
        note=f"{UNTRAINED} {note}".strip(),
    )


async def _draw(job: Job) -> None:
    await evaluate_samples(
        job.engine, job.items, SAMPLES, job.sampling, job.store, concurrency=8, on_progress=job.progress
    )


def _derived(derive: Callable[[list[Row]], list[Row]]) -> Work:
    async def work(job: Job) -> None:
        """All at once and in no time: what a kill left of it is made again."""
        there = sum(1 for _ in job.store.rows())
        rows = derive(job.earlier(DRAWN.name))
        job.progress(there, len(rows))
        job.store.append(*rows[there:])
        job.progress(len(rows), len(rows))

    return work


_GRID, _GRID_WORK = grid(BUDGETS, WAITS, "Wait")
FORCED = Eval(
    name="budgets-and-waits",
    what="every budget with every number of forced Waits",
    settings=(_GRID,),
    work=_GRID_WORK,
    cost=600,
)
WORDS = (_word("none", ""), _word("hmm", "Hmm"), _word("alternatively", "Alternatively"))
DRAWN = Eval(
    name="samples/temperature-1",
    what=f"{SAMPLES} samples of each question at temperature 1",
    settings=({"label": SAMPLE, "samples": SAMPLES},),
    work=_draw,
    cost=55.0 * SAMPLES,
    sampling=HOT,
    method="sampling",
)
VOTED = Eval(
    name="majority-vote",
    what=f"the most common answer of the first k of {SAMPLES} samples",
    settings=tuple({"label": vote_label(k), "samples": k} for k in VOTES),
    work=_derived(lambda rows: votes(rows, VOTES)),
    cost=0.1,
    sampling=HOT,
    method="majority vote",
    note="Tokens are those of all samples of a vote.",
    needs=DRAWN.name,
)
REJECTED = Eval(
    name="rejection-sampling",
    what=f"resampled until the thinking ends within the budget by itself, at most {SAMPLES} times",
    settings=tuple(
        {"label": rejection_label(b), "max_thinking_tokens": b, "attempts": SAMPLES} for b in REJECTION_BUDGETS
    ),
    work=_derived(lambda rows: rejections(rows, REJECTION_BUDGETS, SAMPLES)),
    cost=0.1,
    sampling=HOT,
    method="rejection sampling",
    note="Tokens are those of the accepted sample; of a question that no attempt fits, the budget.",
    needs=DRAWN.name,
)

_TOKENS = tuple(ControlSetting(control=Control.tokens(n)) for n in TOKENS_ASKED)
_STEPS = tuple(ControlSetting(control=Control.steps(n)) for n in STEPS_ASKED)
_SHORT, _LONG = ControlSetting(control=Control.thinking("short")), ControlSetting(control=Control.thinking("long"))
CONTROLLED = (
    _control("tokens-asked", "a number of tokens asked for in the prompt", "token-conditional control", _TOKENS),
    _control(
        "tokens-asked-and-forced",
        "the same, and forced",
        "token-conditional control + budget forcing",
        [replace(a, budget=Budget(max_thinking_tokens=a.control.most)) for a in _TOKENS],
    ),
    _control("steps-asked", "a number of steps asked for in the prompt", "step-conditional control", _STEPS),
    _control(
        "steps-asked-and-forced",
        f"the same, and {STEP_TOKENS} tokens a step forced",
        "step-conditional control + budget forcing",
        [replace(a, budget=Budget(max_thinking_tokens=STEP_TOKENS * (a.control.most or 0))) for a in _STEPS],
        note=f"Forced to {STEP_TOKENS} tokens a step.",
    ),
    _control("class-asked", "short or long thinking asked for", "class-conditional control", [_SHORT, _LONG]),
    _control(
        "class-asked-and-forced",
        "the same; short is forced to 64 tokens, long by one Wait",
        "class-conditional control + budget forcing",
        [replace(_SHORT, budget=Budget(max_thinking_tokens=64)), replace(_LONG, budget=Budget(waits=1))],
        note="Short is forced to 64 tokens, long by one Wait.",
    ),
)
EVALS: tuple[Eval, ...] = (FORCED, *WORDS, DRAWN, VOTED, REJECTED, *CONTROLLED)
"""In the order in which they are made."""
