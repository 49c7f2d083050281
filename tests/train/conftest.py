"""A tiny model and a few rows, and one run that the tests share."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from train_helpers import SETTINGS, Trained, sft  # noqa: E402

from evals.report import as_table  # noqa: E402
from s1core.nano import WEIGHTS, make_questions  # noqa: E402
from s1core.nano.teacher import teach  # noqa: E402
from s1core.store import RunStore  # noqa: E402


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers with s1-nano's tokenizer; embedding and head are apart, as in Qwen2.5-7B and 32B."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=272,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=1_024,
        tie_word_embeddings=False,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(WEIGHTS / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighteen rows: with batches of four, the last one of an epoch does not divide evenly."""
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    with path.open("w") as file:
        for question in make_questions(18, split="train"):
            lesson = teach(question.question)
            assert lesson is not None
            turn = f"<|im_start|>think{lesson.thinking}<|im_start|>answer\n{lesson.attempt}"
            file.write(json.dumps({"user": question.question, "assistant": turn}) + "\n")
    return path


@pytest.fixture(scope="session")
def unbroken(tiny: Path, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Twenty steps by one process, without a break."""
    folder = tmp_path_factory.mktemp("runs") / "unbroken"
    assert sft(folder, tiny, rows, *SETTINGS) == 0
    return Trained(folder)


@pytest.fixture(scope="session")
def adapter_run(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three steps of the recipe s1-135m with the tiny model in the place of its base."""
    folder = tmp_path_factory.mktemp("adapters") / "mine"
    settings = ("max_steps=3", "max_length=1024", "micro_batch=4", "global_batch=4", "lora_rank=2")
    assert sft(folder, tiny, Path("problems:12"), *settings, recipe="s1-135m") == 0
    return folder


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """What `evals.report` writes of a run of four questions under three settings."""
    keys = {"group": "clock", "sample_index": 0, "answered": True}
    config = {"benchmark": "problems", "model": "s1-135M", "settings": [], "sampling": {"temperature": 0.0, "seed": 0}}
    with RunStore(tmp_path / "measured", config) as store:
        for setting, right, tokens in (("budget 0", 0, 0), ("natural", 2, 60), ("1 x Wait", 3, 110)):
            for n in range(4):
                store.append(
                    {**keys, "id": str(n), "setting": setting, "thinking_tokens": tokens, "correct": n < right}
                )
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"runs": [as_table(tmp_path / "measured")]}))
    return path
