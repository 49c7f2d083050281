"""Decontamination: no question may share a run of eight words with a question that models are evaluated on.

Strict, as published: a turn of phrase such as "where m and n are relatively prime positive integers" suffices. A
question of fewer than eight words counts as one run, and is contaminated if it is asked word for word. What many
questions have in common because a prompt says so can be named, and then counts on neither side.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os.path import commonprefix
from typing import Any, NamedTuple

import numpy as np

from curate.rows import OnProgress, Outcome, Rejection, Row
from curate.text import Hashes, WordHashes, gram_hashes, joined, normal, words


@dataclass(frozen=True, kw_only=True, slots=True)
class Decontaminate:
    """Removes what overlaps with the evaluation sets."""

    evaluation: Sequence[Row]
    """The questions that must not be trained on."""
    ngram: int = 8
    shared: Sequence[str] = ()
    """Texts that many questions have in common, such as the instruction of a prompt; they count on neither side."""
    name: str = "decontaminate"
    pure: bool = True

    @property
    def config(self) -> dict[str, Any]:
        """All that decides what it does; the number of the words grows when they are found in another way."""
        shared = {"shared": sorted(self.shared)} if self.shared else {}
        return {"words": 3, "ngram": self.ngram, "evaluation": sorted(row.key for row in self.evaluation), **shared}

    def run(self, rows: Sequence[Row], on_progress: OnProgress) -> Outcome:
        """Keep what shares no run of words with any of them."""
        index = _Index.of(self.evaluation, self.ngram, [words(normal(text)) for text in self.shared])
        kept: list[Row] = []
        rejections: list[Rejection] = []
        counts: Counter[str] = Counter()
        runs: defaultdict[tuple[str, str], list[list[str]]] = defaultdict(list)
        for number, row in enumerate(rows):
            if (hit := index.find(row.question)) is None:
                kept.append(row)
            else:
                rule, first = f"contaminated:{hit.earlier.source}", joined(hit.run[: self.ngram])
                rejections.append(Rejection.of(row, self.name, rule, f"{hit.earlier.uid}: {first}"))
                counts[rule] += 1
                if hit.alone:
                    runs[hit.earlier.source, first].append(hit.run)
            if number % 1024 == 0:
                on_progress(number, counts)
        return Outcome(rows=kept, rejections=rejections, notes=_notes(runs, len(rows)))


_NOTED, _SHARE, _MOST = 3, 0.01, 3
"""A run of words is told that alone rejects so many rows, and such a part of all; so many runs are."""


def _notes(runs: Mapping[tuple[str, str], list[list[str]]], rows_in: int) -> tuple[str, ...]:
    """Say which runs of words alone reject many rows: the instruction of a prompt, rather than a question."""
    ranked = sorted(runs.items(), key=lambda item: -len(item[1]))[:_MOST]
    return tuple(
        f"{len(found):,} rows share nothing with {source} but {joined(list(commonprefix(found)))!r}; if that is "
        "the wording of a prompt and no question, name it with --shared-text"
        for (source, _), found in ranked
        if len(found) >= max(_NOTED, _SHARE * rows_in)
    )


class _Hit(NamedTuple):
    """What a question shares with an evaluation question."""

    earlier: Row
    run: list[str]
    """The first words that they share."""
    alone: bool
    """They share no others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Index:
    ngram: int
    hashes: WordHashes = field(default_factory=WordHashes)
    sorted_grams: Hashes
    owner: Sequence[int]
    """Which question each gram is from, in the order of `sorted_grams`."""
    evaluation: Sequence[Row]
    shared: Sequence[list[str]]

    @classmethod
    def of(cls, evaluation: Iterable[Row], ngram: int, shared: Sequence[list[str]]) -> _Index:
        hashes, questions = WordHashes(), list(evaluation)
        grams = [gram_hashes(hashes.of(_own_words(row.question, shared)), ngram) for row in questions]
        owner = np.repeat(np.arange(len(questions)), [len(g) for g in grams])
        all_grams = np.concatenate([*grams, np.zeros(0, dtype=np.uint64)])
        order = np.argsort(all_grams, kind="stable")
        return cls(
            ngram=ngram,
            hashes=hashes,
            sorted_grams=all_grams[order],
            owner=owner[order].tolist(),
            evaluation=questions,
            shared=shared,
        )

    def find(self, question: str) -> _Hit | None:
        """The evaluation question that this one overlaps with first, and the words they share."""
        if len(self.sorted_grams) == 0:
            return None
        tokens = _own_words(question, self.shared)
        grams = gram_hashes(self.hashes.of(tokens), self.ngram)
        places = np.searchsorted(self.sorted_grams, grams)
        places[places == len(self.sorted_grams)] = 0
        hits = np.flatnonzero(self.sorted_grams[places] == grams)
        if len(hits) == 0:
            return None
        first, breaks = int(hits[0]), np.flatnonzero(np.diff(hits) > 1)
        last = int(hits[breaks[0]] if len(breaks) else hits[-1])
        run = tokens[first : last + self.ngram]
        return _Hit(self.evaluation[self.owner[int(places[first])]], run, alone=len(breaks) == 0)


def _own_words(question: str, shared: Sequence[list[str]]) -> list[str]:
    """The words of a question without those of the texts that many have in common."""
    tokens = words(normal(question))
    for text in shared:
        size, at = len(text), 0
        while size and at + size <= len(tokens):
            if tokens[at : at + size] == text:
                del tokens[at : at + size]
            else:
                at += 1
    return tokens
