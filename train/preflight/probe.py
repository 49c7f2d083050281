"""How fast this CPU trains: one layer of the model with random weights, passed as often as the model has layers.

What is timed is the code of the training itself, with its attention and its adapters; loading a model is spared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from s1core.errors import S1Error
from train.finetune.config import TrainConfig
from train.preflight.model_shapes import Shape, configuration

FLOPS = 5e11
"""Of one pass, a second or so: of a larger batch some rows are tried, and the whole takes longer in proportion."""
MOST_FLOPS = 2e12
"""Where a single row takes more, nothing is tried."""
_REPEATS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """What the parts of a step take."""

    pass_s: float
    """Forward and backward pass of one batch."""
    update_s: float
    """The optimizer."""


def measure(config: TrainConfig, shape: Shape, rows: int, length: int) -> Speed | None:
    """Time a pass over `rows` sequences of `length` tokens; None where that takes too long, or the model is not here.

    Args:
        config: what would be trained.
        shape: of its model.
        rows: of a typical batch.
        length: tokens of each, padding included.
    """
    each = 6 * length * shape.parameters
    tried = min(rows, max(1, int(FLOPS / each)))
    if tried * each > MOST_FLOPS:
        return None
    try:
        plan: Any = configuration(config.model)
    except S1Error:
        return None
    one = _timed(config, plan, tried, length)
    return Speed(pass_s=one.pass_s * rows / tried, update_s=one.update_s * shape.layers)


def _timed(config: TrainConfig, plan: Any, rows: int, length: int) -> Speed:
    """The time of a whole pass, and that of the optimizer for one layer."""
    import torch
    from torch import nn
    from transformers import AutoModelForCausalLM

    from train.finetune import cpu
    from train.finetune.batches import Batch
    from train.finetune.model import DTYPES, Placement, attention, prepare, trainable

    cpu.keep_freed_memory()
    place = Placement(device=torch.device("cpu"))
    config = replace(config, compile=False, sharding="none", cpu_offload=False, max_length=max(8, length))
    layers, plan.num_hidden_layers = plan.num_hidden_layers, 1
    chosen = attention(config, place.device)
    model = AutoModelForCausalLM.from_config(plan, dtype=DTYPES[config.compute], attn_implementation=chosen)
    trained = prepare(model, config, place)
    decoder = trained.language_model.get_decoder()
    decoder.layers = nn.ModuleList([decoder.layers[0]] * layers)
    decoder.config.num_hidden_layers = layers
    ids = torch.randint(0, plan.vocab_size, (rows, length))
    positions = torch.arange(length).repeat(rows, 1)
    batch = Batch(ids=ids, positions=positions, targets=ids, weights=torch.full((rows, length), 1 / (rows * length)))
    optimizer = torch.optim.AdamW(trainable(trained), lr=config.lr)
    pass_s = _shortest(lambda: trained(batch).backward())
    return Speed(pass_s=pass_s, update_s=_shortest(optimizer.step))


def _shortest(work: Callable[[], Any]) -> float:
    """Seconds of the fastest of a few tries; the first one sets up and does not count."""
    work()
    seconds: list[float] = []
    for _ in range(_REPEATS):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)
