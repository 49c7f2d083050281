"""Measure methods of test-time scaling on a benchmark: each method on each question, with what it cost.

Such as `python -m evals.methods --method "early-exit:every=16,equal=1+2+3" --method "vote:samples=1+2+4+8"`.
Samples and control, of which other evals are made, have functions of their own.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from evals import cli
from evals.benchmarks import Item
from evals.evaluate import Progress, Unit, sample_row, sampling_of, work_off
from evals.progress import ProgressLine, ending
from s1core import Budget, Sampling
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting
from s1core.methods import METHODS, Control, Method, Outcome, acontrolled, amajority_vote, asked_label, read_methods
from s1core.store import Row, RunStore

PROG = "python -m evals.methods"
EXAMPLES = """\
examples:
  python -m evals.methods --method forcing --method forcing:waits=1        the natural stop, and one Wait
  python -m evals.methods --method "early-exit:every=16,equal=1+2+3"       a curve: one method for each value
  python -m evals.methods --method "vote:samples=1+2+4+8" --limit 100      votes of growing size
"""
SAMPLE = "1 sample"


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlSetting:
    """A length that is asked for in the prompt, and what is forced on top."""

    control: Control
    budget: Budget = Budget()

    @property
    def label(self) -> str:
        """The setting's name: `asked for 64 tokens`, `asked for 1 step, budget 32`, `asked for long thinking`."""
        return asked_label(self.control, self.budget)

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


async def evaluate_methods(
    engine: Engine,
    items: Sequence[Item],
    methods: Sequence[Method],
    sampling: Sampling,
    store: RunStore,
    *,
    concurrency: int,
    on_progress: Progress = lambda done, total: None,
) -> list[Row]:
    """Run each method on each question; otherwise as `evaluate`.

    A row has the trace of the run that gave the answer, and what all of its method cost: `thinking_tokens` and
    `answer_tokens` of all runs, `probe_tokens`, `discarded_tokens`, `reward_tokens`, `total_tokens`,
    `sequential_tokens`, `seconds`, `runs` (how many), `kept` (of conditional control) and `details`, the method's own.

    Raises:
        InvalidSetting: no method, or two of one name.
        S1Error: as `evaluate`.
    """
    check_methods(methods)

    async def ask(method: Method, item: Item) -> list[Row]:
        drawn = method.sampling(sampling_of(item, sampling))
        return [outcome_row(item, method, drawn, await method.arun(engine, item.question, drawn))]

    units = [
        Unit(keys=((item.id, method.label, sampling.sample_index),), ask=partial(ask, method, item))
        for method in methods
        for item in items
    ]
    return await work_off(units, store, concurrency=concurrency, on_progress=on_progress)


def outcome_row(item: Item, method: Method, sampling: Sampling, outcome: Outcome) -> Row:
    """What is kept of a method on one question; where no run gave an answer, no text is kept."""
    trace, spent = outcome.trace or outcome.runs[-1], outcome.spent
    row = sample_row(item, method.label, sampling, trace)
    segments = row.pop("segments")
    cost = {key: value for key, value in spent.as_dict().items() if not key.startswith("prefill")}
    more = {"kept": outcome.details.get("kept"), "runs": len(outcome.runs), "details": dict(outcome.details)}
    return {**row, **cost, **more, "segments": segments if outcome.trace else []}


def check_methods(methods: Sequence[Method]) -> None:
    """Refuse what cannot be told apart in a run.

    Raises:
        InvalidSetting: no method, or two of one label.
    """
    labels = [method.label for method in methods]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise InvalidSetting(f"two methods are called {twice!r}; leave one out, or measure them in runs of their own")
    if not methods:
        raise InvalidSetting("no method is given; name one, for instance --method early-exit:every=16")


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    p = cli.parser(
        PROG,
        "Measure methods of test-time scaling: accuracy with n and 95 %% Wilson interval, sequential and total tokens, "
        "and seconds. Methods that draw samples do so at temperature 1 unless another one is named.",
        EXAMPLES,
    )
    p.add_argument(
        "--method",
        action="append",
        default=[],
        metavar="NAME[:SETTING=VALUE,...]",
        help=f"one of {', '.join(METHODS)}, with its settings (docs/methods.md); may be given several times",
    )
    args = p.parse_args(argv)

    def command() -> None:
        methods = [method for line in args.method for method in read_methods(line)]
        check_methods(methods)

        async def work(w: cli.Work) -> list[Row]:
            return await evaluate_methods(
                w.engine,
                w.items,
                methods,
                w.sampling,
                w.store,
                concurrency=args.concurrency,
                on_progress=ProgressLine(),
            )

        settings = [method.as_dict() for method in methods]
        cli.measure(args, settings, [m.label for m in methods], work, concurrency=args.concurrency)

    return ending(PROG, command)


if __name__ == "__main__":
    sys.exit(main())
