"""The input of one forward pass: token ids, positions, cache slots and attention masks of several sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from s1core.engines.hf.kv_cache import LayerShape, Slot, SlotCache


@dataclass(slots=True, eq=False)
class Batch:
    """`width` tokens of each of `rows` sequences, the shorter ones padded on the right."""

    ids: Tensor
    """`[rows, width]`."""
    positions: Tensor
    """`[rows, width]`; 0 for padding."""
    length: int
    """Columns of the cache that the longest row attends to."""
    slots: tuple[int, int] | Tensor
    """A span of slots, or the indices of slots that are not adjacent."""
    mask: Tensor | None
    """`[rows, 1, width, length]`, added to the scores; None: single tokens that all attend to all of `length`."""
    last: Tensor | None
    """Flat index of each row's last token; None when `width` is 1."""
    where: Tensor
    """Flat index of each token's slot and column, `[2, rows * width]`."""
    columns: int
    packed: Tensor | None = None
    """Single tokens alone: `[4, rows]`, all that changes between steps (ids, positions, slots, columns)."""
    _flat: dict[int, Tensor] = field(default_factory=dict[int, Tensor])
    _spread: dict[int, Tensor] = field(default_factory=dict[int, Tensor])

    def flat(self, heads: int) -> Tensor:
        """Rows of a `[slots * heads * columns, dim]` cache that the new tokens are written to."""
        if heads not in self._flat:
            slot, column = self.where.unbind()
            head = torch.arange(heads, device=slot.device)
            self._flat[heads] = ((slot[:, None] * heads + head) * self.columns + column[:, None]).flatten()
        return self._flat[heads]

    def mask_of(self, heads: int) -> Tensor | None:
        """`[rows * heads, 1, length]`: the mask of single tokens, repeated for every head; computed once a step."""
        if self.mask is None:
            return None
        if heads not in self._spread:
            rows = self.mask.shape[0]
            self._spread[heads] = self.mask[:, 0].expand(rows, heads, self.length).reshape(rows * heads, 1, self.length)
        return self._spread[heads]

    def view(self, cached: Tensor) -> Tensor:
        """Return `[rows, heads, length, dim]` of a layer's keys or values."""
        if isinstance(self.slots, tuple):
            return cached[self.slots[0] : self.slots[1], :, : self.length]
        return cached[:, :, : self.length].index_select(0, self.slots)

    def by_head(self, cached: Tensor) -> Tensor:
        """Return `[rows * heads, length, dim]` of a layer's keys or values; a view where the slots are adjacent."""
        _, heads, columns, dim = cached.shape
        if isinstance(self.slots, tuple):
            start, stop = self.slots
            size, stride = ((stop - start) * heads, self.length, dim), (columns * dim, dim, 1)
            return cached.as_strided(size, stride, start * heads * columns * dim)
        return self.view(cached).reshape(-1, self.length, dim)


class Step(Protocol):
    """A forward pass over the slot cache; gives the logits of each row's last token."""

    shapes: tuple[LayerShape, ...]
    at_front: bool
    """Decode batches must begin at slot 0 and have a bucketed number of rows: there are fewer graphs to capture."""

    def __call__(self, batch: Batch, cache: SlotCache) -> Tensor:
        """Run the tokens, write their keys and values, return `[rows, vocabulary]`."""
        ...


def decode_batch(
    cache: SlotCache,
    slots: Sequence[Slot],
    ids: Sequence[int],
    *,
    dtype: torch.dtype,
    device: torch.device,
    at_front: bool = False,
) -> tuple[Batch, list[int]]:
    """One token for each of `slots`; returns the batch and the row of each slot in it.

    Unrelated slots in between get a padding token, which is written to the scratch column and attended to by none.
    With `at_front` the batch has no mask: a CUDA graph computes its own.
    """
    start, stop = cache.pack(slots, at_front=at_front)
    if at_front:
        stop = min(round_number(stop), len(cache.slots))
    count = stop - start
    rows = [slot.index - start for slot in slots]
    fed, positions, columns = [0] * count, [0] * count, [cache.length] * count
    for row, slot, token_id in zip(rows, slots, ids, strict=True):
        fed[row], positions[row], columns[row] = token_id, len(slot.ids), len(slot.ids)
    packed = _on(device, [fed, positions, list(range(start, stop)), columns])
    length = max(positions) + 1
    bare = at_front or min(positions) + 1 == length
    return unpacked(packed, (start, stop), length, cache.length + 1, None if bare else dtype), rows


def round_number(rows: int) -> int:
    """Round up to 1, 2, 3, 4, 6, 8, 12, 16, 24, 32 ...: few buckets, and at most a third of the rows are padding."""
    power = 1 << max(0, (rows - 1).bit_length() - 1)
    return next(n for n in (power, power + power // 2, 2 * power) if n >= rows)


def unpacked(packed: Tensor, span: tuple[int, int], length: int, columns: int, mask_dtype: torch.dtype | None) -> Batch:
    """A decode batch of adjacent slots; without a mask if all of them attend to all of `length`."""
    positions = packed[1][:, None]
    return Batch(
        ids=packed[0][:, None],
        positions=positions,
        length=length,
        slots=span,
        mask=None if mask_dtype is None else _mask(positions, length, mask_dtype),
        last=None,
        where=packed[2:],
        columns=columns,
        packed=packed,
    )


def prefill_batch(
    cache: SlotCache, slots: Sequence[Slot], parts: Sequence[Sequence[int]], *, dtype: torch.dtype, device: torch.device
) -> Batch:
    """Several tokens for each of `slots`."""
    width = max(len(part) for part in parts)
    ids, positions, columns, last = list[int](), list[int](), list[int](), list[int]()
    for row, (slot, part) in enumerate(zip(slots, parts, strict=True)):
        padding, start = [0] * (width - len(part)), len(slot.ids)
        stands = list(range(start, start + len(part)))
        ids += [*part, *padding]
        positions += stands + padding
        columns += stands + [cache.length] * len(padding)
        last.append(row * width + len(part) - 1)
    indices = [slot.index for slot in slots]
    packed = _on(device, [ids, positions, [i for i in indices for _ in range(width)], columns])
    where = packed.view(4, len(slots), width)
    neighbours = indices == list(range(indices[0], indices[0] + len(indices)))
    length = max(positions) + 1
    return Batch(
        ids=where[0],
        positions=where[1],
        length=length,
        slots=(indices[0], indices[-1] + 1) if neighbours else torch.tensor(indices, device=device),
        mask=_mask(where[1], length, dtype),
        last=torch.tensor(last, device=device),
        where=packed[2:],
        columns=cache.length + 1,
    )


def _on(device: torch.device, numbers: list[list[int]]) -> Tensor:
    """Put numbers on a device; a GPU copies them from pinned memory asynchronously."""
    on_gpu = device.type == "cuda"
    return torch.tensor(numbers, pin_memory=on_gpu).to(device, non_blocking=on_gpu)


def _mask(positions: Tensor, length: int, dtype: torch.dtype) -> Tensor:
    hidden = torch.arange(length, device=positions.device) > positions[..., None]
    return torch.zeros(hidden.shape, dtype=dtype, device=positions.device).masked_fill_(hidden, -torch.inf)[:, None]
