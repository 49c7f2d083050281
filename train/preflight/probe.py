"""How fast this CPU trains: a few layers of the model's shape, with random weights, trained for a moment.

One layer and three take different times; what lies between is the time of a layer, and all of them follow from it. The
code that is timed is that of the training itself, so that its attention and adapters count as they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from s1core.errors import S1Error
from train.finetune.config import TrainConfig
from train.preflight.model_shapes import Shape, configuration

MOST_FLOPS = 2e12
"""Of one pass over three layers: what takes longer is reckoned and not tried."""
TOKENS = 1_024
"""Of one pass: a larger batch takes longer in proportion."""
_FEW, _MORE = 1, 3
_REPEATS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """What the parts of a step take."""

    pass_s: float
    """Forward and backward pass of one batch, all layers."""
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
    tried = min(rows, max(1, TOKENS // length))
    flops = 6 * tried * length * (_MORE * shape.layer_parameters + shape.vocab * shape.width)
    if flops > MOST_FLOPS:
        return None
    try:
        plan: Any = configuration(config.model)
    except S1Error:
        return None
    few, more = (_timed(config, deepcopy(plan), layers, tried, length) for layers in (_FEW, _MORE))
    pass_s = _grown(few.pass_s, more.pass_s, shape.layers) * rows / tried
    return Speed(pass_s=pass_s, update_s=_grown(few.update_s, more.update_s, shape.layers))


def _grown(few: float, more: float, layers: int) -> float:
    """From the times of two depths to that of another one; on a busy machine the deeper may have been the faster."""
    each = max(0.0, more - few) / (_MORE - _FEW) or more / _MORE
    return few + (layers - _FEW) * each


def _timed(config: TrainConfig, plan: Any, layers: int, rows: int, length: int) -> Speed:
    import torch
    from transformers import AutoModelForCausalLM

    from train.finetune import cpu
    from train.finetune.batches import Batch
    from train.finetune.model import DTYPES, Place, attention, prepare, trainable

    cpu.keep_freed_memory()
    place = Place(device=torch.device("cpu"))
    config = replace(config, compile=False, sharding="none", cpu_offload=False, max_length=max(8, length))
    plan.num_hidden_layers = layers
    if getattr(plan, "layer_types", None):
        plan.layer_types = plan.layer_types[:layers]
    model = AutoModelForCausalLM.from_config(
        plan, dtype=DTYPES[config.compute], attn_implementation=attention(config, place.device)
    )
    trained = prepare(model, config, place)
    ids = torch.randint(0, plan.vocab_size, (rows, length))
    positions = torch.arange(length).repeat(rows, 1)
    batch = Batch(ids=ids, positions=positions, targets=ids, weights=torch.full((rows, length), 1 / (rows * length)))
    optimizer = torch.optim.AdamW(trainable(trained), lr=config.lr)
    pass_s = _shortest(lambda: trained(batch).backward())
    update_s = _shortest(optimizer.step)
    return Speed(pass_s=pass_s, update_s=update_s)


def _shortest(work: Callable[[], Any]) -> float:
    """Seconds of the fastest of a few tries; the first one sets up and does not count."""
    work()
    seconds: list[float] = []
    for _ in range(_REPEATS):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)
