"""Adaptive vote: draw samples until the leading answer is certain to lead (adaptive-consistency, arXiv 2305.11860)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from s1core.engines.base import Engine
from s1core.engines.capabilities import require
from s1core.errors import InvalidSetting
from s1core.methods.base import (
    Method,
    OnEvent,
    Outcome,
    Spent,
    budget_words,
    drawn_with,
    ignore,
    one_by_one,
    side_by_side,
)
from s1core.methods.vote import draw, vote_of, voted
from s1core.types import Sampling, Trace

Prior = Literal["beta", "dirichlet"]

_INTERVALS = 4_096
"""Of Simpson's rule; the error is below 1e-9 for 64 samples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AdaptiveVote(Method):
    """Majority vote that stops as soon as more samples are unlikely to change it."""

    name: ClassVar[str] = "adaptive-vote"
    title: ClassVar[str] = "adaptive vote"
    draws: ClassVar[bool] = True

    samples: int = 16
    """At most so many."""
    certainty: float = 0.95
    """Posterior probability, that the leading answer is the most probable one, at which it stops."""
    at_once: int = 1
    """Samples between two looks; more share forward passes, and some may be drawn that were not needed."""
    prior: Prior = "beta"
    """`beta` compares the two leading answers; `dirichlet` the leading one with all others."""
    weighted: bool = False
    """A vote counts as much as its answer is probable; the posterior counts votes all the same."""

    def __post_init__(self) -> None:
        if self.samples < 1 or self.at_once < 1:
            raise InvalidSetting(f"samples and at_once must be 1 or more, got {self.samples} and {self.at_once}")
        if not 0.5 <= self.certainty < 1:
            raise InvalidSetting(f"certainty must be at least 0.5 and below 1, got {self.certainty}")
        if self.prior not in ("beta", "dirichlet"):
            raise InvalidSetting(f"prior must be beta or dirichlet, got {str(self.prior)[:40]!r}")

    @property
    def label(self) -> str:
        """`vote until 0.95 certain, at most 16`, `..., 4 at once`, `..., weighted`, `..., budget 64`."""
        said = [f"vote until {self.certainty:g} certain", f"at most {self.samples}"]
        said += [f"{self.at_once} at once"] if self.at_once > 1 else []
        said += [self.prior] if self.prior != "beta" else []
        said += ["weighted"] if self.weighted else []
        return ", ".join([*said, *budget_words(self.budget)])

    async def arun(
        self, engine: Engine, question: str, sampling: Sampling | None = None, *, on_event: OnEvent = ignore
    ) -> Outcome:
        """Draw round after round; run i is sample i. `details` has the votes and how certain they were in the end.

        At equal sampling sample i is that of a fixed vote, so that both are compared on the same samples.
        """
        if self.weighted:
            require(engine, "logprobs")
        drawn = drawn_with(sampling, self.samples, "samples", question)
        traces: list[Trace] = []
        rounds: list[Spent] = []
        sure = 0.0
        while len(traces) < self.samples and sure < self.certainty:
            numbers = range(len(traces), min(len(traces) + self.at_once, self.samples))
            new = await draw(engine, question, numbers, self.budget, drawn, on_event, answer_logprobs=self.weighted)
            traces += new
            rounds.append(side_by_side(Spent.of(trace.receipt) for trace in new))
            votes = [ballot.votes for ballot in vote_of(traces, weighted=self.weighted)]
            sure = posterior(votes, self.prior)
        ballots = vote_of(traces, weighted=self.weighted)
        return voted(traces, ballots, one_by_one(rounds), certainty=sure)


def posterior(votes: Sequence[int], prior: Prior = "beta") -> float:
    """Return the probability that the first answer is the most probable one, given votes and a uniform prior.

    Args:
        votes: of each answer, the leading one first; none at all give 0.
        prior: `beta`: P(p > 1/2) for p ~ Beta(v1 + 1, v2 + 1), of the first and the best of the others; `dirichlet`:
            P(p1 > all others) for p ~ Dirichlet(v1 + 1, ..., vk + 1).
    """
    if not votes:
        return 0.0
    first, others = votes[0], sorted(votes[1:], reverse=True) or [0]
    if prior == "dirichlet" and len(others) > 1:
        return _leads(first, others)
    # For whole numbers the tail of the Beta distribution is one of the binomial distribution.
    draws = first + others[0] + 1
    return sum(math.comb(draws, wins) for wins in range(others[0] + 1, draws + 1)) / 2**draws


def _leads(first: int, others: Sequence[int]) -> float:
    """Integrate over the first of independent Gamma(v + 1) variables, whose shares are the Dirichlet distribution."""

    def density(x: float) -> float:
        return math.exp(first * math.log(x) - x - math.lgamma(first + 1)) if x > 0 else float(first == 0)

    def below(votes: int, x: float) -> float:
        term = total = math.exp(-x)
        for k in range(1, votes + 1):
            term *= x / k
            total += term
        return 1.0 - total

    width = (first + 12 * math.sqrt(first + 1) + 20) / _INTERVALS
    total = 0.0
    for number in range(_INTERVALS + 1):
        x = number * width
        weight = 1 if number in (0, _INTERVALS) else 4 if number % 2 else 2
        total += weight * density(x) * math.prod(below(votes, x) for votes in others)
    return min(1.0, total * width / 3)
