"""Measure a model under single settings: every budget, the natural stop, every number of Waits."""

from __future__ import annotations

import sys

from evals import cli
from evals.evaluate import evaluate
from evals.progress import ProgressLine, ending
from evals.settings import one_by_one, parse_counts
from s1core.closing_arguments import closing_of
from s1core.store import Row

PROG = "python -m evals.run"
EXAMPLES = """\
examples:
  python -m evals.run --model s1-nano --benchmark nano     the whole table (minutes on two cores)
  python -m evals.run --limit 60 --budgets 0,64 --waits 1  a quick look
  python -m evals.run --out runs/my-run                    resumes there when it was interrupted
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    p = cli.parser(
        PROG,
        "Measure a model on a benchmark: accuracy with its n and 95 %% Wilson interval at every budget, at the natural "
        "stop, and after forced Waits. Every sample is an independent run.",
        EXAMPLES,
    )
    p.add_argument("--budgets", default="0,16,32,64,128,256", help="thinking budgets without Waits")
    p.add_argument("--waits", default="1,2", help="numbers of forced Waits without a budget")
    args = p.parse_args(argv)

    def command() -> None:
        settings = one_by_one(parse_counts(args.budgets), parse_counts(args.waits), args.wait_text, closing_of(args))

        async def work(w: cli.Work) -> list[Row]:
            return await evaluate(
                w.engine,
                w.items,
                settings,
                w.sampling,
                w.store,
                concurrency=args.concurrency,
                on_progress=ProgressLine(),
            )

        cli.measure(args, [s.as_dict() for s in settings], [s.label for s in settings], work)

    return ending(PROG, command)


if __name__ == "__main__":
    sys.exit(main())
