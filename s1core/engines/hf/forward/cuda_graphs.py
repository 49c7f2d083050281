"""Decoding on a GPU as recorded CUDA graphs: hundreds of small kernels started by one call.

With one sequence, a GPU finishes a layer sooner than Python can launch the next. A CUDA graph replays the whole
forward pass, but only over the same memory, so one is captured for every bucket of rows (from slot 0 on), every bucket
of lengths (the rest is masked) and every cache. Prefill runs without graphs.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from s1core.engines.hf.batch import Batch, Step, unpacked
from s1core.engines.hf.kv_cache import LayerShape, SlotCache

log = logging.getLogger(__name__)

Key = tuple[int, int, int]
"""First slot, slot after the last, columns attended to."""
Recorder = Callable[[Callable[[], Tensor]], tuple[Callable[[], None], Tensor]]
"""Captures a computation over fixed memory; returns its replay and the tensor that every replay fills."""

PATIENCE = 2
"""Steps with one key before a graph is captured: a capture takes as long as a few steps."""
MOST = 32
"""Graphs that are kept; each holds the memory of its intermediate results."""
FIRST_BUCKET = 256


@dataclass(frozen=True, slots=True)
class _Recording:
    packed: Tensor
    replay: Callable[[], None]
    logits: Tensor


class CudaGraphStep:
    """A `Step` that captures the decode steps of another one, and replays them."""

    at_front = True

    def __init__(self, step: Step, record: Recorder, *, patience: int = PATIENCE) -> None:
        self._step = step
        self._record = record
        self._patience = patience
        self._seen = Counter[Key]()
        self._recordings = OrderedDict[Key, _Recording]()
        self._memory: Tensor | None = None
        """A tensor of the captured cache; the cache has other tensors once it has grown."""
        self._works = True
        self.shapes: tuple[LayerShape, ...] = step.shapes
        self.replays = 0
        """Replayed steps."""

    def __call__(self, batch: Batch, cache: SlotCache) -> Tensor:
        """Run the tokens, write their keys and values, return `[rows, vocabulary]`; valid until the next call."""
        if batch.packed is None or not isinstance(batch.slots, tuple):
            return self._step(batch, cache)
        if not self._works:
            return self._unrecorded(batch.packed, batch.slots, batch.length, cache)
        if self._memory is not cache.keys[0]:
            self._forget(cache)
        key = (*batch.slots, min(bucket(batch.length), cache.length))
        recording = self._recordings.get(key)
        if recording is None:
            self._seen[key] += 1
            waits = self._seen[key] <= self._patience
            recording = None if waits else self._recorded(key, batch.packed, cache)
            if recording is None:
                return self._unrecorded(batch.packed, batch.slots, batch.length, cache)
        self._recordings.move_to_end(key)
        recording.packed.copy_(batch.packed)
        recording.replay()
        self.replays += 1
        return recording.logits

    def _unrecorded(self, packed: Tensor, span: tuple[int, int], length: int, cache: SlotCache) -> Tensor:
        return self._step(unpacked(packed, span, length, cache.length + 1, cache.placement["dtype"]), cache)

    def _recorded(self, key: Key, packed: Tensor, cache: SlotCache) -> _Recording | None:
        start, stop, length = key
        fixed = packed.clone()

        def work() -> Tensor:
            return self._unrecorded(fixed, (start, stop), length, cache)

        try:
            recording = _Recording(fixed, *self._record(work))
        except RuntimeError as error:
            # Slower, not wrong: what cannot be captured here still runs.
            log.warning("decoding is not recorded as CUDA graphs: %s", error)
            self._works = False
            self._recordings.clear()
            return None
        self._recordings[key] = recording
        if len(self._recordings) > MOST:
            self._recordings.popitem(last=False)
        return recording

    def _forget(self, cache: SlotCache) -> None:
        self._memory = cache.keys[0]
        self._recordings.clear()
        self._seen.clear()


def bucket(length: int) -> int:
    """Round up, so that a growing sequence needs few graphs, and less than a quarter of the columns is masked.

    From 1,024 tokens on, buckets are quarters of a power of two.
    """
    if length <= FIRST_BUCKET:
        return FIRST_BUCKET
    quarter = max(FIRST_BUCKET, 1 << ((length - 1).bit_length() - 3))
    return -(-length // quarter) * quarter


class CudaRecorder:
    """Captures on its own CUDA stream, while other threads may use the device."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()

    def __call__(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        """Record `work`.

        Raises:
            RuntimeError: something in it cannot be recorded, or memory is short.
        """
        graph = torch.cuda.CUDAGraph()
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            work()  # what libraries set up at their first call must not be recorded
            self._stream.synchronize()
            graph.capture_begin(capture_error_mode="thread_local")
            try:
                logits = work()
            finally:
                graph.capture_end()
        torch.cuda.current_stream().wait_stream(self._stream)
        return graph.replay, logits
