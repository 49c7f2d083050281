"""The thread that owns the model: every turn, one forward pass for all live requests.

A request joins at the beginning of any turn and leaves at the end of any. A prompt is prefilled in parts, so that those
who are already reading do not stall; each part is a forward pass of its own, shared by several prompts if they fit. The
few tokens of a forced Wait are not worth one: they go along with the tokens that others decode, one a turn.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from s1core.engines.base import Chunk
from s1core.engines.hf import device_errors
from s1core.engines.hf.batch import Step, decode_feed, prefill_feed
from s1core.engines.hf.kv_cache import SlotCache, TextsLost, common_prefix
from s1core.engines.hf.rows import Row
from s1core.engines.hf.sampler import Sampler
from s1core.errors import EngineFailed

log = logging.getLogger(__name__)

WORTH_WAITING = 16
"""Prompt tokens that another request is about to prefill: from here on it is better to copy them afterwards."""

GO_ALONG = 8
"""Prompt tokens that are run one a turn, in company, rather than by a forward pass of their own."""
COMPANY = 3
"""Rows that decode; to a pass for so many, another row adds about a tenth of the cost of a pass of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineStats:
    """What the engine is doing right now."""

    live: int
    """Requests that decode or prefill."""
    waiting: int
    """Requests that have no slot yet."""
    slots: int
    free: int
    """Slots without a live request; their texts are kept for reuse until the slots are needed."""
    length: int
    """Tokens that fit a slot."""
    cache_bytes: int
    turns: int
    """Forward passes so far."""


