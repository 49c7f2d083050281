"""Length-bucketed batches of s1-nano's training text."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from train.nano.text import PAD, Example


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Right-padded rows. Causal attention never looks right, so padding needs no mask."""

    ids: Tensor
    tags: Tensor
    families: list[str]
    tokens: int
    """Tokens that are not padding."""


def collate(examples: Sequence[Example]) -> Batch:
    """Pad examples on the right to the longest, rounded up to a multiple of 16."""
    longest = -(-max(len(e.ids) for e in examples) // 16) * 16
    ids = torch.full((len(examples), longest), PAD, dtype=torch.long)
    tags = torch.zeros((len(examples), longest), dtype=torch.long)
    for row, example in enumerate(examples):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
        tags[row, : len(example.tags)] = torch.tensor(example.tags)
    return Batch(ids=ids, tags=tags, families=[e.family for e in examples], tokens=sum(len(e.ids) for e in examples))


def bucketed(examples: list[Example], tokens_per_batch: int, seed: str) -> Iterator[Batch]:
    """Cut examples, sorted by length, into batches of at most `tokens_per_batch` padded tokens; shuffled."""
    groups: list[list[Example]] = [[]]
    for example in sorted(examples, key=lambda e: len(e.ids)):
        if groups[-1] and (len(groups[-1]) + 1) * (len(example.ids) + 15) > tokens_per_batch:
            groups.append([])
        groups[-1].append(example)
    random.Random(seed).shuffle(groups)
    for group in groups:
        yield collate(group)
