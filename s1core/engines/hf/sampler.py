"""Choosing the next token. The noise of a step is a function of (seed, sample index, step) alone."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from s1core.types import Sampling


@dataclass(frozen=True, slots=True)
class Draw:
    """How one row's next token is drawn."""

    sampling: Sampling
    step: int
    forbidden: frozenset[int] = frozenset()


class Sampler:
    """Greedy rows share one argmax; the others add Gumbel noise first, each from a generator of its own."""

    def __init__(self, known_ids: frozenset[int], device: torch.device) -> None:
        self.vocab_size = max(known_ids) + 1
        gaps = sorted(set(range(self.vocab_size)) - known_ids)
        self._gaps = torch.tensor(gaps, device=device) if gaps else None
        self._generator = torch.Generator(device)
        self._device = device

    def pick(self, logits: Tensor, draws: Sequence[Draw]) -> list[int]:
        """Return one id a row, never one outside the tokenizer.

        Args:
            logits: `[rows, at least vocab_size]`.
            draws: one a row.
        """
        logits = logits[:, : self.vocab_size]
        noisy = [row for row, draw in enumerate(draws) if draw.sampling.temperature > 0]
        barred = [(row, i) for row, draw in enumerate(draws) for i in draw.forbidden if i < self.vocab_size]
        if noisy or barred or self._gaps is not None:
            logits = logits.float().clone()
        if self._gaps is not None:
            logits.index_fill_(1, self._gaps, -torch.inf)
        for row, token_id in barred:
            logits[row, token_id] = -torch.inf
        if noisy:
            logits[noisy] = self._perturb(logits[noisy], [draws[row] for row in noisy])
        return cast("list[int]", logits.argmax(dim=-1).tolist())  # pyright: ignore[reportUnknownMemberType]

    def log_probabilities(self, logits: Tensor, ids: Sequence[int]) -> list[float]:
        """Log probability of one id a row under the model's own distribution over its tokens."""
        logits = logits[:, : self.vocab_size].float()
        if self._gaps is not None:
            logits = logits.index_fill(1, self._gaps, -torch.inf)
        chosen = torch.tensor(ids, device=self._device)[:, None]
        told = logits.log_softmax(dim=-1).gather(1, chosen).flatten()
        return cast("list[float]", told.tolist())  # pyright: ignore[reportUnknownMemberType]

    def _perturb(self, logits: Tensor, draws: Sequence[Draw]) -> Tensor:
        heat = torch.tensor([[d.sampling.temperature] for d in draws], device=self._device)
        scores = logits / heat
        if any(d.sampling.top_p < 1 for d in draws):
            keep = torch.tensor([[d.sampling.top_p] for d in draws], device=self._device)
            scores = _nucleus(scores, keep)
        noise = torch.empty_like(scores)
        for row, draw in enumerate(draws):
            # Full vocabulary at once: dividing by exponential noise is the Gumbel-max trick.
            self._generator.manual_seed(noise_seed(draw.sampling, draw.step))
            noise[row].exponential_(generator=self._generator)
        # An exact zero would turn into an infinite score for a token that may be impossible.
        return scores - noise.clamp_min_(torch.finfo(noise.dtype).tiny).log_()


def noise_seed(sampling: Sampling, step: int) -> int:
    """Hash (seed, sample index, step) to 64 bits; neighbouring inputs give unrelated noise."""
    packed = struct.pack("<qqq", sampling.seed, sampling.sample_index, step)
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "little", signed=True)


def _nucleus(scores: Tensor, top_p: Tensor) -> Tensor:
    """Bar all but the smallest set of tokens whose probability reaches `top_p`."""
    ordered, order = scores.sort(dim=-1, descending=True)
    probability = ordered.softmax(dim=-1)
    before = probability.cumsum(dim=-1) - probability
    barred = before >= top_p
    barred[:, 0] = False
    return scores.masked_fill(torch.empty_like(barred).scatter_(1, order, barred), -torch.inf)
