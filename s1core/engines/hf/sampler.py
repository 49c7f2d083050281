"""Choosing the next token. The noise of a step is a function of (seed, question, sample index, step) alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from s1core.noise import noise_seed
from s1core.types import Sampling


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How one row's next token is drawn."""

    sampling: Sampling
    step: int
    forbidden: frozenset[int] = frozenset()
    bias: tuple[tuple[int, float], ...] = ()
    """Ids, and what is added to their logits."""


class Sampler:
    """Greedy rows share one argmax; the others add Gumbel noise first, each from its own generator."""

    def __init__(self, known_ids: frozenset[int], device: torch.device) -> None:
        self.vocab_size = max(known_ids) + 1
        gaps = sorted(set(range(self.vocab_size)) - known_ids)
        self._gaps = torch.tensor(gaps, device=device) if gaps else None
        self._generator = torch.Generator(device)
        self._device = device

    def pick(self, logits: Tensor, draws: Sequence[SamplingParams]) -> list[int]:
        """Return one id a row, never one outside the tokenizer.

        Args:
            logits: `[rows, at least vocab_size]`.
            draws: one a row.
        """
        logits = logits[:, : self.vocab_size]
        noisy = [row for row, draw in enumerate(draws) if draw.sampling.temperature > 0]
        barred = [(row, i) for row, draw in enumerate(draws) for i in draw.forbidden if i < self.vocab_size]
        raised = [(row, *each) for row, draw in enumerate(draws) for each in draw.bias if each[0] < self.vocab_size]
        if noisy or barred or raised or self._gaps is not None:
            logits = logits.float().clone()
        if self._gaps is not None:
            logits.index_fill_(1, self._gaps, -torch.inf)
        for row, token_id, bias in raised:
            logits[row, token_id] += bias
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
        values = logits.log_softmax(dim=-1).gather(1, chosen).flatten()
        return cast("list[float]", values.tolist())  # pyright: ignore[reportUnknownMemberType]

    def _perturb(self, logits: Tensor, draws: Sequence[SamplingParams]) -> Tensor:
        heat = torch.tensor([[d.sampling.temperature] for d in draws], device=self._device)
        scores = logits / heat
        # Only where it is asked for: rounding must not change the tokens of other rows of the batch.
        filtered = [row for row, draw in enumerate(draws) if draw.sampling.filters]
        if filtered:
            scores[filtered] = _filtered(scores[filtered], [draws[row].sampling for row in filtered])
        noise = torch.empty_like(scores)
        for row, draw in enumerate(draws):
            # Full vocabulary at once: dividing by exponential noise is the Gumbel-max trick.
            self._generator.manual_seed(noise_seed(draw.sampling, draw.step))
            noise[row].exponential_(generator=self._generator)
        # An exact zero would give an infinite score, even to a forbidden token.
        return scores - noise.clamp_min_(torch.finfo(noise.dtype).tiny).log_()


def _filtered(scores: Tensor, samplings: Sequence[Sampling]) -> Tensor:
    """Mask all but the tokens that min_p keeps, of these top_k, and of these top_p: vLLM's order. Ties go to lower ids.

    Args:
        scores: `[rows, vocabulary]`, divided by the temperature already.
        samplings: one a row.
    """
    limits = [[s.min_p, s.top_k or scores.shape[1], s.top_p if s.top_p < 1 else 2.0] for s in samplings]
    # In float64, so that the sums of a row do not depend on how many rows there are.
    min_p, top_k, top_p = torch.tensor(limits, dtype=torch.float64, device=scores.device).T[..., None]
    ordered, order = scores.double().sort(dim=-1, descending=True, stable=True)
    barred = ordered < ordered[:, :1] + min_p.log()
    barred |= torch.arange(scores.shape[1], device=scores.device) >= top_k
    probability = ordered.masked_fill(barred, -torch.inf).softmax(dim=-1)
    barred |= probability.cumsum(dim=-1) - probability >= top_p
    barred[:, 0] = False
    return scores.masked_fill(torch.empty_like(barred).scatter_(1, order, barred), -torch.inf)
