"""Continuous batching: one thread owns the model and runs one forward pass for all live sequences in every step.

A sequence joins at the beginning of a step and leaves at the end of one. Prefill is chunked, so that decoding sequences
keep streaming; a chunk is a forward pass of its own, shared by several prompts where they fit. The few tokens of a
forced Wait are not worth a pass: they piggyback on the decode steps of other sequences, one token a step.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

import torch
from torch import Tensor

from s1core.engines.base import Chunk
from s1core.engines.hf import device_errors
from s1core.engines.hf.batch import Step, decode_batch, prefill_batch
from s1core.engines.hf.kv_cache import SlotCache, TextsLost, common_prefix
from s1core.engines.hf.sampler import Sampler
from s1core.engines.hf.sequence import Sequence
from s1core.errors import EngineFailed

log = logging.getLogger(__name__)

MIN_SHARED_PREFIX = 16
"""Tokens in common with a prompt that is being prefilled, from which on copying its KV later is cheaper."""
MAX_PIGGYBACK_TOKENS = 8
"""Prompt tokens that are run with the decode steps of others, one a step, rather than by a prefill of their own."""
MIN_DECODING_ROWS = 3
"""Decoding sequences from which on piggybacking pays: one row more costs about a tenth of a pass of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineStats:
    """A snapshot of the scheduler."""

    live: int
    """Requests that decode or prefill."""
    waiting: int
    """Requests that have no slot yet."""
    slots: int
    free: int
    """Slots without a live request; their keys and values stay cached until the slots are needed."""
    length: int
    """Tokens that fit a slot."""
    cache_bytes: int
    turns: int
    """Forward passes so far."""


