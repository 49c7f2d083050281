"""The small operations of `FusedStep`, between its matrix products: as they are, or compiled into one kernel each.

On a GPU, decoding one sequence is bound by kernel launches; fused, there are half as many. Compiling takes
Triton and a C compiler, and some seconds at load, after which torch keeps the result on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True)
class FusedOps:
    """Functions of tensors alone; all sizes are constants of the instance."""

    norm: Callable[[Tensor, Tensor], Tensor]
    """Root mean square norm over the last side: `(x, weight)`, the weight as `norm_weight` gives it."""
    place: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
    """Rotate queries and keys to their positions, write keys and values to rows of the cache, return the queries.

    `(queries and keys [tokens, heads + kv, dim], values [tokens, kv, dim], cosines, signed sines, rows, cached keys,
    cached values)`, the cached ones `[all rows, dim]`.
    """
    weigh: Callable[[Tensor, Tensor | None], Tensor]
    """Weights of attention from float32 scores and a mask, in the dtype of the model."""
    gate: Callable[[Tensor], Tensor]
    """SwiGLU of `[tokens, 2 * width]`."""

    def compiled(self) -> FusedOps:
        """The same, each compiled at its first call, for any number of tokens and any length."""
        compiler = cast("Any", torch).compile
        return FusedOps(*(compiler(getattr(self, f.name), dynamic=True) for f in fields(self)))


def norm_weight(weight: Tensor) -> Tensor:
    """A norm's weight as `FusedOps.norm` takes it."""
    return weight * weight.shape[-1] ** 0.5 if _in_few_steps(weight) else weight


def _in_few_steps(weight: Tensor) -> bool:
    """Torch's own norm is a dozen operations on a CPU, whose overhead dominates in a small model."""
    return weight.device.type == "cpu" and weight.dtype == torch.float32


def plain_ops(*, heads: int, dim: int, eps: float, scale: float, like: Tensor) -> FusedOps:
    """The operations of a model with so many query heads of `dim`, run one by one; its weights are `like` this one."""
    dtype = like.dtype

    def torch_norm(x: Tensor, weight: Tensor) -> Tensor:
        return F.rms_norm(x, weight.shape, weight, eps)

    floors = dict[int, Tensor]()
    length_of = cast("Callable[..., Tensor]", torch.linalg.vector_norm)  # pyright: ignore[reportUnknownMemberType]

    def short_norm(x: Tensor, weight: Tensor) -> Tensor:
        # The root of the mean square is the length by the root of the width, which is in the weight already.
        width = x.shape[-1]
        if width not in floors:
            floors[width] = torch.tensor((width * eps) ** 0.5)
        return torch.mul(x, weight).div_(length_of(x, dim=-1, keepdim=True).hypot_(floors[width]))

    def place(qk: Tensor, v: Tensor, cos: Tensor, sin: Tensor, rows: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        # Rolling by half swaps the halves; the sign of the first one is in the table.
        qk = torch.addcmul(qk * cos, qk.roll(dim // 2, dims=-1), sin)
        q, k = qk.split_with_sizes((heads, qk.shape[1] - heads), 1)
        keys.index_copy_(0, rows, k.reshape(-1, dim))
        values.index_copy_(0, rows, v.reshape(-1, dim))
        return q

    def weigh(scores: Tensor, mask: Tensor | None) -> Tensor:
        scores = scores * scale if mask is None else torch.add(mask, scores, alpha=scale)
        return scores.softmax(dim=-1).to(dtype)

    def gate(gate_up: Tensor) -> Tensor:
        width = gate_up.shape[-1] // 2
        left, right = gate_up.split_with_sizes((width, width), -1)
        return F.silu(left).mul_(right)

    return FusedOps(short_norm if _in_few_steps(like) else torch_norm, place, weigh, gate)
