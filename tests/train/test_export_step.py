"""A checkpoint of any step becomes a model, also while its run goes on."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402
from train_helpers import SETTINGS, Trained, sft  # noqa: E402

from train.export_step import _kept, main  # noqa: E402
from train.finetune.run_folder import checkpoints  # noqa: E402


def test_the_model_of_a_step_is_what_the_run_would_have_finished_with(unbroken: Trained, tiny: Path) -> None:
    run = unbroken.folder
    for step in (5, 20):
        assert main(["--run", str(run), "--step", str(step)]) == 0
    first, last = (run / "models" / f"unbroken-step-{step}" for step in (5, 20))
    assert {path.name for path in last.iterdir()} == {path.name for path in (run / "final").iterdir()}
    final = load_file(run / "final" / "model.safetensors")
    early, late = (load_file(folder / "model.safetensors") for folder in (first, last))
    assert early.keys() == late.keys() == final.keys()
    assert all(torch.equal(late[name], final[name]) for name in final)
    assert not torch.equal(early["lm_head.weight"], final["lm_head.weight"])
    assert json.loads((last / "config.json").read_text()) == json.loads((run / "final" / "config.json").read_text())
    receipt = json.loads((first / "receipt.json").read_text())
    assert (receipt["steps"], receipt["last_loss"], receipt["parent"]) == (5, unbroken.losses[5], str(tiny))
    assert receipt["data"]["rows"] == 18 and not list((run / "models").glob(".*"))


def test_adapters_of_a_step_are_written_and_merged(tiny: Path, rows: Path, tmp_path: Path) -> None:
    settings = ("max_steps=2", "save_every=1", "lora_rank=3", "lora_targets=q_proj,up_proj")
    assert sft(tmp_path / "run", tiny, rows, *SETTINGS, *settings, recipe="s1-nano-lora") == 0
    assert main(["--run", str(tmp_path / "run"), "--step", "2", "--out", str(tmp_path / "model")]) == 0
    for name in ("model.safetensors", "adapter/adapter_model.safetensors"):
        here, there = (load_file(folder / name) for folder in (tmp_path / "model", tmp_path / "run" / "final"))
        assert here.keys() == there.keys() and all(torch.equal(here[key], there[key]) for key in here)
    told = (
        json.loads((tmp_path / place / "adapter/adapter_config.json").read_text()) for place in ("model", "run/final")
    )
    assert next(told) == next(told)


def test_weights_that_are_tied_are_written_once(rows: Path, tmp_path: Path) -> None:
    import transformers

    from s1core.nano import WEIGHTS

    assert sft(tmp_path / "run", WEIGHTS, rows, *SETTINGS, "max_steps=1", "save_dtype=bfloat16") == 0
    assert main(["--run", str(tmp_path / "run"), "--step", "1", "--out", str(tmp_path / "model")]) == 0
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    assert model.dtype == torch.bfloat16 and model.lm_head.weight is model.model.embed_tokens.weight


def test_a_run_may_drop_the_checkpoint_meanwhile(unbroken: Trained, tmp_path: Path) -> None:
    shutil.copytree(unbroken.folder / "checkpoints", tmp_path / "checkpoints")
    one = checkpoints(tmp_path / "checkpoints")[0]
    with _kept(one, tmp_path / "model") as files:
        shutil.rmtree(one.path)
        assert (files / "state.json").is_file() and list(files.glob("*.distcp"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints"]


def test_what_cannot_be_written_is_one_sentence(
    unbroken: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(run: Path, step: int = 5) -> str:
        assert main(["--run", str(run), "--step", str(step), "--out", str(tmp_path / "model")]) != 0
        error = capsys.readouterr().err.strip()
        assert error.startswith("python -m train.export_step: ") and "\n" not in error
        assert not (tmp_path / "model").exists() and not list(tmp_path.glob(".*"))
        return error

    assert "is no folder of a run" in said(tmp_path)
    run = tmp_path / "run"
    shutil.copytree(unbroken.folder, run, ignore=shutil.ignore_patterns("final", "models"))
    assert "has no checkpoint of step 7; there are: 5, 10, 15, 20" in said(run, 7)
    told = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(told | {"model": "nowhere/at/all"}))
    assert "the model nowhere/at/all cannot be loaded" in said(run)
    (run / "config.json").write_text(json.dumps(told))
    for path in (run / "checkpoints" / "step-10").glob("*.distcp"):
        path.write_bytes(b"torn")
    assert "this checkpoint cannot be read (EOFError); if the run dropped it" in said(run, 10)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("transformers.PreTrainedModel.save_pretrained", full)
    assert "the disk is full; the checkpoint is whole" in said(run)


def test_a_model_known_by_a_name_alone_is_found_again(rows: Path, tmp_path: Path) -> None:
    settings = ("max_steps=1", "save_every=1", "lora_rank=2")
    assert sft(tmp_path / "run", Path("s1-nano"), rows, *SETTINGS, *settings, recipe="s1-nano-lora") == 0
    assert main(["--run", str(tmp_path / "run"), "--step", "1", "--out", str(tmp_path / "model")]) == 0
    assert (tmp_path / "model" / "model.safetensors").is_file()
