"""What one forward pass gets: tokens of several rows, where they stand, and what each may look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from s1core.engines.slots import LayerShape, Slot, SlotCache


@dataclass(slots=True, eq=False)
class Feed:
    """`rows` texts of `width` tokens each, the shorter ones padded on the right."""

    ids: Tensor
    """`[rows, width]`."""
    positions: Tensor
    """`[rows, width]`; the padding stands at 0."""
    length: int
    """How far into the slots any of the rows looks."""
    slots: tuple[int, int] | Tensor
    """A span of the cache, or the indices of rows that are not neighbours."""
    mask: Tensor | None
    """`[rows, 1, width, length]`, added to the scores; None: single tokens that all see all of `length`."""
    last: Tensor | None
    """Flat index of each row's last token; None when `width` is 1."""
    where: Tensor
    """Flat index of each token's slot and column, `[2, rows * width]`."""
    columns: int
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
        """`[rows * heads, 1, length]`: the mask of single tokens, repeated for every head; worked out once a turn."""
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


class Step(Protocol):
    """A forward pass over the slot cache; gives the logits of each row's last token."""

    shapes: tuple[LayerShape, ...]

    def __call__(self, feed: Feed, cache: SlotCache) -> Tensor:
        """Run the tokens, write their keys and values, return `[rows, vocabulary]`."""
        ...


def decode_feed(
    cache: SlotCache, slots: Sequence[Slot], ids: Sequence[int], *, dtype: torch.dtype, device: torch.device
) -> tuple[Feed, list[int]]:
    """One token for each of `slots`; returns the feed and which of its rows belongs to which slot.

    Slots in between that take no part are fed a token that is written to the scratch column and seen by nobody.
    """
    start, stop = cache.pack(slots)
    count = stop - start
    rows = [slot.index - start for slot in slots]
    fed, positions, columns = [0] * count, [0] * count, [cache.length] * count
    for row, slot, token_id in zip(rows, slots, ids, strict=True):
        fed[row], positions[row], columns[row] = token_id, len(slot.ids), len(slot.ids)
    packed = torch.tensor([fed, positions, list(range(start, stop)), columns], device=device)
    length = max(positions) + 1
    mask = None if min(positions) + 1 == length else _mask(packed[1][:, None], length, dtype)
    feed = Feed(
        ids=packed[0][:, None],
        positions=packed[1][:, None],
        length=length,
        slots=(start, stop),
        mask=mask,
        last=None,
        where=packed[2:],
        columns=cache.length + 1,
    )
    return feed, rows


def prefill_feed(
    cache: SlotCache, slots: Sequence[Slot], parts: Sequence[Sequence[int]], *, dtype: torch.dtype, device: torch.device
) -> Feed:
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
    packed = torch.tensor([ids, positions, [i for i in indices for _ in range(width)], columns], device=device)
    where = packed.view(4, len(slots), width)
    neighbours = indices == list(range(indices[0], indices[0] + len(indices)))
    length = max(positions) + 1
    return Feed(
        ids=where[0],
        positions=where[1],
        length=length,
        slots=(indices[0], indices[-1] + 1) if neighbours else torch.tensor(indices, device=device),
        mask=_mask(where[1], length, dtype),
        last=torch.tensor(last, device=device),
        where=packed[2:],
        columns=cache.length + 1,
    )


def _mask(positions: Tensor, length: int, dtype: torch.dtype) -> Tensor:
    hidden = torch.arange(length, device=positions.device) > positions[..., None]
    return torch.zeros(hidden.shape, dtype=dtype, device=positions.device).masked_fill_(hidden, -torch.inf)[:, None]
