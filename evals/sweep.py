"""Measure a whole grid of budgets and Waits, thinking once per question."""

from __future__ import annotations

import sys

from evals import cli
from evals.evaluate import evaluate_grid
from evals.progress import ProgressLine, ending
from evals.settings import ends_of, grid_label, parse_counts
from s1core.closing_arguments import closing_of
from s1core.settings import DEFAULT_FINAL_ANSWER_TEXT
from s1core.store import Row

PROG = "python -m evals.sweep"
EXAMPLES = """\
examples:
  python -m evals.sweep --limit 100                        6 budgets x 4 Waits on 100 questions
  python -m evals.sweep --budgets 0,64,none --waits 0,1    `none` is no limit
  python -m evals.sweep --temperature 0.8 --seed 1         exact too: noise depends on seed, question and step
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    p = cli.parser(
        PROG,
        "Measure a grid of thinking budgets and forced Waits. Each question is thought about once, to the largest "
        "setting; every other point is a cut of that trajectory with an answer of its own, token for token what an "
        "independent run gives.",
        EXAMPLES,
    )
    p.add_argument("--budgets", default="0,16,32,64,128,none", help="thinking budgets; `none` is no limit")
    p.add_argument("--waits", default="0,1,2,4", help="numbers of forced Waits")
    args = p.parse_args(argv)

    def command() -> None:
        words = [part.strip() for part in args.budgets.split(",") if part.strip()]
        limited = parse_counts(",".join(word for word in words if word != "none"))
        budgets: list[int | None] = [*limited, *([None] if "none" in words else [])]
        waits = parse_counts(args.waits)
        rest = closing_of(args)
        labels = [grid_label(b, w, args.wait_text) for w in waits for b in budgets]

        async def work(w: cli.Work) -> list[Row]:
            return await evaluate_grid(
                w.engine,
                w.items,
                budgets,
                waits,
                args.wait_text,
                w.sampling,
                w.store,
                rest=rest,
                concurrency=args.concurrency,
                on_progress=ProgressLine(),
            )

        grid = {"method": "sweep", "budgets": budgets, "waits": waits, "wait_text": args.wait_text}
        grid |= ends_of(rest)
        if rest.final_answer_text != DEFAULT_FINAL_ANSWER_TEXT:
            grid["final_answer_text"] = rest.final_answer_text
        cli.measure(args, [grid], labels, work)

    return ending(PROG, command)


if __name__ == "__main__":
    sys.exit(main())
