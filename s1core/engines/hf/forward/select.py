"""Chooses the forward pass of a model: fused where its logits agree with transformers', else generic."""

from __future__ import annotations

import logging
from typing import Any, cast

import torch
from torch import Tensor

from s1core.engines.hf.batch import Step, decode_batch, prefill_batch
from s1core.engines.hf.forward import fused
from s1core.engines.hf.forward.cuda_graphs import CudaGraphStep, CudaRecorder
from s1core.engines.hf.forward.fused import FusedStep
from s1core.engines.hf.forward.generic import GenericStep
from s1core.engines.hf.kv_cache import Slot, SlotCache
from s1core.errors import ModelUnavailable

log = logging.getLogger(__name__)

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.08, torch.float16: 0.03}
"""Largest difference of two logits, in units of the largest logit. Rounding alone stays an order below."""


def choose_step(model: Any, *, vocab_size: int, max_length: int, fused_step: bool = True, graphs: bool = True) -> Step:
    """Return a forward pass whose logits agree with the model's own; on a GPU, with CUDA graphs for decoding.

    Raises:
        ModelUnavailable: not even the generic one does.
    """
    if fused_step and fused.fits(model):
        step = FusedStep(model, vocab_size, max_length)
        wrong = disagreement(step, model, vocab_size)
        if wrong is None:
            on_gpu = cast("torch.device", model.device).type == "cuda"
            return _fastest(step, model, vocab_size) if graphs and on_gpu else step
        log.warning("the fused forward pass of %s is not used: %s", type(model).__name__, wrong)
    step = GenericStep(model)
    wrong = disagreement(step, model, vocab_size)
    if wrong is not None:
        raise ModelUnavailable(
            f"{type(model).__name__} does not work over the engine's cache ({wrong}); use engine='vllm' for it"
        )
    return step


def _fastest(step: FusedStep, model: Any, vocab_size: int) -> Step:
    """Captured and compiled, as far as this machine supports it and the logits stay the same."""
    compiled = step.compiled()
    wrong = disagreement(compiled, model, vocab_size)
    if wrong is None:
        step = compiled
    else:
        log.warning("the operations of %s are not compiled: %s", type(model).__name__, wrong)
    recorder = CudaRecorder()
    wrong = disagreement(CudaGraphStep(step, recorder, patience=0), model, vocab_size)
    if wrong is None:
        return CudaGraphStep(step, recorder)
    log.warning("the decoding of %s is not recorded: %s", type(model).__name__, wrong)
    return step


@torch.inference_mode()
def disagreement(step: Step, model: Any, vocab_size: int) -> str | None:
    """Compare with transformers' own forward pass on random tokens: a long chunk, a short one, single tokens."""
    dtype, device = cast("torch.dtype", model.dtype), cast("torch.device", model.device)
    ids = [(7 * i * i + 3 * i + 1) % vocab_size for i in range(24)]
    expected = cast("Tensor", model(input_ids=torch.tensor([ids], device=device)).logits)[0, :, :vocab_size].float()
    cache = SlotCache(step.shapes, dtype=dtype, device=device, max_slots=4, max_length=64, max_bytes=2**40)
    cache.ensure_length(32)
    try:
        found = _replay(step, cache, ids, dtype, device)[:, :vocab_size].float()
    except Exception as error:  # any error of a model's code means that this forward pass does not support it
        return f"{type(error).__name__}: {error}"
    expected = expected[[len(ids) - 1, 18, 19]]
    worst = (found - expected).abs().max() / expected.abs().max()
    return None if worst <= TOLERANCE[dtype] else f"logits differ by {worst:.2g} of the largest"


def _replay(step: Step, cache: SlotCache, ids: list[int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Run `ids` in uneven chunks, beside other sequences; return the logits after all tokens, after 18 and after 19."""
    claims = [cache.claim([i, *ids]) for i in (1, 2)]
    long, short = (claim.slot for claim in claims if claim is not None)

    def prefill(slots: list[Slot], stops: list[int]) -> Tensor:
        parts = [ids[len(slot.ids) : stop] for slot, stop in zip(slots, stops, strict=True)]
        logits = step(prefill_batch(cache, slots, parts, dtype=dtype, device=device), cache)
        for slot, part in zip(slots, parts, strict=True):
            slot.ids += part
        return logits

    prefill([long], [9])
    prefill([long, short], [len(ids) - 1, 19])

    def decode(slots: list[Slot], fed: list[int]) -> Tensor:
        batch, rows = decode_batch(cache, slots, fed, dtype=dtype, device=device, at_front=step.at_front)
        return step(batch, cache)[rows]

    both = decode([long, short], [ids[-1], ids[19]])
    short.ids.pop()
    alone = decode([short], [ids[18]])
    return torch.stack((both[0], alone[0], both[1]))
