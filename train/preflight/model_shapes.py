"""The shapes of models: how many parameters they have, and where. Qwen2.5's and SmolLM2's are known without the hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from s1core.weights import SMOLLM2, SMOLLM2_HUB, location_of, root_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What the memory of a model follows from."""

    layers: int
    width: int
    ffn: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    tied: bool
    positions: int

    @property
    def layer_parameters(self) -> int:
        """Of one decoder layer, biases included."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = 2 * self.width * queries + 2 * self.width * keys + queries + 2 * keys
        return attention + 3 * self.width * self.ffn + 2 * self.width

    @property
    def root_parameters(self) -> int:
        """Embedding, head and last norm."""
        return self.vocab * self.width * (1 if self.tied else 2) + self.width

    @property
    def parameters(self) -> int:
        """Of the whole model."""
        return self.layers * self.layer_parameters + self.root_parameters

    def adapter_parameters(self, rank: int) -> int:
        """Of LoRA adapters on every projection."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        sides = [(self.width, queries), (self.width, keys), (self.width, keys), (queries, self.width)]
        sides += [(self.width, self.ffn), (self.width, self.ffn), (self.ffn, self.width)]
        return self.layers * rank * sum(a + b for a, b in sides)


_QWEN = {
    "0.5B": (24, 896, 4864, 14, 2, 64, 151936, True), "1.5B": (28, 1536, 8960, 12, 2, 128, 151936, True),
    "3B": (36, 2048, 11008, 16, 2, 128, 151936, True), "7B": (28, 3584, 18944, 28, 4, 128, 152064, False),
    "14B": (48, 5120, 13824, 40, 8, 128, 152064, False), "32B": (64, 5120, 27648, 40, 8, 128, 152064, False),
    "72B": (80, 8192, 29568, 64, 8, 128, 152064, False),
}  # fmt: skip
"""Qwen2.5's published configurations: known without asking the hub."""


_SMOLLM2 = Shape(
    layers=30, width=576, ffn=1536, heads=9, kv_heads=3, head_dim=64, vocab=49152, tied=True, positions=8192
)
"""SmolLM2-135M's published configuration, which s1-135M and its base have too."""


def shape_of(model: str) -> Shape:
    """The shape of a known model, of a local folder, of a GGUF file, or of a hub id that is in the cache.

    Raises:
        S1Error: the shape is not known here.
    """
    model = root_of(model)
    if model in (SMOLLM2, SMOLLM2_HUB):
        return _SMOLLM2
    known = re.fullmatch(r"Qwen/Qwen2\.5-(?:Coder-|Math-)?([\d.]+B)(?:-Instruct)?", model)
    if known and known[1] in _QWEN:
        layers, width, ffn, heads, kv_heads, head_dim, vocab, tied = _QWEN[known[1]]
        return Shape(
            layers=layers, width=width, ffn=ffn, heads=heads, kv_heads=kv_heads, head_dim=head_dim, vocab=vocab,
            tied=tied, positions=32_768,
        )  # fmt: skip
    c = configuration(model).get_text_config()
    return Shape(
        layers=c.num_hidden_layers,
        width=c.hidden_size,
        ffn=c.intermediate_size,
        heads=c.num_attention_heads,
        kv_heads=getattr(c, "num_key_value_heads", None) or c.num_attention_heads,
        head_dim=getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads,
        vocab=c.vocab_size,
        tied=bool(c.tie_word_embeddings),
        positions=c.max_position_embeddings,
    )


def configuration(model: str) -> Any:
    """The configuration of a model as transformers reads it.

    Raises:
        S1Error: it is not here.
    """
    from transformers import AutoConfig

    from train.finetune.model import translate_load_errors

    with translate_load_errors(model):
        return AutoConfig.from_pretrained(location_of(root_of(model)))
