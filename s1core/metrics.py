"""The metrics of the paper and their uncertainty. Pure functions; accuracies in percent, tokens as counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import TypeVar

from s1core.errors import InvalidSetting

Answer = TypeVar("Answer", bound=Hashable)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proportion:
    """A share with its n and interval, in percent."""

    percent: float
    low: float
    high: float
    successes: int
    n: int

    def __str__(self) -> str:
        return f"{self.percent:.1f} % [{self.low:.1f}, {self.high:.1f}], n={self.n}"


def wilson(successes: int, n: int, confidence: float = 0.95) -> Proportion:
    """Wilson score interval of a binomial share."""
    if not 0 <= successes <= n or n == 0:
        raise InvalidSetting(f"a share needs 0 <= successes <= n and n > 0, got {successes} of {n}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Proportion(
        percent=100 * p,
        low=100 * max(0.0, centre - half),
        high=100 * min(1.0, centre + half),
        successes=successes,
        n=n,
    )


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided McNemar p-value of two settings on the same questions.

    Args:
        only_a: questions that only the first setting got right.
        only_b: questions that only the second setting got right.
    """
    if only_a < 0 or only_b < 0:
        raise InvalidSetting(f"counts must be 0 or more, got {only_a} and {only_b}")
    n, k = only_a + only_b, min(only_a, only_b)
    tail = sum(math.comb(n, i) for i in range(k + 1))
    return min(1.0, 2 * tail / 2**n)


def control(thinking_tokens: Sequence[float], low: float, high: float) -> float:
    """Share of samples whose thinking tokens lie in [low, high], in percent."""
    if not thinking_tokens:
        raise InvalidSetting("control needs at least one sample")
    return 100 * sum(low <= t <= high for t in thinking_tokens) / len(thinking_tokens)


def scaling(points: Sequence[tuple[float, float]]) -> float:
    """Mean slope over all pairs of runs: accuracy points per 1,000 thinking tokens.

    Args:
        points: (average thinking tokens, accuracy in percent) of each run. Pairs at equal tokens have no slope.
    """
    slopes = [(fb - fa) / (xb - xa) * 1000 for (xa, fa), (xb, fb) in combinations(sorted(points), 2) if xa < xb]
    if not slopes:
        raise InvalidSetting("scaling needs two runs with different thinking tokens")
    return sum(slopes) / len(slopes)


def performance(points: Sequence[tuple[float, float]]) -> float:
    """Best accuracy over the runs, in percent."""
    if not points:
        raise InvalidSetting("performance needs at least one run")
    return max(accuracy for _, accuracy in points)


def pass_at_k(n: int, correct: int, k: int) -> float:
    """Unbiased chance (0..1) that at least one of k samples drawn from n is correct (arXiv 2107.03374)."""
    if not 0 <= correct <= n or not 1 <= k <= n:
        raise InvalidSetting(f"pass@k needs 0 <= correct <= n and 1 <= k <= n, got n={n}, correct={correct}, k={k}")
    return 1.0 - math.comb(n - correct, k) / math.comb(n, k)


def maj_at_k(answers: Sequence[Answer | None], k: int | None = None) -> Answer | None:
    """The most common of the first k answers; ties go to the first seen, missing answers do not vote."""
    votes = Counter(answer for answer in answers[:k] if answer is not None)
    return votes.most_common(1)[0][0] if votes else None


def avg_at_k(correct: Sequence[bool], k: int | None = None) -> float:
    """Share (0..1) of correct ones among the first k samples; all of them without k."""
    first = correct[:k]
    if not first or (k is not None and not 1 <= k <= len(correct)):
        raise InvalidSetting(f"avg@k needs 1 <= k <= samples, got k={k} and {len(correct)} samples")
    return sum(first) / len(first)


def g_pass_at_k(n: int, correct: int, k: int, threshold: float) -> float:
    """Chance (0..1) that of k samples drawn from n a share of at least `threshold`, and at least one, is correct.

    At threshold 0 it is pass@k, at 1 the chance that all k are correct: how stable a model is (arXiv 2412.13147).
    """
    if not 0 <= correct <= n or not 1 <= k <= n or not 0 <= threshold <= 1:
        raise InvalidSetting(
            f"G-pass@k needs 0 <= correct <= n, 1 <= k <= n and a threshold in 0..1, "
            f"got n={n}, correct={correct}, k={k}, threshold={threshold}"
        )
    fewest = max(1, math.ceil(threshold * k))
    draws = sum(math.comb(correct, hits) * math.comb(n - correct, k - hits) for hits in range(fewest, k + 1))
    return draws / math.comb(n, k)


def mean_g_pass_at_k(n: int, correct: int, k: int) -> float:
    """G-pass@k averaged over the thresholds above one half (arXiv 2412.13147); 0 for k = 1, which has none."""
    hits = range(math.ceil(k / 2) + 1, k + 1)
    return 2 / k * sum(g_pass_at_k(n, correct, k, needed / k) for needed in hits)


def tokens_per_correct_answer(tokens: Sequence[float], correct: Sequence[bool]) -> float | None:
    """All tokens spent, on wrong answers too, by the number of correct answers; None if there is none.

    Args:
        tokens: thinking, answer or total tokens of each sample.
        correct: whether that sample is correct.
    """
    if len(tokens) != len(correct) or not tokens:
        raise InvalidSetting(f"needs one verdict for each sample, got {len(tokens)} counts and {len(correct)} verdicts")
    return sum(tokens) / sum(correct) if any(correct) else None
