"""Small random models on disk: the engine is tested without any weights of the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from engine_helpers import Load, preset, save_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from s1core.engines.hf.engine import TransformersEngine

# Several threads an operation only make small models slower, and far slower on a busy machine.
torch.set_num_threads(1)

SHAPE = {
    "vocab_size": 272,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 128,
    "max_position_embeddings": 512,
    # Wide enough for texts that do not run into a loop at once.
    "initializer_range": 0.2,
}


@pytest.fixture(scope="session")
def qwen2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("qwen2")
    torch.manual_seed(1)
    Qwen2ForCausalLM(Qwen2Config(**SHAPE, tie_word_embeddings=True)).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


@pytest.fixture(scope="session")
def padded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose likeliest token is mostly a padding row of the vocabulary."""
    folder = tmp_path_factory.mktemp("padded")
    torch.manual_seed(2)
    model = Qwen2ForCausalLM(Qwen2Config(**SHAPE, tie_word_embeddings=False))
    with torch.no_grad():
        model.lm_head.weight[260:] *= 20
    model.save_pretrained(folder)
    save_tokenizer(folder)
    return folder


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("llama")
    torch.manual_seed(3)
    LlamaForCausalLM(LlamaConfig(**SHAPE)).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


@pytest.fixture
def load() -> Iterator[Load]:
    """Load engines that are closed at the end of the test."""
    engines: list[TransformersEngine] = []

    def loader(folder: Path | str, **options: Any) -> TransformersEngine:
        engines.append(TransformersEngine.load(preset(folder), device="cpu", **options))
        return engines[-1]

    yield loader
    for engine in engines:
        engine.close()


@pytest.fixture
def engine(qwen2_folder: Path, load: Load) -> TransformersEngine:
    return load(qwen2_folder)
