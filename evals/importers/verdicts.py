"""The verdicts of a log: which one counts, in whatever order they are, and what remains unknown.

A log may judge each sample several times: by several metrics, filters or scorers. One of them counts. It is named, and
where they disagree the reader is asked, since the log does not tell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_KNOWN = (
    *("math_verify", "exact_match", "acc", "match", "exact", "choice", "answer", "pattern", "math", "includes"),
    *("model_graded_qa", "model_graded_fact"),
)
"""Metrics of lm-eval and scorers of inspect that say whether an answer is right, those that read most first."""
_MOST = 64
"""Most verdicts of one log; a file with more is not a log."""
_LOWER_IS_BETTER = re.compile(
    r"(?<![a-z])(wer|cer|ter|error|errors|err|loss|nll|brier|perplexity|ppl|distance|ece|mse|mae|rmse|bits_per_byte)(?![a-z])",
    re.IGNORECASE,
)
"""In names of metrics that measure what is wrong."""
_WORDS = {
    **dict.fromkeys(("c", "correct", "yes", "true", "pass", "passed", "right"), 1.0),
    **dict.fromkeys(("i", "incorrect", "no", "false", "fail", "failed", "wrong", "n"), 0.0),
    "p": 0.5,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """One verdict on one sample."""

    value: float | None
    """1 right, 0 wrong, between them partial credit; None where the log holds no such thing."""
    answer: str | None = None
    """The answer that was judged, where the log names it."""
    scale: bool = False
    """It is a number outside 0 to 1, or of a metric that grows with what is wrong: no verdict of right or wrong."""

    @property
    def correct(self) -> bool:
        """Whether it says right; partial credit does not."""
        return self.value == 1


Scores = Mapping[str, Score]
"""By the name of the metric or scorer; with its filter, `exact_match,strict`, where there are several."""


def read_score(
    name: str, value: object, answer: str | None = None, *, higher_is_better: bool | None = None
) -> dict[str, Score]:
    """Read a verdict as a log writes it; an object holds several of them, each under a name of its own.

    Args:
        name: of the metric or scorer.
        value: what stands there.
        answer: what was judged, where the log names it.
        higher_is_better: what the log says of the metric; None leaves it to its name.
    """
    if isinstance(value, dict):
        found: dict[str, Score] = {}
        for key, each in value.items():
            if not isinstance(each, dict | list):
                found |= read_score(f"{name}.{key}"[:120], each, answer, higher_is_better=higher_is_better)
        return found or {name: Score(value=None, answer=answer)}
    number = _number(value)
    lower = _LOWER_IS_BETTER.search(name) is not None if higher_is_better is None else not higher_is_better
    scale = number is not None and (not 0 <= number <= 1 or lower)
    return {name: Score(value=None if scale else number, answer=answer, scale=scale)}


def _number(value: object) -> float | None:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _WORDS:
            return _WORDS[word]
        try:
            value = float(word)
        except ValueError:
            return None
    if not isinstance(value, bool | int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number larger than any float
        return math.inf


@dataclass(slots=True)
class Tally:
    """How often one verdict says what."""

    samples: int = 0
    right: int = 0
    partial: int = 0
    untold: int = 0
    """It is null, NaN, a list, a word that is not known."""
    scaled: int = 0

    def take(self, score: Score) -> None:
        """Count one sample."""
        self.samples += 1
        self.right += score.correct
        self.partial += score.value is not None and 0 < score.value < 1
        self.untold += score.value is None and not score.scale
        self.scaled += score.scale

    @property
    def usable(self) -> bool:
        """Whether it says right or wrong at all."""
        return not self.scaled and self.untold < self.samples

    @property
    def percent(self) -> float:
        """Share of right ones, in percent."""
        return 100 * self.right / max(1, self.samples - self.untold)


@dataclass(slots=True)
class Survey:
    """What all samples of a log hold, read once before any is judged."""

    samples: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)
    differing: dict[tuple[frozenset[str], frozenset[str]], int] = field(default_factory=dict)
    """On how many samples which verdicts say right while which others say wrong."""
    marked: bool = False
    """Some text shows where its thinking ends."""
    budgets: set[int | None] = field(default_factory=set)
    """Thinking budgets in the receipts."""
    counts: bool = False
    """Some thinking has to be counted here: the log has no token counts of it."""

    def take(self, scores: Scores) -> None:
        """Count the verdicts on one sample."""
        self.samples += 1
        for name, score in scores.items():
            if name in self.tallies or len(self.tallies) < _MOST:
                self.tallies.setdefault(name, Tally()).take(score)
        recorded = {name: score.correct for name, score in scores.items() if score.value is not None}
        right, wrong = (frozenset(name for name in recorded if recorded[name] is correct) for correct in (True, False))
        if right and wrong:
            self.differing[right, wrong] = self.differing.get((right, wrong), 0) + 1

    @property
    def usable(self) -> list[str]:
        """Names of the verdicts that say right or wrong, the one that counts unless another is chosen first."""
        return ranked((name for name, tally in self.tallies.items() if tally.usable), self.tallies)

    @property
    def disagree(self) -> int:
        """Samples on which usable verdicts disagree."""
        usable = set(self.usable)
        return sum(count for (right, wrong), count in self.differing.items() if right & usable and wrong & usable)


def ranked(names: Iterable[str], tallies: Mapping[str, Tally] | None = None) -> list[str]:
    """Order verdicts: known ones first, those without partial credit next, then by name; never as they stand."""
    counted = tallies or {}

    def place(name: str) -> tuple[int, bool, str]:
        metric = name.partition(",")[0].rpartition("/")[2]
        known = _KNOWN.index(metric) if metric in _KNOWN else len(_KNOWN)
        return known, name in counted and counted[name].partial > 0, name

    return sorted(names, key=place)
