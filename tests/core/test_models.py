"""Presets and names."""

from pathlib import Path

import pytest

from s1core.engines import load_engine
from s1core.errors import InvalidSetting, UnknownModel
from s1core.models import PRESETS, resolve
from s1core.thinking import FORMATS


def test_every_preset_names_a_known_format() -> None:
    assert {p.format for p in PRESETS.values()} <= set(FORMATS)
    assert PRESETS["s1-32B"].format == "s1"
    assert PRESETS["DeepSeek-R1-Distill-Qwen-7B"].format == "think_tags"


def test_a_preset_is_found_by_name_and_by_hub_id() -> None:
    assert resolve("s1.1-7B") is resolve("simplescaling/s1.1-7B")


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
