"""A fused forward pass for Llama-like models (Qwen2, Qwen3, Llama): few operations, no weights stored twice.

The weights are transformers' own, fused and shared with the loaded model, so memory is not doubled. Whether the
result is the same is not assumed: `select.choose_step` compares it with transformers' forward pass at load.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from s1core.engines.hf.batch import Batch
from s1core.engines.hf.forward.fused_ops import norm_weight, plain_ops
from s1core.engines.hf.kv_cache import LayerShape, SlotCache

ARCHITECTURES = ("Qwen2ForCausalLM", "Qwen3ForCausalLM", "LlamaForCausalLM")
STATIC_ROPE = ("default", "linear", "llama3", "yarn")
"""Position encodings whose table does not depend on the sequence length."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """Weight matrices are transposed once, `[in, out]`: views of transformers' own."""

    norm: Tensor
    qkv: Tensor
    qkv_bias: Tensor | None
    qk_norm: tuple[Tensor, Tensor] | None
    out: Tensor
    out_bias: Tensor | None
    ffn_norm: Tensor
    gate_up: Tensor
    down: Tensor


def fits(model: Any) -> bool:
    """Whether `FusedStep` knows this architecture and all of its settings."""
    config = model.config
    kinds: set[str] = set(getattr(config, "layer_types", None) or ["full_attention"])
    rope: dict[str, Any] = getattr(config, "rope_parameters", None) or {}
    return bool(
        type(model).__name__ in ARCHITECTURES
        and kinds == {"full_attention"}
        and rope.get("rope_type", "default") in STATIC_ROPE
        and rope.get("partial_rotary_factor", 1.0) == 1.0
        and config.hidden_act == "silu"
        and not getattr(config, "mlp_bias", False)
    )


