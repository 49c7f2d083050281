"""Selects the final training set: as published, or as in the paper's data ablation.

Published: all right answers to GPQA and AIME, and to MATH where the thinking is longer than 5,600 tokens, come first.
Then a domain is drawn, uniformly until 70 % of the set are there, after that from the mix of AIME's and GPQA's domains
in the pool (GPQA scaled to half of AIME); and within it a question, with weight 2^-rank by the length of its thinking.
Nothing is drawn twice; a domain that runs empty leaves. Everything follows from the pool and the seed. Where the rows
of a domain have several phrasings, one of those is drawn before the question.

The released notebook leaves first-taken rows in the pool, where drawing one again draws nothing; here they leave it.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from curate.rows import CurateError, OnProgress, Outcome, Rejection, Row

Mode = Literal["published", "random", "diverse", "longest", "all"]
MODES: tuple[Mode, ...] = get_args(Mode)
LONG_MATH_TOKENS = 5_600
UNIFORM_SHARE = 0.7
TARGET = 1_000
LENGTH_RATIO = 0.5
"""How much less often a trace is drawn than the next longer one of its domain, as published."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A chosen row, and by which rule it was chosen."""

    row: Row
    by: str
    """`first_take`, `uniform_domain`, `benchmark_domain`, or the mode."""


def select(rows: Sequence[Row], mode: Mode, target: int, seed: int, length_ratio: float = LENGTH_RATIO) -> list[Drawn]:
    """Choose rows.

    Args:
        rows: the pool; with domains for `published` and `diverse`, with thinking lengths for `published` and `longest`.
        mode: the rule.
        target: how many; `all` ignores it. A smaller pool is taken whole.
        seed: same pool and seed, same rows.
        length_ratio: for `published`, the weight of a trace over that of the next longer one; 1 draws any length alike.
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
    return _published(pool, target, rng, length_ratio)


def spread(rows: Sequence[Row], count: int, seed: int) -> set[str]:
    """The uids of `count` rows, drawn evenly over subjects and their phrasings, each of which has as many as it can."""
    rng = random.Random(f"{seed}/spread")
    pool = _Pool(sorted(rows, key=lambda row: row.uid), lambda row: row.subject or row.source)
    pool.arrange(rng.shuffle)
    chosen: set[str] = set()
    while len(chosen) < count and pool:
        for domain in pool.domains():
            if len(chosen) < count:
                chosen.add(pool.draw(domain, rng).uid)
    return chosen


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


def draw_rank(rng: random.Random, count: int, ratio: float = LENGTH_RATIO) -> int:
    """A rank from 0 to count - 1, with probability in proportion to ratio^rank."""
    if ratio == 1:
        return rng.randrange(count)
    # The inverse of the distribution function; no list of weights is needed, however long the domain.
    rank = int(math.log2(1 - rng.random() * (1 - ratio**count)) / math.log2(ratio))
    return min(rank, count - 1)


class _Pool:
    """Rows that are left, by domain and phrasing. What is drawn leaves, and so does what runs empty."""

    def __init__(self, rows: Iterable[Row], domain_of: Callable[[Row], str] = lambda row: row.domain or "") -> None:
        groups: defaultdict[str, defaultdict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for row in rows:
            groups[domain_of(row)][row.phrasing].append(row)
        self._groups = {domain: dict(sorted(groups[domain].items())) for domain in sorted(groups)}

    def __bool__(self) -> bool:
        return bool(self._groups)

    def domains(self) -> list[str]:
        """Those that have rows."""
        return list(self._groups)

    def arrange(self, order: Callable[[list[Row]], None]) -> None:
        """Put the rows of every group in an order; the last one is of rank 0."""
        for phrasings in self._groups.values():
            for rows in phrasings.values():
                order(rows)

    def draw(self, domain: str, rng: random.Random, rank: Callable[[int], int] = lambda count: 0) -> Row:
        """A phrasing of the domain uniformly, then the row of the rank that is drawn for so many."""
        phrasings = self._groups[domain]
        # A draw among one would move the generator.
        phrasing = rng.choice(list(phrasings)) if len(phrasings) > 1 else next(iter(phrasings))
        rows = phrasings[phrasing]
        row = rows.pop(len(rows) - 1 - rank(len(rows)))
        if not rows:
            del phrasings[phrasing]
        if not phrasings:
            del self._groups[domain]
        return row


def _published(rows: list[Row], target: int, rng: random.Random, length_ratio: float) -> list[Drawn]:
    first = [row for row in rows if is_first_take(row)]
    if len(first) > target:
        first = rng.sample(first, target)
    chosen = [Drawn(row=row, by="first_take") for row in first]
    taken = {row.uid for row in first}
    pool = _Pool(row for row in rows if row.uid not in taken)
    pool.arrange(lambda group: group.sort(key=lambda row: (_length(row), row.uid)))
    mix = benchmark_mix(rows)
    while len(chosen) < target and pool:
        left = pool.domains()
        weights = {d: w for d, w in mix.items() if d in left} if len(chosen) >= UNIFORM_SHARE * target else {}
        if weights:
            domain, by = rng.choices(list(weights), list(weights.values()))[0], "benchmark_domain"
        else:
            # Also when the benchmarks' domains have all run empty.
            domain, by = rng.choice(left), "uniform_domain"
        row = pool.draw(domain, rng, lambda count: draw_rank(rng, count, length_ratio))
        chosen.append(Drawn(row=row, by=by))
    return chosen


def _diverse(rows: list[Row], target: int, rng: random.Random) -> list[Drawn]:
    """A domain uniformly, then any of its questions."""
    pool = _Pool(rows)
    pool.arrange(rng.shuffle)
    chosen: list[Drawn] = []
    while len(chosen) < target and pool:
        chosen.append(Drawn(row=pool.draw(rng.choice(pool.domains()), rng), by="diverse"))
    return chosen


def _length(row: Row) -> int:
    return row.thinking_tokens or 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Select:
    """The selection as a stage."""

    mode: Mode = "published"
    target: int = TARGET
    seed: int = 0
    length_ratio: float = LENGTH_RATIO
    name: str = "select"
    pure: bool = False

    @property
    def config(self) -> dict[str, Any]:
        """All that decides what it does."""
        ratio = {} if self.length_ratio == LENGTH_RATIO else {"length_ratio": self.length_ratio}
        return {"mode": self.mode, "target": self.target, "seed": self.seed, **ratio}

    def run(self, rows: Sequence[Row], on_progress: OnProgress) -> Outcome:
        """Choose; what was not drawn is rejected as such.

        Raises:
            CurateError: no such mode.
        """
        if self.mode not in MODES:
            raise CurateError(f"unknown selection {self.mode!r}; known: {', '.join(MODES)}")
        drawn = select(rows, self.mode, self.target, self.seed, self.length_ratio)
        chosen = {d.row.uid for d in drawn}
        left = [Rejection.of(row, self.name, "not_drawn") for row in rows if row.uid not in chosen]
        return Outcome(rows=[replace(d.row, drawn=d.by) for d in drawn], rejections=left)
