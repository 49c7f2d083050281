"""Presets and names."""

import importlib.util
from pathlib import Path

import pytest

from s1core import engines
from s1core.engines import load_engine
from s1core.errors import InvalidSetting, ModelUnavailable, UnknownModel
from s1core.models import PRESETS, preferred_engine, resolve
from s1core.thinking import FORMATS


def test_every_preset_names_a_known_format() -> None:
    assert {p.format for p in PRESETS.values()} <= set(FORMATS)
    assert PRESETS["s1-32B"].format == "s1"
    assert PRESETS["DeepSeek-R1-Distill-Qwen-7B"].format == "think_tags"


def test_a_preset_is_found_by_name_and_by_hub_id() -> None:
    assert resolve("s1.1-7B") is resolve("simplescaling/s1.1-7B")


def test_a_fine_tuned_model_is_called_by_its_run(tmp_path: Path) -> None:
    (tmp_path / "mine" / "final").mkdir(parents=True)
    (tmp_path / "mine" / "final" / "config.json").write_text("{}")
    assert resolve(str(tmp_path / "mine" / "final")).name == "mine"


@pytest.mark.parametrize("name", ["", "s1-nanoo", "../x", "/nowhere/at/all", "a/b/c"])
def test_an_unknown_model_lists_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownModel, match="s1-nano, s1-32B"):
        resolve(name)


def test_a_folder_with_a_config_is_a_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert resolve(str(tmp_path)).format == "s1"
    (tmp_path / "chat_template.jinja").write_text("...</think>...")
    assert resolve(str(tmp_path)).format == "think_tags"


def test_an_unknown_engine_lists_the_known_ones() -> None:
    with pytest.raises(InvalidSetting, match="transformers"):
        load_engine("s1-nano", engine="tensorflow")


def test_an_answer_leaves_room_in_a_small_context() -> None:
    folder = resolve("someone/unknown-model")
    assert [folder.answer_tokens(length) for length in (32_768, 2048, 2)] == [2048, 512, 1]
    assert resolve("s1-nano").answer_tokens(2048) == 32


@pytest.mark.parametrize(
    ("model", "given", "endpoint", "gpu_and_vllm", "chosen"),
    [
        ("s1-32B", (), False, True, "vllm"),
        ("s1-32B", ("dtype", "tensor_parallel_size"), True, True, "vllm"),
        ("s1-32B", (), False, False, "transformers"),
        ("s1-32B", (), True, True, "http"),
        ("s1-32B", ("served_model",), True, False, "http"),
        ("s1-32B", ("dtype",), True, False, "transformers"),
        ("s1-32B", ("url",), False, True, "http"),
        ("s1-32B", ("device",), True, True, "transformers"),
        ("someone/unknown-model", (), False, True, "vllm"),
        ("s1-nano", (), True, True, "transformers"),
        ("s1-nano", ("url", "served_model"), False, True, "http"),
    ],
)
def test_the_engine_follows_from_what_is_given_and_found(
    model: str, given: tuple[str, ...], endpoint: bool, gpu_and_vllm: bool, chosen: str
) -> None:
    found = preferred_engine(resolve(model), given=given, endpoint=endpoint, gpu_and_vllm=lambda: gpu_and_vllm)
    assert found == chosen


def test_gpus_are_looked_for_only_where_they_matter() -> None:
    def look() -> bool:
        raise AssertionError

    assert preferred_engine(PRESETS["s1-nano"], given=(), endpoint=False, gpu_and_vllm=look) == "transformers"
    assert preferred_engine(PRESETS["s1-32B"], given=(), endpoint=True, gpu_and_vllm=look) == "http"


def test_with_a_gpu_a_preset_goes_to_vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("vllm") is not None:
        pytest.skip("vLLM is installed here: tests/with_vllm")
    monkeypatch.setattr(engines, "gpu_and_vllm", lambda: True)
    with pytest.raises(ModelUnavailable, match="make vllm"):
        load_engine("s1-32B")


def test_without_a_gpu_a_preset_goes_to_transformers_which_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "gpu_and_vllm", lambda: False)
    with pytest.raises(ModelUnavailable, match="connect to the internet|use a smaller model"):
        load_engine("s1-32B")


def test_the_environment_names_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S1_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelUnavailable, match="no server answers.*127.0.0.1:9"):
        load_engine("s1-nano", engine="http")
    with pytest.raises(InvalidSetting, match="password"):
        load_engine("s1-32B", engine="http", url="http://user:word@127.0.0.1:9")
