"""The KV cache: slots of equal length, each holding the keys and values of one text, live or finished.

A finished sequence stays cached until its slot is needed, so that continuing or forking it computes only what is new.
The tensors grow in powers of two. Under the memory cap the eviction order is: finished sequences, least recently used
first; then live ones, which the scheduler preempts and computes again when there is room.

A failed allocation changes nothing but the cap, which stays lower until no request is live. Where old and new tensors
do not fit side by side, they are replaced layer by layer; a failure in the middle of that empties the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import torch
from torch import Tensor

from s1core.engines.hf.device_errors import is_out_of_memory

FIRST_SLOTS = 4
FIRST_LENGTH = 256
MIN_CACHED = 4
"""Finished sequences for which new slots are allocated; with more live requests than this, as many as are live."""


@dataclass(frozen=True, slots=True)
class LayerShape:
    """Keys and values of one layer."""

    heads: int
    key_dim: int
    value_dim: int


@dataclass(slots=True, eq=False)
class Slot:
    """One row of the cache."""

    index: int
    ids: list[int] = field(default_factory=list[int])
    """Tokens whose keys and values the slot holds."""
    tail: tuple[int, ...] = ()
    """The last token that a finished request sampled; its keys and values were never computed."""
    live: bool = False
    used: int = 0


@dataclass(frozen=True, slots=True)
class Allocation:
    """A slot for a prompt, with the part of it that is already cached."""

    slot: Slot
    computed: int
    """Prompt tokens that are still to be prefilled.

    The tail of a sequence that is continued in place does not count: its forward pass belongs to the decoding that
    sampled it and was deferred.
    """
    reused: int


class TextsLost(RuntimeError):
    """Memory ran out in the middle of a resize: the cache is empty, and every allocated slot is invalid."""


class Placement(TypedDict):
    """Where tensors live."""

    dtype: torch.dtype
    device: torch.device


class SlotCache:
    """Keys and values of all layers, `[slots, heads, length, dim]` each, and what text each slot holds."""

    def __init__(
        self,
        shapes: Sequence[LayerShape],
        *,
        dtype: torch.dtype,
        device: torch.device,
        max_slots: int,
        max_length: int,
        max_bytes: int,
    ) -> None:
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self.slots: list[Slot] = []
        self.length = 0
        """Tokens that fit a slot. The tensors are one column longer; padding is written to that scratch column."""
        self._shapes = tuple(shapes)
        self.placement: Placement = {"dtype": dtype, "device": device}
        self._max_slots = max_slots
        self._max_length = max_length
        self._max_bytes = max_bytes
        self._cap = max_bytes
        """At most `max_bytes`; less once an allocation has failed, until no request is live."""
        self._token_bytes = sum(s.heads * (s.key_dim + s.value_dim) for s in shapes) * dtype.itemsize
        self._clock = 0

    @property
    def bytes(self) -> int:
        """Memory of the tensors."""
        return self._size(len(self.slots), self.length)

    def claim(self, prompt: Sequence[int]) -> Allocation | None:
        """Take a slot for `prompt` with the longest prefix that any slot has; None if all slots are live."""
        if not any(slot.live for slot in self.slots):
            self._cap = self._max_bytes
        best, common = self.longest_prefix(prompt)
        if best is not None and not best.live and common == len(best.ids):
            claim = _continue(best, prompt)
        else:
            slot = self._vacant(keep=best)
            if slot is None:
                return None
            self._fork(best, slot, common)
            claim = Allocation(slot, computed=len(prompt) - common, reused=common)
        claim.slot.live, claim.slot.tail = True, ()
        self._touch(claim.slot)
        return claim

    def longest_prefix(self, prompt: Sequence[int]) -> tuple[Slot | None, int]:
        """Return the slot with most of the beginning of `prompt`; never all, for the last token gives the logits."""
        best, common = None, 0
        for slot in self.slots:
            # At equal length a finished slot that can be continued in place wins over one that must be copied.
            length = common_prefix(slot.ids, prompt, len(prompt) - 1)
            if length > common or (best is not None and length == common > 0 and _in_place(slot, length, best)):
                best, common = slot, length
        return best, common

    def release(self, slot: Slot, tail: Sequence[int] = ()) -> None:
        """Mark a slot as finished; its keys and values stay cached."""
        slot.live, slot.tail = False, tuple(tail)
        self._touch(slot)

    def forget(self, slot: Slot) -> None:
        """Free a slot and drop its keys and values, which may be corrupt."""
        slot.live, slot.tail, slot.ids = False, (), []

    def clear(self) -> None:
        """Free all memory."""
        self.keys, self.values, self.slots, self.length = [], [], [], 0

    def ensure_length(self, length: int) -> bool:
        """Make slots at least `length` long; False if memory allows that only with fewer live requests.

        Raises:
            RuntimeError, MemoryError: there is no memory even for one request; nothing has changed.
            TextsLost: memory ran out in the middle.
        """
        if length <= self.length:
            return True
        wanted = min(_power_of_two(length), max(self._max_length, length))
        while True:
            size = max(len(self.slots), 1)
            while size > 1 and self._size(size, wanted) > self._cap:
                size -= 1
            if sum(slot.live for slot in self.slots) > size:
                return False
            if self._resized(self._worth_keeping(size), size, wanted):
                return True

    def pack(self, slots: Sequence[Slot], *, at_front: bool = False) -> tuple[int, int]:
        """Make `slots` neighbours, or nearly so, and return their span; decoding works on a view of it.

        Tolerates a few unrelated slots in the span rather than copying KV on every batch change; `at_front`: none.
        """
        indices = sorted(slot.index for slot in slots)
        count = len(indices)
        if not at_front and indices[-1] - indices[0] + 1 <= count + max(1, count // 4):
            return indices[0], indices[-1] + 1
        last_start = 0 if at_front else len(self.slots) - count
        start = max({min(i, last_start) for i in indices}, key=lambda s: sum(s <= i < s + count for i in indices))
        taken = set(indices)
        holes = [i for i in range(start, start + count) if i not in taken]
        for index, hole in zip([i for i in indices if not start <= i < start + count], holes, strict=True):
            self._swap(self.slots[index], self.slots[hole])
        return start, start + count

    def _touch(self, slot: Slot) -> None:
        self._clock += 1
        slot.used = self._clock

    def _vacant(self, keep: Slot | None) -> Slot | None:
        empty = next((s for s in self.slots if not s.live and not s.ids), None)
        if empty is not None:
            return empty
        finished = [s for s in self.slots if not s.live]
        few = len(finished) < max(MIN_CACHED, len(self.slots) - len(finished))
        if (few or not finished) and self._grow():
            return next(s for s in self.slots if not s.live and not s.ids)
        others = [s for s in finished if s is not keep] or finished
        return min(others, key=lambda s: s.used, default=None)

    def _grow(self) -> bool:
        """Make more slots; False if there can be none."""
        length = self.length or min(FIRST_LENGTH, self._max_length)
        while True:
            size = min(max(2 * len(self.slots), FIRST_SLOTS), self._max_slots)
            while size > max(len(self.slots), 1) and self._size(size, length) > self._cap:
                size -= 1
            if size <= len(self.slots):
                return False
            if self._resized(self.slots, size, length):
                return True

    def _worth_keeping(self, size: int) -> list[Slot]:
        """The live slots and the most recently used of the others."""
        best = sorted(self.slots, key=lambda s: (s.live, s.used), reverse=True)[:size]
        return sorted(best, key=lambda s: s.index)

    def _resized(self, kept: list[Slot], size: int, length: int) -> bool:
        """Resize; False if memory does not suffice, but may for fewer slots: the cap is lowered.

        Raises:
            RuntimeError, MemoryError, TextsLost: as `ensure_length`.
        """
        try:
            self._resize(kept, size, length)
        except Exception as error:
            if size == 1 or not is_out_of_memory(error):
                raise
            self._cap = min(self.bytes, self._size(size, length) // 2)
            return False
        return True

    def _resize(self, kept: list[Slot], size: int, length: int) -> None:
        written = max((len(s.ids) for s in kept), default=0)
        order = [s.index for s in kept]

        def resized(layer: int) -> tuple[Tensor, Tensor]:
            shape = self._shapes[layer]
            pair: list[Tensor] = []
            for tensors, dim in ((self.keys, shape.key_dim), (self.values, shape.value_dim)):
                # Zeros, not garbage: a masked NaN still poisons a softmax.
                fresh = torch.zeros((size, shape.heads, length + 1, dim), **self.placement)
                if written:
                    fresh[: len(order), :, :written] = tensors[layer][order, :, :written]
                pair.append(fresh)
            return pair[0], pair[1]

        layers = range(len(self._shapes))
        if not self.keys or self.bytes + self._size(size, length) <= self._max_bytes:
            fresh = [resized(layer) for layer in layers]
            self.keys, self.values = [pair[0] for pair in fresh], [pair[1] for pair in fresh]
        else:
            self._replace(resized)
        for index, slot in enumerate(kept):
            slot.index = index
        self.slots = kept + [Slot(index) for index in range(len(kept), size)]
        self.length = length

    def _replace(self, resized: Callable[[int], tuple[Tensor, Tensor]]) -> None:
        """Replace one layer at a time, so that old and new do not both need room in full."""
        for layer in range(len(self._shapes)):
            try:
                self.keys[layer], self.values[layer] = resized(layer)
            except Exception as error:
                if layer == 0:
                    raise
                self.clear()
                raise TextsLost("memory ran out while the KV cache was resized") from error

    def _fork(self, source: Slot | None, target: Slot, length: int) -> None:
        ids = source.ids[:length] if source is not None else []
        if source is not None and source is not target and length:
            self._touch(source)
            target.ids = []  # empty until the copy is complete
            for tensor in (*self.keys, *self.values):
                tensor[target.index, :, :length] = tensor[source.index, :, :length]
        target.ids = ids

    def _swap(self, a: Slot, b: Slot) -> None:
        length = max(len(a.ids), len(b.ids))
        tensors = (*self.keys, *self.values)
        # Allocated once, before anything changes; copies between slots need no memory of their own.
        largest = max(tensor[a.index, :, :length].numel() for tensor in tensors)
        spare = torch.empty(largest, **self.placement)
        for tensor in tensors:
            left, right = tensor[a.index, :, :length], tensor[b.index, :, :length]
            held = spare[: left.numel()].view(left.shape)
            held.copy_(left)
            left.copy_(right)
            right.copy_(held)
        a.index, b.index = b.index, a.index
        self.slots[a.index], self.slots[b.index] = a, b

    def _size(self, slots: int, length: int) -> int:
        return slots * (length + 1) * self._token_bytes


def common_prefix(a: Sequence[int], b: Sequence[int], limit: int) -> int:
    """Length of the common prefix of two lists, at most `limit`; halving, so that C compares the bulk."""
    low, high = 0, min(len(a), len(b), limit)
    while low < high:
        middle = (low + high + 1) // 2
        if list(a[low:middle]) == list(b[low:middle]):
            low = middle
        else:
            high = middle - 1
    return low


def _in_place(slot: Slot, length: int, best: Slot) -> bool:
    return not slot.live and len(slot.ids) == length and (best.live or len(best.ids) != length)


def _continue(slot: Slot, prompt: Sequence[int]) -> Allocation:
    known = len(slot.ids)
    tail = slot.tail
    if tail and tuple(prompt[known : known + len(tail)]) == tail:
        known += len(tail)
    return Allocation(slot, computed=len(prompt) - known, reused=known)


def _power_of_two(n: int) -> int:
    return 1 << (n - 1).bit_length()
