"""Which rows train at which step on which process, and the tensors they become.

The rows of a step depend on the seed alone, so that any number of processes computes the same step. All processes run
the same number of forward passes, as each takes part in every exchange: where the rows do not divide evenly, some run
a filler that teaches nothing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from train.finetune.config import TrainConfig
from train.finetune.data import IGNORED, Row

Unit = tuple[int, ...]
"""Rows of one forward pass; none is a filler."""
_MULTIPLE = 8
_POOL = 32
"""Batches whose rows are sorted by length together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """One forward pass: `[sequences, length]` each, padded on the right, where causal attention never looks."""

    ids: Tensor
    positions: Tensor
    """Start again at 0 where a packed row begins; that is what keeps rows apart."""
    targets: Tensor
    """The next token where it is learned, else `IGNORED`."""
    weights: Tensor
    """Of each target, float32."""

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        moved = {n: getattr(self, n).to(device, non_blocking=True) for n in ("ids", "positions", "targets", "weights")}
        return Batch(**moved)


def total_steps(config: TrainConfig, rows: int) -> int:
    """Optimizer steps of the whole run; the last batch of an epoch may be smaller."""
    steps = config.epochs * -(-rows // config.global_batch)
    return steps if config.max_steps is None else min(steps, config.max_steps)


def rows_of_step(config: TrainConfig, lengths: Sequence[int], step: int) -> list[int]:
    """The rows of step `step` (from 0), of rows with these lengths in tokens."""
    size = config.global_batch
    epoch, index = divmod(step, -(-len(lengths) // size))
    rng = random.Random(f"{config.seed}/epoch/{epoch}")
    order = list(range(len(lengths)))
    rng.shuffle(order)
    if not config.group_by_length:
        return order[index * size : (index + 1) * size]
    for start in range(0, len(order), _POOL * size):
        order[start : start + _POOL * size] = sorted(order[start : start + _POOL * size], key=lengths.__getitem__)
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    rng.shuffle(batches)
    return batches[index]


def units_of(config: TrainConfig, rows: Sequence[Row], chosen: Sequence[int], rank: int, world: int) -> list[Unit]:
    """The forward passes of one process, fillers included: as many as every other process has."""
    units = _packed(config, rows, chosen) if config.packing else _grouped(config, rows, chosen, world)
    each = -(-len(units) // world)
    units += [()] * (each * world - len(units))
    return units[rank::world]


def _grouped(config: TrainConfig, rows: Sequence[Row], chosen: Sequence[int], world: int) -> list[Unit]:
    """Rows of similar length together; never more in one than gives every process its share."""
    size = min(config.micro_batch, -(-len(chosen) // world))
    order = sorted(chosen, key=lambda i: (-len(rows[i].ids), i))
    return [tuple(order[i : i + size]) for i in range(0, len(order), size)]


def _packed(config: TrainConfig, rows: Sequence[Row], chosen: Sequence[int]) -> list[Unit]:
    """First fit, longest first."""
    bins: list[list[int]] = []
    left: list[int] = []
    for i in sorted(chosen, key=lambda i: (-len(rows[i].ids), i)):
        length = len(rows[i].ids)
        at = next((b for b, room in enumerate(left) if room >= length), None)
        if at is None:
            bins.append([i])
            left.append(config.max_length - length)
        else:
            bins[at].append(i)
            left[at] -= length
    return [tuple(b) for b in bins]


def row_weight(config: TrainConfig, row: Row) -> float:
    """What one learned token of this row counts."""
    return 1.0 if config.loss_weighting == "token" else 1.0 / max(1, row.learned)


def whole_weight(config: TrainConfig, rows: Sequence[Row], chosen: Sequence[int]) -> float:
    """Loss denominator: the sum of all weights of a step."""
    if config.loss_weighting == "token":
        return float(max(1, sum(rows[i].learned for i in chosen)))
    return float(max(1, sum(rows[i].learned > 0 for i in chosen)))


def collate(config: TrainConfig, rows: Sequence[Row], unit: Unit, pad: int) -> Batch:
    """The tensors of one forward pass."""
    sequences = [[rows[i] for i in unit]] if config.packing else [[rows[i]] for i in unit] or [[]]
    longest = max(2, *(sum(len(row.ids) for row in sequence) for sequence in sequences))
    shape = (len(sequences), -(-longest // _MULTIPLE) * _MULTIPLE)
    ids, targets = torch.full(shape, pad), torch.full(shape, IGNORED)
    weights, positions = torch.zeros(shape), torch.arange(shape[1]).repeat(shape[0], 1)
    for n, sequence in enumerate(sequences):
        start = 0
        for row in sequence:
            end = start + len(row.ids)
            ids[n, start:end] = torch.tensor(row.ids)
            targets[n, start : end - 1] = torch.tensor(row.labels[1:])
            weights[n, start:end] = row_weight(config, row)
            positions[n, start:end] = torch.arange(len(row.ids))
            # What follows (padding, or the next row) begins anew.
            positions[n, end:] = torch.arange(shape[1] - end)
            start = end
        if not config.packing:
            positions[n] = torch.arange(shape[1])
    return Batch(ids=ids, positions=positions, targets=targets, weights=weights)
