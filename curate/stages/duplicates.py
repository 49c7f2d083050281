"""Exact and near duplicates: of questions that are the same, the first one stays.

Near duplicates share at least `threshold` of their word 5-grams (Jaccard), have the same numbers and signs in the same
order, and end alike. Candidates are found by MinHash in bands, so that the cost grows linearly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from curate.rows import OnProgress, Outcome, Rejection, Row
from curate.text import Hashes, WordHashes, figures, gram_hashes, normal, stable_hash, words

_TAIL_WORDS = 40
_TAIL_SHARE = 0.5
"""Passages with several questions each agree but for the end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Duplicates:
    """Removes what came before."""

    threshold: float = 0.8
    ngram: int = 5
    bands: int = 16
    rows_per_band: int = 4
    """At 0.8 a pair is missed once in 5,000."""
    name: str = "duplicates"
    pure: bool = True

    @property
    def config(self) -> dict[str, Any]:
        """All that decides what it does; the number of the words grows when they are found in another way."""
        bands = {"bands": self.bands, "rows": self.rows_per_band}
        return {"words": 3, "threshold": self.threshold, "ngram": self.ngram, **bands}

    def run(self, rows: Sequence[Row], on_progress: OnProgress) -> Outcome:
        """Keep the first of each."""
        index = _Index(self)
        seen: dict[str, Row] = {}
        kept: list[Row] = []
        rejections: list[Rejection] = []
        counts: Counter[str] = Counter()
        for number, row in enumerate(rows):
            if (first := seen.get(row.key)) is not None:
                rule, detail = "exact_duplicate", f"of {first.uid}"
            elif (near := index.look_up_or_add(row)) is not None:
                rule, detail = "near_duplicate", f"of {near[0].uid}, {near[1]:.2f} alike"
            else:
                seen[row.key] = row
                kept.append(row)
                rule, detail = "", ""
            if rule:
                rejections.append(Rejection.of(row, self.name, rule, detail))
                counts[rule] += 1
            if number % 1024 == 0:
                on_progress(number, counts)
        return Outcome(rows=kept, rejections=rejections)


class _Index:
    def __init__(self, stage: Duplicates) -> None:
        self._stage = stage
        rng = np.random.default_rng(0x51)
        size = stage.bands * stage.rows_per_band
        self._factor = rng.integers(1, 2**63, (size, 1), dtype=np.uint64) * 2 + 1
        self._shift = rng.integers(0, 2**63, (size, 1), dtype=np.uint64)
        self._mix = rng.integers(1, 2**63, (stage.bands, stage.rows_per_band), dtype=np.uint64) * 2 + 1
        self._hashes = WordHashes()
        self._buckets: dict[int, int] = {}
        self._known: list[tuple[Row, Hashes, Hashes]] = []

    def look_up_or_add(self, row: Row) -> tuple[Row, float] | None:
        """The earlier row that this one repeats, and how alike they are; else remember it."""
        text = normal(row.question)
        word_hashes = self._hashes.of(words(text))
        grams = np.unique(gram_hashes(word_hashes, self._stage.ngram))
        tail = np.unique(gram_hashes(word_hashes[-_TAIL_WORDS:], self._stage.ngram))
        if len(grams) == 0:
            return None
        # Only what has the same figures can be a duplicate: with them in the key, templates do not fill up a bucket.
        keys = self._band_keys(grams) ^ np.uint64(stable_hash(figures(text)))
        buckets = [int(key) for key in keys]
        for candidate in {self._buckets[key] for key in buckets if key in self._buckets}:
            earlier, its_grams, its_tail = self._known[candidate]
            share = _jaccard(grams, its_grams)
            if share >= self._stage.threshold and _jaccard(tail, its_tail) >= _TAIL_SHARE:
                return earlier, share
        for key in buckets:
            self._buckets.setdefault(key, len(self._known))
        self._known.append((row, grams, tail))
        return None

    def _band_keys(self, grams: Hashes) -> Hashes:
        """One number for every band of the MinHash signature."""
        signature = (grams * self._factor + self._shift).min(axis=1)
        bands = signature.reshape(self._stage.bands, self._stage.rows_per_band)
        return (bands * self._mix).sum(axis=1, dtype=np.uint64)


def _jaccard(a: Hashes, b: Hashes) -> float:
    shared = len(np.intersect1d(a, b, assume_unique=True))
    return shared / (len(a) + len(b) - shared)
