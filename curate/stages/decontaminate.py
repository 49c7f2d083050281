"""Decontamination: no question may share a run of eight words with a question that models are evaluated on.

Strict, as published: a turn of phrase such as "where m and n are relatively prime positive integers" suffices. A
question of fewer than eight words counts as one run, and is contaminated if it is asked word for word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from curate.rows import OnProgress, Outcome, Rejection, Row
from curate.text import Hashes, WordHashes, gram_hashes, normal, words


@dataclass(frozen=True, kw_only=True, slots=True)
class Decontaminate:
    """Removes what overlaps with the evaluation sets."""

    evaluation: Sequence[Row]
    """The questions that must not be trained on."""
    ngram: int = 8
    name: str = "decontaminate"
    pure: bool = True

    @property
    def config(self) -> dict[str, Any]:
        """All that decides what it does."""
        return {"ngram": self.ngram, "evaluation": sorted(row.key for row in self.evaluation)}

    def run(self, rows: Sequence[Row], on_progress: OnProgress) -> Outcome:
        """Keep what shares no run of words with any of them."""
        index = _Index.of(self.evaluation, self.ngram)
        kept: list[Row] = []
        rejections: list[Rejection] = []
        counts: Counter[str] = Counter()
        for number, row in enumerate(rows):
            if (hit := index.find(row.question)) is None:
                kept.append(row)
            else:
                earlier, shared = hit
                rule = f"contaminated:{earlier.source}"
                rejections.append(Rejection.of(row, self.name, rule, f"{earlier.uid}: {shared}"))
                counts[rule] += 1
            if number % 1024 == 0:
                on_progress(number, counts)
        return Outcome(rows=kept, rejections=rejections)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Index:
    ngram: int
    hashes: WordHashes = field(default_factory=WordHashes)
    sorted_grams: Hashes
    owner: Sequence[int]
    """Which question each gram is from, in the order of `sorted_grams`."""
    evaluation: Sequence[Row]

    @classmethod
    def of(cls, evaluation: Iterable[Row], ngram: int) -> _Index:
        hashes, questions = WordHashes(), list(evaluation)
        grams = [gram_hashes(hashes.of(words(normal(row.question))), ngram) for row in questions]
        owner = np.repeat(np.arange(len(questions)), [len(g) for g in grams])
        joined = np.concatenate([*grams, np.zeros(0, dtype=np.uint64)])
        order = np.argsort(joined, kind="stable")
        return cls(
            ngram=ngram, hashes=hashes, sorted_grams=joined[order], owner=owner[order].tolist(), evaluation=questions
        )

    def find(self, question: str) -> tuple[Row, str] | None:
        """The evaluation question that this one overlaps with first, and the words they share."""
        if len(self.sorted_grams) == 0:
            return None
        tokens = words(normal(question))
        grams = gram_hashes(self.hashes.of(tokens), self.ngram)
        places = np.searchsorted(self.sorted_grams, grams)
        places[places == len(self.sorted_grams)] = 0
        hits = np.flatnonzero(self.sorted_grams[places] == grams)
        if len(hits) == 0:
            return None
        first = int(hits[0])
        return self.evaluation[self.owner[int(places[first])]], " ".join(tokens[first : first + self.ngram])
