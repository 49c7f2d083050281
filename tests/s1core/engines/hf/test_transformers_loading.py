"""Every way in which loading fails says in one sentence what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from engine_helpers import preset, save_tokenizer

from s1core import Budget, solve
from s1core.engines.hf import loading
from s1core.engines.hf.engine import TransformersEngine
from s1core.errors import InvalidSetting, ModelUnavailable, QuestionTooLong, S1Error, UnknownModel
from s1core.models import ModelPreset


@pytest.fixture
def broken(qwen2_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(qwen2_folder, tmp_path / "broken"))


def failure(folder: Path | str, **settings: object) -> S1Error:
    with pytest.raises(S1Error) as caught:
        TransformersEngine.load(preset(folder), device="cpu", **settings)  # pyright: ignore[reportArgumentType]
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(broken: Path, name: str) -> None:
    (broken / name).unlink()
    error = failure(broken)
    assert isinstance(error, ModelUnavailable) and name in str(error) and "copy the whole folder" in str(error)


def test_torn_weights_are_noticed(broken: Path) -> None:
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    error = failure(broken)
    assert isinstance(error, ModelUnavailable) and "incomplete or damaged" in str(error)


def test_a_missing_shard_is_named(broken: Path) -> None:
    (broken / "model.safetensors").rename(broken / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (broken / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "model-00002-of-00002.safetensors" in str(failure(broken))


def test_weights_that_lack_tensors_are_not_filled_with_noise(broken: Path) -> None:
    config = json.loads((broken / "config.json").read_text())
    config["num_hidden_layers"] += 1
    config["layer_types"] = ["full_attention"] * config["num_hidden_layers"]
    (broken / "config.json").write_text(json.dumps(config))
    assert "lack" in str(failure(broken))


def test_a_broken_config_is_said_to_be_broken(broken: Path) -> None:
    (broken / "config.json").write_text("{")
    assert isinstance(failure(broken), ModelUnavailable)


def test_a_tokenizer_without_chat_template(broken: Path) -> None:
    shutil.rmtree(broken / "chat_template.jinja", ignore_errors=True)
    (broken / "chat_template.jinja").unlink(missing_ok=True)
    save_tokenizer(broken, chat_template=None)
    assert "no chat template" in str(failure(broken))


def test_a_hub_id_without_network() -> None:
    error = failure("nobody/nothing-of-that-name")
    assert isinstance(error, ModelUnavailable) and "the hub cannot be reached" in str(error)


def test_a_name_that_is_nothing(tmp_path: Path) -> None:
    assert isinstance(failure(tmp_path / "nowhere"), UnknownModel)


def test_bundled_weights_that_are_not_there(tmp_path: Path) -> None:
    gone = ModelPreset(name="s1-nano", location=str(tmp_path / "gone"), format="s1", bundled=True)
    with pytest.raises(ModelUnavailable, match="train.pretrain"):
        TransformersEngine.load(gone, device="cpu")


def test_memory_is_checked_before_loading(qwen2_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "free_bytes", lambda _: 2**30)
    large = ModelPreset(name="large", location=str(qwen2_folder), format="s1", parameters_b=7.0)
    with pytest.raises(ModelUnavailable, match=r"needs 26\.1 GiB .* but 1\.0 GiB is free"):
        TransformersEngine.load(large, device="cpu")


@pytest.mark.parametrize(
    "setting",
    [
        {"dtype": "float31"},
        {"device": "gpu"},
        {"device": "meta"},
        {"max_live": 0},
        {"context_length": 0},
        {"context_length": 10**6},
    ],
)
def test_unknown_settings_are_refused(qwen2_folder: Path, setting: dict[str, object]) -> None:
    with pytest.raises(InvalidSetting):
        TransformersEngine.load(preset(qwen2_folder), **setting)  # pyright: ignore[reportArgumentType]


def test_a_gpu_that_is_not_there(qwen2_folder: Path) -> None:
    with pytest.raises(ModelUnavailable, match="GPU"):
        TransformersEngine.load(preset(qwen2_folder), device="cuda:77")


def test_a_shorter_context_bounds_prompt_and_thinking(qwen2_folder: Path) -> None:
    engine = TransformersEngine.load(preset(qwen2_folder), device="cpu", context_length=96)
    try:
        receipt = solve(engine, "How many?", Budget(max_answer_tokens=8)).receipt
        assert engine.context_length == 96 and receipt.thinking_tokens < 96
        with pytest.raises(QuestionTooLong):
            solve(engine, "many " * 100)
    finally:
        engine.close()