class FusedStep:
    """`Step` in plain torch."""

    at_front = False

    @torch.inference_mode()
    def __init__(self, model: Any, vocab_size: int, max_length: int) -> None:
        config = model.config
        body = model.model
        self._heads: int = config.num_attention_heads
        self._kv_heads: int = config.num_key_value_heads
        self._dim: int = getattr(config, "head_dim", None) or config.hidden_size // self._heads
        self._scale = self._dim**-0.5
        self._embedding: Tensor = body.embed_tokens.weight
        self._layers = [_fuse(layer) for layer in body.layers]
        self._norm = norm_weight(body.norm.weight)
        self._head: Tensor = model.lm_head.weight[:vocab_size].t()
        self._rotation = _rotation_table(body, max_length, self._dim)
        device, dtype = self._embedding.device.type, self._embedding.dtype
        # For single tokens, matrix products beat the fused kernel: on a CPU by 1.3 to 2 times; on a GPU it would keep
        # but one multiprocessor busy for each head of the keys.
        self._products = device == "cuda" or (device == "cpu" and dtype == torch.float32)
        self._half = dtype != torch.float32
        self._nothing = torch.zeros(1, 1, 1, device=self._embedding.device, dtype=dtype)
        self._ops = plain_ops(
            heads=self._heads, dim=self._dim, eps=config.rms_norm_eps, scale=self._scale, like=self._embedding
        )
        self.shapes = tuple(LayerShape(self._kv_heads, self._dim, self._dim) for _ in self._layers)

    def compiled(self) -> FusedStep:
        """The same step over the same weights, its small operations compiled."""
        other = copy.copy(self)
        other._ops = self._ops.compiled()
        return other

    def __call__(self, batch: Batch, cache: SlotCache) -> Tensor:
        """Run the tokens, write their keys and values, return `[rows, vocabulary]`."""
        ops = self._ops
        x = self._embedding.index_select(0, batch.ids.flatten())
        cos, sin = self._rotation.index_select(0, batch.positions.flatten()).unbind(1)
        flat = batch.flat(self._kv_heads)
        for index, layer in enumerate(self._layers):
            keys, values = cache.keys[index], cache.values[index]
            q = self._project(x, layer, cos, sin, flat, keys, values)
            x.addmm_(self._attend(q, batch, keys, values), layer.out)
            if layer.out_bias is not None:
                x += layer.out_bias
            h = ops.norm(x, layer.ffn_norm)
            x.addmm_(ops.gate(torch.mm(h, layer.gate_up)), layer.down)
        if batch.last is not None:
            x = x.index_select(0, batch.last)
        return torch.mm(ops.norm(x, self._norm), self._head)

    def _project(
        self, x: Tensor, layer: _Layer, cos: Tensor, sin: Tensor, flat: Tensor, keys: Tensor, values: Tensor
    ) -> Tensor:
        """Return the queries `[tokens, heads, dim]`; write keys and values to the cache."""
        heads, kv, dim, ops = self._heads, self._kv_heads, self._dim, self._ops
        h = ops.norm(x, layer.norm)
        joined = torch.mm(h, layer.qkv) if layer.qkv_bias is None else torch.addmm(layer.qkv_bias, h, layer.qkv)
        qk, v = joined.view(-1, heads + 2 * kv, dim).split_with_sizes((heads + kv, kv), 1)
        if layer.qk_norm is not None:
            q = ops.norm(qk[:, :heads], layer.qk_norm[0])
            qk = torch.cat((q, ops.norm(qk[:, heads:], layer.qk_norm[1])), dim=1)
        return ops.place(qk, v, cos, sin, flat, keys.view(-1, dim), values.view(-1, dim))

    def _attend(self, q: Tensor, batch: Batch, keys: Tensor, values: Tensor) -> Tensor:
        """Return `[tokens, heads * dim]`. Heads that share keys are handled as more queries of one head."""
        rows, width = batch.ids.shape
        kv, groups, dim = self._kv_heads, self._heads // self._kv_heads, self._dim
        if width == 1 and self._products:
            return self._attend_single(q, batch, keys, values)
        q = q.reshape(rows, width, kv, groups, dim).permute(0, 2, 3, 1, 4).reshape(rows, kv, groups * width, dim)
        mask = batch.mask if batch.mask is None or width == 1 else batch.mask.repeat(1, 1, groups, 1)
        mixed = F.scaled_dot_product_attention(
            q, batch.view(keys), batch.view(values), attn_mask=mask, scale=self._scale
        )
        mixed = mixed.view(rows, kv, groups, width, dim).permute(0, 3, 1, 2, 4)
        return mixed.reshape(rows * width, self._heads * dim)

    def _attend_single(self, q: Tensor, batch: Batch, keys: Tensor, values: Tensor) -> Tensor:
        rows, kv, dim = batch.ids.shape[0], self._kv_heads, self._dim
        q = q.reshape(rows * kv, self._heads // kv, dim)
        k, v = batch.by_head(keys), batch.by_head(values)
        mask = batch.mask_of(kv)
        if self._half:
            # Scores and their softmax in float32, as the fused kernel has them.
            weights = self._ops.weigh(torch.bmm(q, k.transpose(1, 2), out_dtype=torch.float32), mask)
            return torch.bmm(weights, v).view(rows, self._heads * dim)
        if mask is None:
            scores = torch.baddbmm(self._nothing, q, k.transpose(1, 2), beta=0, alpha=self._scale)
        else:
            scores = torch.baddbmm(mask, q, k.transpose(1, 2), alpha=self._scale)
        return torch.bmm(scores.softmax(dim=-1), v).view(rows, self._heads * dim)


def _fuse(layer: Any) -> _Layer:
    attention, ffn = layer.self_attn, layer.mlp
    projections = (attention.q_proj, attention.k_proj, attention.v_proj)
    biased = attention.q_proj.bias is not None
    normed = hasattr(attention, "q_norm")
    return _Layer(
        norm=norm_weight(layer.input_layernorm.weight),
        qkv=_join([p.weight for p in projections]).t(),
        qkv_bias=_join([p.bias for p in projections]) if biased else None,
        qk_norm=(norm_weight(attention.q_norm.weight), norm_weight(attention.k_norm.weight)) if normed else None,
        out=attention.o_proj.weight.t(),
        out_bias=attention.o_proj.bias,
        ffn_norm=norm_weight(layer.post_attention_layernorm.weight),
        gate_up=_join([ffn.gate_proj.weight, ffn.up_proj.weight]).t(),
        down=ffn.down_proj.weight.t(),
    )


def _join(parameters: list[Any]) -> Tensor:
    """Concatenate parameters and make them views of the result, so that their own memory is freed."""
    joined = torch.cat([p.detach() for p in parameters])
    start = 0
    for parameter in parameters:
        parameter.data = joined[start : start + parameter.shape[0]]
        start += parameter.shape[0]
    return joined


def _rotation_table(body: Any, max_length: int, dim: int) -> Tensor:
    """Cosines and signed sines by position, `[max_length, 2, 1, dim]`, from the model's own position encoding."""
    weight: Tensor = body.embed_tokens.weight
    positions = torch.arange(max_length, device=weight.device)[None]
    cos, sin = body.rotary_emb(weight[:1, None], positions)
    sign = torch.ones(dim, device=weight.device, dtype=sin.dtype)
    sign[: dim // 2] = -1
    return torch.stack((cos[0], sin[0] * sign), dim=1)[:, :, None]
