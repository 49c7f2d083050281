"""What a run measures on the way: time, token counts, and how sure the model was of its answer."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from typing import TypedDict

from s1core.engines.base import Chunk


class Sureness:
    """How sure the model was of its answer: the log probabilities of the tokens that wrote it."""

    def __init__(self) -> None:
        self._pending: deque[float] = deque()
        """Of tokens that may yet turn out to be the beginning of a marker."""
        self._text = ""
        self._ends = [0]
        """Where the pieces of the text end; the first one is nothing."""
        self._logprobs: list[float] = []
        """Of each piece."""
        self._unseen = 0.0
        """Of tokens whose character is not complete yet; they belong to the next piece."""

    def add(self, logprobs: Sequence[float]) -> None:
        """Take the log probabilities of sampled tokens, in order."""
        self._pending.extend(logprobs)

    def wrote(self, text: str, *, tokens: int) -> None:
        """Take what the next tokens wrote."""
        self._text += text
        self._unseen += sum(self._pending.popleft() for _ in range(min(tokens, len(self._pending))))
        if text:
            self._ends.append(len(self._text))
            self._logprobs.append(self._unseen)
            self._unseen = 0.0

    def of(self, answer: str | None) -> float | None:
        """Probability of the tokens that wrote `answer` where it was said last; of all, where it cannot be found."""
        if answer is None:
            return None
        start = self._text.rfind(answer)
        end = start + len(answer)
        pieces = zip(self._ends, self._ends[1:], self._logprobs, strict=False)
        said = [logprob for at, to, logprob in pieces if start < 0 or (to > start and at < end)]
        total = sum(said)
        return math.exp(total) if said and not math.isnan(total) else None


class Meter:
    """Clock and token counts of one run."""

    def __init__(self) -> None:
        self._began_s = self._first_s = self._last_s = 0.0
        self._sampled = self._computed = self._reused = 0

    def start(self) -> None:
        """Begin now."""
        self._began_s = time.perf_counter()

    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._began_s

    def count(self, chunk: Chunk) -> None:
        """Take a chunk that has just arrived."""
        self._last_s = self.elapsed_s()
        if self._sampled == 0:
            self._first_s = self._last_s
        self._sampled += len(chunk.token_ids) + (chunk.stop_id is not None)
        self._computed += chunk.prefill_computed
        self._reused += chunk.prefill_reused

    def summary(self) -> MeterSummary:
        """Return the figures for the receipt."""
        decoding_s = self._last_s - self._first_s
        return {
            "prefill_computed": self._computed,
            "prefill_reused": self._reused,
            "time_to_first_token_s": self._first_s if self._sampled else None,
            "wall_s": self.elapsed_s(),
            "tokens_per_s": (self._sampled - 1) / decoding_s if self._sampled > 1 and decoding_s > 0 else None,
        }


class MeterSummary(TypedDict):
    """Figures of a `Receipt`."""

    prefill_computed: int
    prefill_reused: int
    time_to_first_token_s: float | None
    wall_s: float
    tokens_per_s: float | None
