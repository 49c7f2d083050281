"""How long the stages that ask no model take, and how the time grows: `python -m curate.bench`.

Synthetic questions of the published number and about the published length, with exact and near duplicates, overlaps
with the evaluation questions and damaged ones in known shares, so that what is found can be checked as well.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from curate.rows import Row, Stage, question_key
from curate.select import Select
from curate.stages.decontaminate import Decontaminate
from curate.stages.duplicates import Duplicates
from curate.stages.quality import Quality

PUBLISHED = 59_029
SIZES = (15_000, 30_000, PUBLISHED)
EVALUATION = 1_000
MOST_S = 60.0
MOST_BYTES = 2 * 2**30
MOST_GROWTH = 1.5
"""Seconds for each row of the largest pool, over those of the smallest."""
DOMAINS = 51
_SHARE = {"exact": 0.02, "near": 0.03, "contaminated": 0.02, "damaged": 0.02}


@dataclass(frozen=True, kw_only=True)
class Timed:
    """One run over a pool."""

    rows: int
    seconds: dict[str, float]
    rejected: Counter[str]
    selected: int

    @property
    def total_s(self) -> float:
        """All stages together."""
        return sum(self.seconds.values())


def vocabulary(rng: random.Random, size: int = 30_000) -> tuple[list[str], list[float]]:
    """Words, and how often each comes: by Zipf's law."""
    letters = "etaoinshrdlucmfwypvbgk"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(size)]
    return words, [1 / (rank + 3) for rank in range(size)]


def make_questions(count: int, seed: int = 0) -> tuple[list[Row], list[Row]]:
    """Questions of 8 to 300 words (75 on average) with numbers and formulas, and evaluation questions."""
    rng = random.Random(seed)
    words, weights = vocabulary(rng)
    cumulative = [0.0]
    for weight in weights:
        cumulative.append(cumulative[-1] + weight)

    def text() -> str:
        length = min(300, max(8, int(rng.lognormvariate(4.1, 0.6))))
        drawn = rng.choices(words, cum_weights=cumulative[1:], k=length)
        for _ in range(length // 12):
            formula = f"${rng.choice('xyzn')}^{rng.randint(2, 9)} + {rng.randint(1, 999)}$"
            drawn[rng.randrange(length)] = formula
        return " ".join(drawn).capitalize() + "?"

    evaluation = [_row(f"e{n}", text(), "math500", rng) for n in range(EVALUATION)]
    rows: list[Row] = []
    while len(rows) < count:
        rows.append(_row(str(len(rows)), _question(rng, text, rows, evaluation), "synthetic", rng))
    return rows, evaluation


def _question(rng: random.Random, text: Callable[[], str], rows: list[Row], evaluation: list[Row]) -> str:
    kind = rng.choices((*_SHARE, "new"), (*_SHARE.values(), 1 - sum(_SHARE.values())))[0]
    if kind == "exact" and rows:
        return rng.choice(rows).question
    if kind == "near" and rows:
        # Other case and spacing, and a mark more.
        return "  ".join(rng.choice(rows).question.upper().split(" ")) + " ."
    if kind == "contaminated":
        return f"{text()} {rng.choice(evaluation).question}"
    return f"{text()} ![Image](figure.png)" if kind == "damaged" else text()


def _row(name: str, question: str, source: str, rng: random.Random) -> Row:
    return Row(
        key=question_key(question),
        id=name,
        source=source,
        question=question,
        solution="",
        attempt="Answer: 1",
        thinking_tokens=int(rng.lognormvariate(8.3, 0.5)),
        correct=rng.random() < 0.5,
        domain=f"domain {int(DOMAINS * rng.random() ** 2)}",
    )


def measure(rows: list[Row], evaluation: list[Row]) -> Timed:
    """Time every stage over a pool."""
    stages: list[Stage] = [Duplicates(), Decontaminate(evaluation=evaluation), Quality(), Select()]
    seconds: dict[str, float] = {}
    rejected: Counter[str] = Counter()
    left = rows
    for stage in stages:
        began = time.perf_counter()
        outcome = stage.run(left, lambda done, counts: None)
        seconds[stage.name] = time.perf_counter() - began
        rejected.update(outcome.by_rule())
        left = outcome.rows
    return Timed(rows=len(rows), seconds=seconds, rejected=rejected, selected=len(left))


def main(argv: list[str] | None = None) -> int:
    """Print the table; exit with 1 if a bar is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m curate.bench",
        description="Duplicates, decontamination, quality and selection over synthetic pools: seconds, memory, growth.",
    )
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="rows of each pool (%(default)s)")
    args = parser.parse_args(argv)
    sizes = [int(size) for size in args.sizes.split(",")]
    pool, evaluation = make_questions(max(sizes))
    before = _peak_bytes()
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{platform.machine()}, {os.cpu_count()} cores{busy}; {EVALUATION:,} evaluation questions")
    timed: list[Timed] = []
    for size in sizes:
        timed.append(measure([replace(row) for row in pool[:size]], evaluation))
        stages = ", ".join(f"{name} {s:.1f}" for name, s in timed[-1].seconds.items())
        print(f"{size:>7,} rows {timed[-1].total_s:6.1f} s  ({stages})  {dict(timed[-1].rejected)}", flush=True)
    smallest, largest = timed[0], timed[-1]
    growth = (largest.total_s / largest.rows) / (smallest.total_s / smallest.rows)
    peak = _peak_bytes()
    results = (
        (f"{largest.rows:,} rows, seconds", largest.total_s, MOST_S, f"<= {MOST_S:.0f}"),
        ("peak memory, GB", peak / 2**30, MOST_BYTES / 2**30, f"<= 2, of which the pool {before / 2**30:.2f}"),
        (f"seconds a row, {largest.rows:,} / {smallest.rows:,}", growth, MOST_GROWTH, f"<= {MOST_GROWTH}"),
    )
    missed = 0
    for what, value, bar, detail in results:
        missed += value > bar
        print(f"{what:40}{value:8.2f}  {detail}  {'pass' if value <= bar else 'FAIL'}")
    return 1 if missed else 0


def _peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    sys.exit(main())
