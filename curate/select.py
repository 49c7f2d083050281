"""The last step: which thousand. As published, and the selections of the paper's data ablation.

Published: all right answers to GPQA and AIME, and to MATH where the thinking is longer than 5,600 tokens, come first.
Then a domain is drawn, uniformly until 70 % of the set are there, after that from the mix of AIME's and GPQA's domains
in the pool (GPQA scaled to half of AIME); and within it a question, with weight 2^-rank by the length of its thinking.
Nothing is drawn twice; a domain that runs empty leaves. Everything follows from the pool and the seed.

The released notebook leaves first-taken rows in the pool, where drawing one again draws nothing; here they leave it.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from curate.rows import CurateError, Outcome, Rejection, Row, Tell

Mode = Literal["published", "random", "diverse", "longest", "all"]
MODES: tuple[Mode, ...] = get_args(Mode)
LONG_MATH_TOKENS = 5_600
UNIFORM_SHARE = 0.7
TARGET = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A chosen row, and by which rule it was chosen."""

    row: Row
    by: str
    """`first_take`, `uniform_domain`, `benchmark_domain`, or the mode."""


def select(rows: Sequence[Row], mode: Mode, target: int, seed: int) -> list[Drawn]:
    """Choose rows.

    Args:
        rows: the pool; with domains for `published` and `diverse`, with thinking lengths for `published` and `longest`.
        mode: the rule.
        target: how many; `all` ignores it. A smaller pool is taken whole.
        seed: same pool and seed, same rows.
    """
    rng = random.Random(f"{seed}/{mode}")
    # Not the order of the pool but its content decides.
    pool = sorted(rows, key=lambda row: row.uid)
    if mode == "all":
        return [Drawn(row=row, by=mode) for row in rows]
    if mode == "random":
        return [Drawn(row=row, by=mode) for row in rng.sample(pool, min(target, len(pool)))]
    if mode == "longest":
        return [Drawn(row=row, by=mode) for row in sorted(pool, key=_length, reverse=True)[:target]]
    if mode == "diverse":
        return _diverse(pool, target, rng)
    return _published(pool, target, rng)


def is_first_take(row: Row) -> bool:
    """Whether a row is in the set without being drawn."""
    if not row.correct:
        return False
    return row.source in ("gpqa", "aime") or (row.source == "math" and _length(row) > LONG_MATH_TOKENS)


def benchmark_mix(rows: Iterable[Row]) -> dict[str, float]:
    """How often each domain comes among AIME's and GPQA's rows, GPQA scaled to half of AIME; empty without either."""
    aime, gpqa = Counter[str](), Counter[str]()
    for row in rows:
        if row.source in ("aime", "gpqa"):
            (aime if row.source == "aime" else gpqa)[row.domain or ""] += 1
    # Rounded down by domain, as published.
    scale = 0.5 * aime.total() / gpqa.total() if aime and gpqa else 1.0
    scaled = {domain: int(count * scale) for domain, count in gpqa.items()}
    mix = {domain: aime[domain] + scaled.get(domain, 0) for domain in sorted({*aime, *scaled})}
    return {domain: float(weight) for domain, weight in mix.items() if weight > 0}


def draw_rank(rng: random.Random, count: int) -> int:
    """A rank from 0 to count - 1, with probability in proportion to 2^-rank."""
    # The inverse of the distribution function; no list of weights is needed, however long the domain.
    rank = int(-math.log2(1 - rng.random() * (1 - 0.5**count)))
    return min(rank, count - 1)


def _published(pool: list[Row], target: int, rng: random.Random) -> list[Drawn]:
    first = [row for row in pool if is_first_take(row)]
    if len(first) > target:
        first = rng.sample(first, target)
    chosen = [Drawn(row=row, by="first_take") for row in first]
    taken = {row.uid for row in first}
    ranked = _by_domain(row for row in pool if row.uid not in taken)
    for rows in ranked.values():
        rows.sort(key=lambda row: (_length(row), row.uid))
    mix = benchmark_mix(pool)
    while len(chosen) < target and ranked:
        weights = {d: w for d, w in mix.items() if d in ranked} if len(chosen) >= UNIFORM_SHARE * target else {}
        if weights:
            domain, by = rng.choices(list(weights), list(weights.values()))[0], "benchmark_domain"
        else:
            # Also when the benchmarks' domains have all run empty.
            domain, by = rng.choice(list(ranked)), "uniform_domain"
        rows = ranked[domain]
        chosen.append(Drawn(row=rows.pop(len(rows) - 1 - draw_rank(rng, len(rows))), by=by))
        if not rows:
            del ranked[domain]
    return chosen


def _diverse(pool: list[Row], target: int, rng: random.Random) -> list[Drawn]:
    """A domain uniformly, then any of its questions."""
    by_domain = _by_domain(pool)
    for rows in by_domain.values():
        rng.shuffle(rows)
    chosen: list[Drawn] = []
    while len(chosen) < target and by_domain:
        domain = rng.choice(list(by_domain))
        chosen.append(Drawn(row=by_domain[domain].pop(), by="diverse"))
        if not by_domain[domain]:
            del by_domain[domain]
    return chosen


def _by_domain(rows: Iterable[Row]) -> dict[str, list[Row]]:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.domain or ""].append(row)
    return {domain: groups[domain] for domain in sorted(groups)}


def _length(row: Row) -> int:
    return row.thinking_tokens or 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Select:
    """The selection as a stage."""

    mode: Mode = "published"
    target: int = TARGET
    seed: int = 0
    name: str = "select"
    pure: bool = False

    @property
    def config(self) -> dict[str, Any]:
        """All that decides what it does."""
        return {"mode": self.mode, "target": self.target, "seed": self.seed}

    def run(self, rows: Sequence[Row], tell: Tell) -> Outcome:
        """Choose; what was not drawn is rejected as such.

        Raises:
            CurateError: no such mode.
        """
        if self.mode not in MODES:
            raise CurateError(f"unknown selection {self.mode!r}; known: {', '.join(MODES)}")
        drawn = select(rows, self.mode, self.target, self.seed)
        chosen = {d.row.uid for d in drawn}
        left = [Rejection.of(row, self.name, "not_drawn") for row in rows if row.uid not in chosen]
        return Outcome(rows=[replace(d.row, drawn=d.by) for d in drawn], rejections=left)