class Worker:
    """Runs requests in a thread of its own until `stop`."""

    def __init__(
        self, step: Step, cache: SlotCache, sampler: Sampler, *, max_live: int, prefill_tokens: int, threads: int
    ) -> None:
        self._step: Step | None = step
        self._cache = cache
        self._sampler = sampler
        self._max_live = max_live
        self._prefill_tokens = prefill_tokens
        self._threads = threads
        # A GPU computes by itself once it was told to: what was sampled is told while it is at the next tokens, for
        # readers take the interpreter from this thread. A CPU computes in this thread, so they are told at once.
        self._tells_late = cache.placement["device"].type == "cuda"
        self._untold: list[tuple[Row, Chunk]] = []
        self._changed = threading.Condition()
        self._waiting: list[Row] = []
        self._live: list[Row] = []
        self._turns = 0
        self._stopped = False
        self.dead = False
        """The thread ended although nobody called `stop`: the GPU is lost, or the scheduler itself failed."""
        self._thread = threading.Thread(target=self._run, name="s1-engine", daemon=True)
        self._thread.start()

    @property
    def stats(self) -> EngineStats:
        """A snapshot; safe from any thread."""
        live = sum(row.slot is not None for row in list(self._live))
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

    def submit(self, row: Row) -> None:
        """Put a request in line.

        Raises:
            EngineFailed: the engine is closed.
        """
        with self._changed:
            if self._stopped:
                raise self._ended()
            self._waiting.append(row)
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
        # Attention to far tokens is tiny numbers, on which a CPU is several times slower; of this thread alone.
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
            rows = [*self._live, *self._waiting]
            self._live, self._waiting, self._step = [], [], None
        self._tell()
        for row in rows:
            row.outbox.put(self._ended())
        self._cache.clear()

    def _ended(self) -> EngineFailed:
        if self.dead:
            return EngineFailed("the engine failed and cannot go on; load it again (on the page: press Run)")
        return EngineFailed("the engine was closed; load it again with load_engine to go on")

    def _turn(self) -> None:
        self._drop_cancelled()
        self._admit()
        single = GO_ALONG if sum(row.left == 1 for row in self._live) >= COMPANY else 1
        self._advance(self._prefilling(more_than=single))
        decoding = [row for row in self._live if 1 <= row.left <= single]
        # In the order of their slots, so that the logits need no sorting.
        self._advance(sorted(decoding, key=lambda row: row.slot.index if row.slot else 0), most=1)
        if not self._live:
            self._tell()

    def _drop_cancelled(self) -> None:
        for row in [row for row in self._live if row.cancelled]:
            self._leave(row)
        with self._changed:
            self._waiting = [row for row in self._waiting if not row.cancelled]

    def _admit(self) -> None:
        for row in list(self._waiting):
            if len(self._live) >= self._max_live:
                return
            if self._about_to_be_cached(row):
                continue
            try:
                claim = self._cache.claim(row.ids)
            except Exception as error:
                self._fail([row], error)
                continue
            if claim is None:
                return
            row.slot = claim.slot
            if not row.begun:
                row.computed, row.reused = claim.computed, claim.reused
            self._live.append(row)
            with self._changed:
                self._waiting.remove(row)

    def _about_to_be_cached(self, row: Row) -> bool:
        """Tell whether a prompt under way shares so much that copying it later beats prefilling it twice."""
        common = max((common_prefix(r.ids, row.ids, len(row.ids) - 1) for r in self._live if r.left > 1), default=0)
        return common >= WORTH_WAITING and common - self._cache.longest_prefix(row.ids)[1] >= WORTH_WAITING

    def _prefilling(self, *, more_than: int) -> list[Row]:
        """Choose rows whose prompts go through the model together, in the order in which they came."""
        chosen: list[Row] = []
        width = 0
        for row in self._live:
            wider = max(width, min(row.left, self._prefill_tokens))
            if row.left > more_than and wider * (len(chosen) + 1) <= self._prefill_tokens:
                chosen.append(row)
                width = wider
        for row in chosen:
            # Back of the line, so that a long prompt does not keep the short ones behind it waiting.
            self._live.remove(row)
            self._live.append(row)
        return chosen

    def _advance(self, rows: list[Row], *, most: int | None = None) -> None:
        """Run one forward pass for `rows`, `most` tokens of each, and sample for those whose text is complete."""
        try:
            rows = self._with_room(rows)
            if rows:
                logits = self._forward(rows, most or self._prefill_tokens)
                self._tell()
                self._sample(rows, logits)
        except Exception as error:
            log.exception("a forward pass failed")
            self._fail(rows, error)

    def _sample(self, rows: list[Row], logits: Tensor) -> None:
        ready = [n for n, row in enumerate(rows) if row.left == 0]
        if not ready:
            return
        if len(ready) < len(rows):
            rows, logits = [rows[n] for n in ready], logits[ready]
        picked = self._sampler.pick(logits, [row.draw() for row in rows])
        asked = [n for n, row in enumerate(rows) if row.request.logprobs]
        told = self._sampler.log_probabilities(logits[asked], [picked[n] for n in asked]) if asked else []
        logprobs = {n: (value,) for n, value in zip(asked, told, strict=True)}
        for n, (row, token_id) in enumerate(zip(rows, picked, strict=True)):
            chunk = row.take(token_id, logprobs.get(n, ()))
            if chunk.finish is not None:
                self._leave(row)
            self._untold.append((row, chunk))
        if not self._tells_late:
            self._tell()

    def _tell(self) -> None:
        """Hand what was sampled to its readers; who does not read any more is cancelled."""
        untold, self._untold = self._untold, []
        for row, chunk in untold:
            if not row.outbox.put(chunk):
                row.cancelled = True

    def _with_room(self, rows: list[Row]) -> list[Row]:
        """Make the slots long enough for all; if memory does not allow that, the newest request goes back in line."""
        while rows:
            longest = max(len(r.ids) - r.left + min(r.left, self._prefill_tokens) for r in rows)
            if self._cache.ensure_length(longest):
                break
            newest = max(self._live, key=lambda row: row.number)
            rows = [row for row in rows if row is not newest]
            self._leave(newest)
            newest.slot = None
            with self._changed:
                self._waiting.insert(0, newest)
        return rows

    def _forward(self, rows: Sequence[Row], most: int) -> Tensor:
        assert self._step is not None
        self._turns += 1
        slots = [row.slot for row in rows if row.slot is not None]
        parts = [r.ids[len(s.ids) : len(s.ids) + most] for r, s in zip(rows, slots, strict=True)]
        if all(len(part) == 1 for part in parts):
            feed, order = decode_feed(
                self._cache, slots, [part[0] for part in parts], **self._cache.placement, at_front=self._step.at_front
            )
            logits = self._step(feed, self._cache)
            logits = logits[: len(order)] if order == list(range(len(order))) else logits[order]
        else:
            logits = self._step(prefill_feed(self._cache, slots, parts, **self._cache.placement), self._cache)
        for slot, part in zip(slots, parts, strict=True):
            slot.ids += part
        return logits

    def _leave(self, row: Row) -> None:
        """Free the slot; its text stays in the cache."""
        self._live.remove(row)
        if row.slot is not None:
            self._cache.release(row.slot, tail=row.ids[len(row.slot.ids) :] if row.left == 1 else ())

    def _fail(self, rows: Sequence[Row], error: Exception) -> None:
        """End these requests; what they left in the cache may be broken and is forgotten."""
        self._tell()
        message = f"the model's forward pass failed ({type(error).__name__}: {error}); the engine itself goes on"
        if device_errors.is_lost(self._cache.placement["device"]):
            self.dead, rows = True, [*self._live, *rows]
            message = f"the GPU failed ({_first_line(error)}) and is lost to this process; start the program again"
        elif isinstance(error, TextsLost) or device_errors.is_out_of_memory(error):
            rows = [*self._live, *rows] if isinstance(error, TextsLost) else rows
            message = (
                "the memory for this run is spent; ask for a smaller budget or fewer runs at once, the engine goes on"
            )
        for row in dict.fromkeys(rows):
            if row in self._live:
                self._live.remove(row)
            with self._changed:
                self._waiting = [other for other in self._waiting if other is not row]
            if row.slot is not None:
                self._cache.forget(row.slot)
            row.outbox.put(EngineFailed(message))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
