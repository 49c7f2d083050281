"""Next-token loss that never holds the scores of all tokens at once.

Scores over the vocabulary are the largest tensor of a long sequence (32,768 x 152,064 in float32 are 18.6 GiB). Here
they exist for one chunk of tokens at a time: computed, reduced to a loss, dropped, and computed again on the way back.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from train.finetune.data import IGNORED


def chunked_loss(hidden: Tensor, head: Tensor, targets: Tensor, weights: Tensor, chunk: int) -> Tensor:
    """The weighted sum of next-token losses, float32.

    Args:
        hidden: final hidden states, `[..., width]`.
        head: weights of the output layer, `[vocabulary, width]`.
        targets: the next token of each position, or `IGNORED`; shaped as `hidden` without its last side.
        weights: of each target.
        chunk: positions whose scores exist at the same time.
    """
    learned = targets != IGNORED
    states, wanted, shares = hidden[learned], targets[learned], weights[learned]
    if not len(wanted):
        # Every process must use the head, or their gradients would not meet: one position, counted as nothing.
        states, wanted, shares = hidden.flatten(0, -2)[:1], targets.new_zeros(1), weights.new_zeros(1)
    return summed(states, head, wanted, shares, chunk)


def summed(states: Tensor, head: Tensor, targets: Tensor, weights: Tensor, chunk: int) -> Tensor:
    """The same for `[positions, width]`, all of which are learned."""
    total = torch.zeros((), device=states.device)
    for start in range(0, len(targets), chunk):
        piece = slice(start, start + chunk)
        total = total + checkpoint(_chunk, states[piece], head, targets[piece], weights[piece], use_reentrant=False)
    return total


def _chunk(states: Tensor, head: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    scores = F.linear(states, head).float()
    return (F.cross_entropy(scores, targets, reduction="none") * weights).sum()


def plain_loss(hidden: Tensor, head: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """The same, with all scores at once: what the chunked one is measured against."""
    scores = F.linear(hidden, head).float()
    losses = F.cross_entropy(scores.flatten(0, -2), targets.flatten(), ignore_index=IGNORED, reduction="none")
    return (losses * weights.flatten()).sum()
