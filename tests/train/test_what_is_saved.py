"""What a run leaves is what was trained: it stops where its rows ended, and adapters go where they are learned."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from train_helpers import SETTINGS, Trained, sft  # noqa: E402

from s1core.errors import InvalidSetting  # noqa: E402
from train.finetune.config import TrainConfig  # noqa: E402
from train.finetune.loop import Run, lost_another  # noqa: E402
from train.finetune.model import add_adapters  # noqa: E402

FEW = (*SETTINGS, "max_steps=1")
END_OF_TEXT, END_OF_TURN = 256, 258


@pytest.fixture
def base(tiny: Path, tmp_path: Path) -> Path:
    """As a base model's: it knows the end of a document alone."""
    folder = tmp_path / "base"
    shutil.copytree(tiny, folder)
    for name, told in (("generation_config.json", {"eos_token_id": END_OF_TEXT}), ("config.json", None)):
        path = folder / name
        kept = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(kept | (told or {"eos_token_id": END_OF_TEXT})))
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"eos_token": "<|endoftext|>"}))
    return folder


def stops(folder: Path) -> list[int]:
    told = json.loads((folder / "generation_config.json").read_text())["eos_token_id"]
    return told if isinstance(told, list) else [told]


def test_a_model_of_a_base_stops_at_the_end_of_a_turn(base: Path, rows: Path, tmp_path: Path) -> None:
    assert sft(tmp_path / "run", base, rows, *FEW) == 0
    assert stops(tmp_path / "run" / "final")[0] == END_OF_TURN
    assert END_OF_TEXT in stops(tmp_path / "run" / "final")


def test_an_adapter_brings_its_own_stop(base: Path, rows: Path, tmp_path: Path) -> None:
    assert sft(tmp_path / "run", base, rows, *FEW, "lora_targets=q_proj,v_proj", recipe="s1-nano-lora") == 0
    for folder in (tmp_path / "run" / "final", tmp_path / "run" / "final" / "adapter"):
        assert stops(folder)[0] == END_OF_TURN


def tiny_model(*, tied: bool) -> Any:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=32,
            hidden_size=8,
            intermediate_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
            num_key_value_heads=1,
            tie_word_embeddings=tied,
        )
    )


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "apart"])
@pytest.mark.parametrize("targets", ["q_proj,v_proj,lm_head", "lm_head", "q_proj,embed_tokens", "embed_tokens"])
def test_adapters_on_head_and_embedding_are_refused(targets: str, tied: bool) -> None:
    config = TrainConfig(recipe="x", model="x", lora_rank=2, lora_targets=targets)
    with pytest.raises(InvalidSetting, match="puts an adapter on the (head|embedding), which is not trained here"):
        add_adapters(tiny_model(tied=tied), config)


@pytest.mark.parametrize("targets", ["q_proj,v_proj", "all-linear", "self_attn.o_proj"])
def test_adapters_on_layers_are_put_on(targets: str) -> None:
    config = TrainConfig(recipe="x", model="x", lora_rank=2, lora_targets=targets)
    assert add_adapters(tiny_model(tied=True), config).peft_config


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (torch.distributed.DistBackendError("NCCL watchdog"), True),
        (RuntimeError("[gloo/transport/tcp/pair.cc:525] Read error [127.0.0.1]:1: Connection reset by peer"), True),
        (RuntimeError("Connection closed by peer [127.0.0.1]:34567"), True),
        (ConnectionResetError("gone"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (OSError(28, "No space left on device"), False),
        (ValueError("timed out"), False),
    ],
)
def test_only_what_an_exchange_meets_is_of_another_process(error: Exception, lost: bool) -> None:
    assert lost_another(error) is lost


def test_an_error_after_a_signal_is_told_as_itself(
    tiny: Path, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(self: Run, step: int) -> None:
        signal.raise_signal(signal.SIGTERM)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(Run, "_one_step", breaks)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        sft(tmp_path / "run", tiny, rows, *FEW)
    assert Trained(tmp_path / "run").status["reason"].startswith("mat1 and mat2")
