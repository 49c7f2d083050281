"""Measure a model on a benchmark under a grid of budgets and Waits."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from evals.benchmarks import BENCHMARKS, load_benchmark
from evals.evaluate import evaluate, run_config, run_facts
from evals.report import markdown
from evals.settings import grid, parse_counts
from s1core import S1Error, Sampling, load_engine
from s1core.budget import DEFAULT_WAIT_TEXT
from s1core.store import RunStore, config_hash

EXAMPLES = """\
examples:
  python -m evals.run --model s1-nano --benchmark nano                 the whole table (minutes on two cores)
  python -m evals.run --limit 60 --budgets 0,64 --waits 1              a quick look
  python -m evals.run --out runs/my-run                                resumes there when it was interrupted
"""


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    p = argparse.ArgumentParser(
        prog="python -m evals.run",
        description="Measure a model on a benchmark: accuracy with its n and 95 % Wilson interval at every budget, at "
        "the natural stop, and after forced Waits.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--model", default="s1-nano", help="preset, folder or hub id (default: s1-nano)")
    p.add_argument("--engine", default=None, help="how to run it (default: transformers)")
    p.add_argument("--benchmark", default="nano", help=f"one of: {', '.join(BENCHMARKS)}")
    p.add_argument("--limit", type=int, default=None, metavar="N", help="only the first N questions")
    p.add_argument("--budgets", default="0,16,32,64,128,256", help="thinking budgets without Waits")
    p.add_argument("--waits", default="1,2", help="numbers of forced Waits without a budget")
    p.add_argument("--wait-text", default=DEFAULT_WAIT_TEXT, help="what replaces an ignored end")
    p.add_argument("--temperature", type=float, default=0.0)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--concurrency", type=int, default=64, metavar="N", help="questions in flight (default: 64)")
    p.add_argument("--out", type=Path, default=None, help="run folder (default: runs/ and a name made of the settings)")
    return p


class ProgressLine:
    """One line on stderr with an estimate of the time left; quiet when stderr is not a terminal."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._at_start: int | None = None
        self._shown_s = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Show how far it is."""
        now_s = time.monotonic()
        if self._at_start is None:
            self._at_start = done - 1
        if not sys.stderr.isatty() or (now_s - self._shown_s < 0.2 and done < total):
            return
        self._shown_s = now_s
        left_s = (now_s - self._began_s) / max(1, done - self._at_start) * (total - done)
        print(f"\r{done}/{total} samples, about {left_s:.0f} s left ", end="", file=sys.stderr)
        if done == total:
            print(file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parser().parse_args(argv)
    try:
        settings = grid(parse_counts(args.budgets), parse_counts(args.waits), args.wait_text)
        items = load_benchmark(args.benchmark, args.limit)
        sampling = Sampling(temperature=args.temperature, seed=args.seed)
        engine = load_engine(args.model, engine=args.engine)
        try:
            config = run_config(engine, args.benchmark, items, settings, sampling)
            folder = args.out or Path("runs") / f"{args.benchmark}-{Path(args.model).name}-{config_hash(config)}"
            with RunStore(folder, config, run_facts()) as store:
                work = evaluate(
                    engine, items, settings, sampling, store, concurrency=args.concurrency, on_progress=ProgressLine()
                )
                rows = asyncio.run(work)
        finally:
            engine.close()
        print(markdown(rows, [setting.label for setting in settings]))
        print(f"samples: {folder}")
    except S1Error as error:
        print(f"python -m evals.run: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command resumes", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
