"""Writes a GGUF file of a tiny random Llama, as llama.cpp's converter lays one out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tokenizers.pre_tokenizers import ByteLevel

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WIDTH, HEADS, INNER = 32, 2, 64
MARKERS = 3


def write_tiny_gguf(
    path: Path, *, template: str | None = TEMPLATE, architecture: str = "llama", spread: float = 0.05
) -> Path:
    """One layer, byte tokens, two markers; random weights that are the same each time.

    Args:
        path: the file.
        template: of chats.
        architecture: as GGUF names it.
        spread: of the weights; wide ones write texts that do not run into a loop at once, and never a marker.
    """
    import gguf

    letters = sorted(ByteLevel.alphabet())
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *letters, "ab"]
    kinds = [gguf.TokenType.CONTROL] * MARKERS + [gguf.TokenType.NORMAL] * (len(letters) + 1)
    writer: Any = gguf.GGUFWriter(str(path), architecture)
    writer.add_block_count(1)
    writer.add_context_length(256)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(1)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    if template is not None:
        writer.add_chat_template(template)
    random = np.random.default_rng(0)

    def tensor(name: str, *shape: int) -> None:
        values = random.standard_normal(shape) * spread
        if name == "token_embd.weight":
            values[:MARKERS] = 0
        writer.add_tensor(name, values.astype(np.float32))

    tensor("token_embd.weight", len(tokens), WIDTH)
    tensor("output_norm.weight", WIDTH)
    for name, shape in (
        ("attn_norm", (WIDTH,)),
        ("attn_q", (WIDTH, WIDTH)),
        ("attn_k", (WIDTH // HEADS, WIDTH)),
        ("attn_v", (WIDTH // HEADS, WIDTH)),
        ("attn_output", (WIDTH, WIDTH)),
        ("ffn_norm", (WIDTH,)),
        ("ffn_gate", (INNER, WIDTH)),
        ("ffn_up", (INNER, WIDTH)),
        ("ffn_down", (WIDTH, INNER)),
    ):
        tensor(f"blk.0.{name}.weight", *shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
