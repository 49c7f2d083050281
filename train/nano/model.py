"""A lean Qwen2 forward pass for training s1-nano on a CPU.

Parameter names and arithmetic are those of `transformers.Qwen2ForCausalLM`: exporting copies the state dict.
What is left out is everything that training on right-padded rows does not need: masks, caches, hooks.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VOCAB_ROWS = 272
"""Rows of the embedding. 260 are tokens; the rest are padding rows, as in the released Qwen2 checkpoints."""


_PLAIN_ATTENTION_UP_TO = 224


@dataclass(frozen=True, kw_only=True, slots=True)
class NanoShape:
    """The size of the network."""

    layers: int = 4
    width: int = 192
    heads: int = 6
    kv_heads: int = 2
    ffn: int = 512
    rope_theta: float = 10_000.0
    max_positions: int = 2_048

    def __post_init__(self) -> None:
        if self.width % self.heads or self.heads % self.kv_heads:
            raise ValueError(f"width {self.width} / heads {self.heads} / kv_heads {self.kv_heads} must divide evenly")

    @classmethod
    def of(cls, *, layers: int, width: int) -> NanoShape:
        """A smaller or larger network of the same proportions: heads of 32, three to a key-value head where that goes.

        Raises:
            ValueError: the width is no multiple of 32.
        """
        if width % 32 or width < 32:
            raise ValueError(f"width must be a multiple of 32, got {width}")
        heads = width // 32
        return cls(
            layers=layers, width=width, heads=heads, kv_heads=max(1, heads // 3), ffn=-(-width * 8 // 3 // 32) * 32
        )

    def to_dict(self) -> dict[str, Any]:
        """The shape as plain data, for receipts and checkpoints."""
        return asdict(self)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    left, right = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-right, left), dim=-1) * sin


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal grouped-query attention.

    Measured on AVX-512: for short rows three plain matrix products take half the time of the fused kernel; for long
    rows the fused kernel wins, in float32.
    """
    rows, heads, length, depth = q.shape
    kv_heads = k.shape[1]
    if length > _PLAIN_ATTENTION_UP_TO:
        groups = heads // kv_heads
        k, v = k.float().repeat_interleave(groups, dim=1), v.float().repeat_interleave(groups, dim=1)
        return F.scaled_dot_product_attention(q.float(), k, v, is_causal=True)
    stacked = q.reshape(rows, kv_heads, -1, depth) * depth**-0.5
    scores = (stacked @ k.transpose(-1, -2)).view(rows, kv_heads, heads // kv_heads, length, length)
    future = torch.full((length, length), float("-inf"), dtype=scores.dtype, device=scores.device).triu(1)
    weights = torch.softmax(scores + future, dim=-1).to(v.dtype)
    return (weights.view(rows, kv_heads, -1, length) @ v).view(rows, heads, length, depth)


class _RMSNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class _Attention(nn.Module):
    def __init__(self, shape: NanoShape) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = shape.heads, shape.kv_heads, shape.width // shape.heads
        kv_width = self.kv_heads * self.head_dim
        self.q_proj = nn.Linear(shape.width, shape.width)
        self.k_proj = nn.Linear(shape.width, kv_width)
        self.v_proj = nn.Linear(shape.width, kv_width)
        self.o_proj = nn.Linear(shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        rows, length, width = x.shape
        q = _rotate(self.q_proj(x).view(rows, length, self.heads, self.head_dim).transpose(1, 2), cos, sin)
        k = _rotate(self.k_proj(x).view(rows, length, self.kv_heads, self.head_dim).transpose(1, 2), cos, sin)
        v = self.v_proj(x).view(rows, length, self.kv_heads, self.head_dim).transpose(1, 2)
        mixed = _attend(q.to(v.dtype), k.to(v.dtype), v)
        return self.o_proj(mixed.transpose(1, 2).reshape(rows, length, width))


class _FeedForward(nn.Module):
    def __init__(self, shape: NanoShape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.ffn, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.ffn, bias=False)
        self.down_proj = nn.Linear(shape.ffn, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class _Layer(nn.Module):
    def __init__(self, shape: NanoShape) -> None:
        super().__init__()
        self.self_attn = _Attention(shape)
        self.mlp = _FeedForward(shape)
        self.input_layernorm = _RMSNorm(shape.width)
        self.post_attention_layernorm = _RMSNorm(shape.width)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class _Body(nn.Module):
    def __init__(self, shape: NanoShape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(VOCAB_ROWS, shape.width)
        self.layers = nn.ModuleList([_Layer(shape) for _ in range(shape.layers)])
        self.norm = _RMSNorm(shape.width)


class NanoModel(nn.Module):
    """Qwen2 with tied embeddings; its state dict loads into `Qwen2ForCausalLM`."""

    def __init__(self, shape: NanoShape) -> None:
        super().__init__()
        self.model = _Body(shape)
        head_dim = shape.width // shape.heads
        inverse = shape.rope_theta ** (-torch.arange(0, head_dim, 2).float() / head_dim)
        angles = torch.outer(torch.arange(shape.max_positions).float(), inverse).repeat(1, 2)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self._reset(shape)

    def _reset(self, shape: NanoShape) -> None:
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                # Projections back into the residual stream start smaller, so that depth does not blow it up.
                scale = (2 * shape.layers) ** -0.5 if name.endswith(("o_proj.weight", "down_proj.weight")) else 1.0
                nn.init.normal_(parameter, std=scale * (0.02 if "embed" in name else shape.width**-0.5))
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def hidden(self, ids: Tensor) -> Tensor:
        """Final hidden states, `[rows, length, width]`."""
        length = ids.shape[1]
        cos, sin = self.cos[:length], self.sin[:length]  # pyright: ignore[reportIndexIssue]
        x = self.model.embed_tokens(ids)
        for layer in self.model.layers:
            x = layer(x, cos, sin)
        return self.model.norm(x)

    def forward(self, ids: Tensor) -> Tensor:
        """Next-token scores, `[rows, length, VOCAB_ROWS]`."""
        return F.linear(self.hidden(ids), self.model.embed_tokens.weight)
