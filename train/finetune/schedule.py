"""The learning rate of every step."""

from __future__ import annotations

import math

from train.finetune.config import TrainConfig


def rate(config: TrainConfig, step: int, total: int) -> float:
    """The learning rate of step `step` (from 0): a linear rise, then a cosine to 0, as in transformers.

    The first step has no rate yet when there is a warm-up, and the last one nearly none any more.
    """
    warmup = math.ceil(config.warmup_share * total)
    if step < warmup:
        return config.lr * step / max(1, warmup)
    progress = (step - warmup) / max(1, total - warmup)
    return config.lr * 0.5 * (1 + math.cos(math.pi * progress))