class Worker:
    """Runs requests in its own thread until `stop`."""

    def __init__(
        self, step: Step, cache: SlotCache, sampler: Sampler, *, max_live: int, prefill_tokens: int, threads: int
    ) -> None:
        self._step: Step | None = step
        self._cache = cache
        self._sampler = sampler
        self._max_live = max_live
        self._prefill_tokens = prefill_tokens
        self._threads = threads
        # On CUDA, deliver tokens after launching the next forward pass, so that consumers' Python overlaps GPU work.
        # A CPU computes in this thread, so there is nothing to overlap.
        self._delivers_late = cache.placement["device"].type == "cuda"
        self._undelivered: list[tuple[Sequence, Chunk]] = []
        self._changed = threading.Condition()
        self._waiting: list[Sequence] = []
        self._live: list[Sequence] = []
        self._turns = 0
        self._stopped = False
        self.dead = False
        """The thread ended without a call of `stop`: the GPU is lost, or the scheduler itself failed."""
        self._thread = threading.Thread(target=self._run, name="s1-engine", daemon=True)
        self._thread.start()

    @property
    def stats(self) -> EngineStats:
        """A snapshot; safe from any thread."""
        live = sum(seq.slot is not None for seq in list(self._live))
        slots = len(self._cache.slots)
        return EngineStats(
            live=live,
            waiting=len(self._waiting),
            slots=slots,
            free=slots - live,
            length=self._cache.length,
            cache_bytes=self._cache.bytes,
            turns=self._turns,
        )

    def submit(self, seq: Sequence) -> None:
        """Queue a sequence.

        Raises:
            EngineFailed: the engine is closed.
        """
        with self._changed:
            if self._stopped:
                raise self._ended()
            self._waiting.append(seq)
            self._changed.notify()

    def stop(self) -> None:
        """Fail all requests, free the model and end the thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=30)

    @torch.inference_mode()
    def _run(self) -> None:
        torch.set_num_threads(self._threads)
        # Attention weights of distant tokens are denormals, which slow a CPU down several times. This thread only.
        torch.set_flush_denormal(True)
        try:
            while not self.dead:
                with self._changed:
                    self._changed.wait_for(lambda: self._stopped or self._waiting or self._live)
                    if self._stopped:
                        return
                try:
                    self._turn()
                except Exception as error:
                    log.exception("the engine's turn failed")
                    self._fail(self._live, error)
        finally:
            self._end()

    def _end(self) -> None:
        """Fail whatever is left and free the memory, whether the engine was closed or died."""
        with self._changed:
            self.dead, self._stopped = not self._stopped, True
            seqs = [*self._live, *self._waiting]
            self._live, self._waiting, self._step = [], [], None
        self._deliver()
        for seq in seqs:
            seq.stream.put(self._ended())
        self._cache.clear()

    def _ended(self) -> EngineFailed:
        if self.dead:
            return EngineFailed("the engine failed and cannot go on; load it again (on the page: press Run)")
        return EngineFailed("the engine was closed; load it again with load_engine to go on")

    def _turn(self) -> None:
        self._drop_cancelled()
        self._admit()
        single = MAX_PIGGYBACK_TOKENS if sum(seq.left == 1 for seq in self._live) >= MIN_DECODING_ROWS else 1
        self._advance(self._prefilling(more_than=single))
        decoding = [seq for seq in self._live if 1 <= seq.left <= single]
        # In the order of their slots, so that the logits need no sorting.
        self._advance(sorted(decoding, key=lambda seq: seq.slot.index if seq.slot else 0), most=1)
        if not self._live:
            self._deliver()

    def _drop_cancelled(self) -> None:
        for seq in [seq for seq in self._live if seq.cancelled]:
            self._leave(seq)
        with self._changed:
            self._waiting = [seq for seq in self._waiting if not seq.cancelled]

    def _admit(self) -> None:
        for seq in list(self._waiting):
            if len(self._live) >= self._max_live:
                return
            if self._about_to_be_cached(seq):
                continue
            try:
                claim = self._cache.claim(seq.ids)
            except Exception as error:
                self._fail([seq], error)
                continue
            if claim is None:
                return
            seq.slot = claim.slot
            if not seq.begun:
                seq.computed, seq.reused = claim.computed, claim.reused
            self._live.append(seq)
            with self._changed:
                self._waiting.remove(seq)

    def _about_to_be_cached(self, seq: Sequence) -> bool:
        """Whether a prompt under way shares so much that copying it later beats prefilling it twice."""
        common = max((common_prefix(r.ids, seq.ids, len(seq.ids) - 1) for r in self._live if r.left > 1), default=0)
        return common >= MIN_SHARED_PREFIX and common - self._cache.longest_prefix(seq.ids)[1] >= MIN_SHARED_PREFIX

    def _prefilling(self, *, more_than: int) -> list[Sequence]:
        """Choose the sequences whose prompts are prefilled together, in order of arrival."""
        chosen: list[Sequence] = []
        width = 0
        for seq in self._live:
            wider = max(width, min(seq.left, self._prefill_tokens))
            if seq.left > more_than and wider * (len(chosen) + 1) <= self._prefill_tokens:
                chosen.append(seq)
                width = wider
        for seq in chosen:
            # To the back of the queue, so that a long prompt does not block short ones behind it.
            self._live.remove(seq)
            self._live.append(seq)
        return chosen

    def _advance(self, seqs: list[Sequence], *, most: int | None = None) -> None:
        """Run one forward pass for `seqs`, `most` tokens of each, and sample for those with nothing left to prefill."""
        try:
            seqs = self._with_room(seqs)
            if seqs:
                logits = self._forward(seqs, most or self._prefill_tokens)
                self._deliver()
                self._sample(seqs, logits)
        except Exception as error:
            log.exception("a forward pass failed")
            self._fail(seqs, error)

    def _sample(self, seqs: list[Sequence], logits: Tensor) -> None:
        ready = [n for n, seq in enumerate(seqs) if seq.left == 0]
        if not ready:
            return
        if len(ready) < len(seqs):
            seqs, logits = [seqs[n] for n in ready], logits[ready]
        picked = self._sampler.pick(logits, [seq.draw() for seq in seqs])
        asked = [n for n, seq in enumerate(seqs) if seq.request.logprobs]
        values = self._sampler.log_probabilities(logits[asked], [picked[n] for n in asked]) if asked else []
        logprobs = {n: (value,) for n, value in zip(asked, values, strict=True)}
        for n, (seq, token_id) in enumerate(zip(seqs, picked, strict=True)):
            chunk = seq.take(token_id, logprobs.get(n, ()))
            if chunk.finish is not None:
                self._leave(seq)
            self._undelivered.append((seq, chunk))
        if not self._delivers_late:
            self._deliver()

    def _deliver(self) -> None:
        """Put sampled tokens into their streams; cancel the sequences whose consumers are gone."""
        undelivered, self._undelivered = self._undelivered, []
        for seq, chunk in undelivered:
            if not seq.stream.put(chunk):
                seq.cancelled = True

    def _with_room(self, seqs: list[Sequence]) -> list[Sequence]:
        """Grow the slots to fit all; where memory does not allow it, preempt the newest sequence and queue it again."""
        while seqs:
            longest = max(len(r.ids) - r.left + min(r.left, self._prefill_tokens) for r in seqs)
            if self._cache.ensure_length(longest):
                break
            newest = max(self._live, key=lambda seq: seq.number)
            seqs = [seq for seq in seqs if seq is not newest]
            self._leave(newest)
            newest.slot = None
            with self._changed:
                self._waiting.insert(0, newest)
        return seqs

    def _forward(self, seqs: list[Sequence], most: int) -> Tensor:
        assert self._step is not None
        self._turns += 1
        slots = [seq.slot for seq in seqs if seq.slot is not None]
        parts = [r.ids[len(s.ids) : len(s.ids) + most] for r, s in zip(seqs, slots, strict=True)]
        if all(len(part) == 1 for part in parts):
            batch, order = decode_batch(
                self._cache, slots, [part[0] for part in parts], **self._cache.placement, at_front=self._step.at_front
            )
            logits = self._step(batch, self._cache)
            logits = logits[: len(order)] if order == list(range(len(order))) else logits[order]
        else:
            logits = self._step(prefill_batch(self._cache, slots, parts, **self._cache.placement), self._cache)
        for slot, part in zip(slots, parts, strict=True):
            slot.ids += part
        return logits

    def _leave(self, seq: Sequence) -> None:
        """Free the slot; its keys and values stay in the prefix cache."""
        self._live.remove(seq)
        if seq.slot is not None:
            self._cache.release(seq.slot, tail=seq.ids[len(seq.slot.ids) :] if seq.left == 1 else ())

    def _fail(self, seqs: list[Sequence], error: Exception) -> None:
        """End these requests; what they left in the cache may be corrupt and is dropped."""
        self._deliver()
        message = f"the model's forward pass failed ({type(error).__name__}: {error}); the engine itself goes on"
        if device_errors.is_lost(self._cache.placement["device"]):
            self.dead, seqs = True, [*self._live, *seqs]
            message = f"the GPU failed ({_first_line(error)}) and is lost to this process; start the program again"
        elif isinstance(error, TextsLost) or device_errors.is_out_of_memory(error):
            seqs = [*self._live, *seqs] if isinstance(error, TextsLost) else seqs
            message = (
                "the memory for this run is spent; ask for a smaller budget or fewer runs at once, the engine goes on"
            )
        for seq in dict.fromkeys(seqs):
            if seq in self._live:
                self._live.remove(seq)
            with self._changed:
                self._waiting = [other for other in self._waiting if other is not seq]
            if seq.slot is not None:
                self._cache.forget(seq.slot)
            seq.stream.put(EngineFailed(message))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
