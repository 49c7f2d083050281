"""One process: what a run leaves behind, how it ends, and that it goes on where it was."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter  # noqa: E402
from train_helpers import (  # noqa: E402
    HERE,
    SETTINGS,
    Trained,
    assert_same,
    sft,
    start,
    steps_done,
    wait_for,
    words,
)

from s1core import Budget, Sampling, load_engine, solve  # noqa: E402
from s1core.nano import WEIGHTS  # noqa: E402
from train.finetune.loop import Run, StepResult  # noqa: E402


def test_a_run_leaves_what_its_watchers_read(unbroken: Trained) -> None:
    assert unbroken.status["state"] == "done"
    assert (unbroken.status["step"], unbroken.status["total"]) == (20, 20)
    keys = {"step", "total", "loss", "lr", "grad_norm", "tokens_s", "step_s", "eta_s", "time"}
    assert all(row.keys() == keys for row in unbroken.metrics)
    assert list(unbroken.losses) == list(range(1, 21))
    assert unbroken.losses[20] < unbroken.losses[1] - 0.5
    assert unbroken.checkpoints == ["step-10", "step-15", "step-20", "step-5"]
    assert list((unbroken.folder / "tensorboard").glob("events.*"))
    config = json.loads((unbroken.folder / "config.json").read_text())
    assert config["recipe"] == "s1-nano" and config["data_facts"]["rows"] == 18


def test_the_result_is_loaded_by_transformers_and_thinks(unbroken: Trained, tiny: Path) -> None:
    import transformers

    final = unbroken.folder / "final"
    model = transformers.AutoModelForCausalLM.from_pretrained(final)
    before = transformers.AutoModelForCausalLM.from_pretrained(tiny)
    assert model.state_dict().keys() == before.state_dict().keys()
    assert not torch.equal(model.lm_head.weight, before.lm_head.weight)
    ours, theirs = (transformers.AutoTokenizer.from_pretrained(f) for f in (final, WEIGHTS))
    chat = [{"role": "user", "content": "How many r in raspberry? é<|im_end|>"}]
    assert ours.apply_chat_template(chat)["input_ids"] == theirs.apply_chat_template(chat)["input_ids"]
    receipt = json.loads((final / "receipt.json").read_text())
    assert receipt["steps"] == 20 and receipt["last_loss"] == unbroken.losses[20] and receipt["data"]["rows"] == 18
    engine = load_engine(str(final))
    try:
        trace = solve(engine, "How many r in raspberry?", Budget(max_thinking_tokens=8), Sampling())
        assert trace.receipt.thinking_tokens <= 8 and trace.receipt.closed_by in ("budget", "model")
    finally:
        engine.close()


def test_weights_that_are_tied_are_written_once(tmp_path: Path, rows: Path) -> None:
    import transformers

    assert sft(tmp_path / "run", WEIGHTS, rows, *SETTINGS, "max_steps=1", "sharding=fsdp", "save_dtype=bfloat16") == 0
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "final")
    assert model.dtype == torch.bfloat16 and model.lm_head.weight is model.model.embed_tokens.weight


@pytest.mark.parametrize(
    "settings", [["sharding=fsdp"], ["packing=true"], ["micro_batch=3", "loss_chunk=7", "kept_layers=1"]]
)
def test_how_it_is_computed_changes_no_loss(
    unbroken: Trained, tiny: Path, rows: Path, tmp_path: Path, settings: list[str]
) -> None:
    checkpointed = "activation_checkpointing=true"
    assert sft(tmp_path / "run", tiny, rows, *SETTINGS, "save_every=0", checkpointed, *settings) == 0
    assert_same(Trained(tmp_path / "run").losses, unbroken.losses, within=1e-3)


@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_layers_learn_alike(tiny: Path, rows: Path, tmp_path: Path) -> None:
    settings = (
        *SETTINGS,
        "max_steps=3",
        "save_every=0",
        "sharding=fsdp",
        "activation_checkpointing=true",
        "lora_rank=4",
    )
    assert sft(tmp_path / "plain", tiny, rows, *settings) == 0
    assert sft(tmp_path / "compiled", tiny, rows, *settings, "compile=true", "kept_layers=1") == 0
    assert_same(Trained(tmp_path / "compiled").losses, Trained(tmp_path / "plain").losses, within=1e-3)


def test_bfloat16_learns_alike(unbroken: Trained, tiny: Path, rows: Path, tmp_path: Path) -> None:
    losses: list[dict[int, float]] = []
    for sharding in ("fsdp", "none"):
        folder = tmp_path / sharding
        assert sft(folder, tiny, rows, *SETTINGS, "save_every=0", "compute=bfloat16", f"sharding={sharding}") == 0
        losses.append(Trained(folder).losses)
    assert_same(losses[0], losses[1], within=0.05)
    assert_same(losses[0], unbroken.losses, within=0.1)


def test_held_out_losses_are_logged_and_every_row_can_count_alike(tiny: Path, rows: Path, tmp_path: Path) -> None:
    settings = ("max_steps=4", "eval_rows=5", "eval_every=2", "loss_weighting=row", "save_every=0")
    assert sft(tmp_path, tiny, rows, *SETTINGS, *settings) == 0
    held = {row["step"]: row["eval_loss"] for row in Trained(tmp_path).metrics if "eval_loss" in row}
    assert list(held) == [2, 4] and held[4] < held[2] < 7


@pytest.mark.parametrize("sharding", ["fsdp", "none"])
def test_lora_leaves_an_adapter_and_the_merged_model(tiny: Path, rows: Path, tmp_path: Path, sharding: str) -> None:
    import peft
    import transformers

    settings = (*SETTINGS, f"sharding={sharding}", "activation_checkpointing=true", "lora_dropout=0.1")
    assert sft(tmp_path / "a", tiny, rows, *settings, "max_steps=8", recipe="s1-nano-lora") == 0
    # The same with a break: dropout draws what it would have drawn.
    stopped = tmp_path / "b"
    with pytest.MonkeyPatch.context() as patch:
        _stop_file_after(patch, stopped, 5)
        assert sft(stopped, tiny, rows, *settings, "max_steps=8", recipe="s1-nano-lora") == 0
    assert Trained(stopped).status["state"] == "stopped"
    assert sft(stopped, tiny, rows, *settings, "max_steps=8", recipe="s1-nano-lora", resume=True) == 0
    assert_same(Trained(stopped).losses, Trained(tmp_path / "a").losses, within=0.0)

    final = tmp_path / "a" / "final"
    merged = transformers.AutoModelForCausalLM.from_pretrained(final)
    base = transformers.AutoModelForCausalLM.from_pretrained(tiny)
    ids = torch.arange(40)[None]
    plain = base(ids).logits
    adapted = peft.PeftModel.from_pretrained(base, str(final / "adapter"))
    assert torch.allclose(merged(ids).logits, adapted(ids).logits, atol=1e-4)
    assert not torch.allclose(merged(ids).logits, plain, atol=1e-2)
    saved = FileSystemReader(tmp_path / "a" / "checkpoints" / "step-5").read_metadata().state_dict_metadata
    assert saved and all("lora_" in name or "param_groups" in name for name in saved)  # frozen weights are not saved


def _stop_file_after(patch: pytest.MonkeyPatch, folder: Path, step: int) -> None:
    whole = Run._one_step

    def one_step(self: Run, number: int) -> StepResult:
        if number == step - 1:
            (folder / "STOP").touch()
        return whole(self, number)

    patch.setattr(Run, "_one_step", one_step)


def test_a_run_killed_at_a_step_resumes_to_the_same_losses(
    unbroken: Trained, tiny: Path, rows: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    process = start([str(HERE / "slow_sft.py"), *words(folder, tiny, rows, *SETTINGS)], tmp_path / "log")
    wait_for(lambda: steps_done(folder) >= 7)
    process.kill()
    process.wait()
    # As a kill in the middle of a save, and of a line, would leave it.
    (folder / "checkpoints" / ".step-10.tmp").mkdir()
    (folder / "checkpoints" / "step-9").mkdir()
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 8, "lo')
    assert Trained(folder).status["state"] == "running"
    assert sft(folder, tiny, rows, *SETTINGS, resume=True) == 0
    assert_same(Trained(folder).losses, unbroken.losses, within=0.0)
    assert Trained(folder).status["state"] == "done"


def test_sigterm_saves_and_ends_cleanly(unbroken: Trained, tiny: Path, rows: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start([str(HERE / "slow_sft.py"), *words(folder, tiny, rows, *SETTINGS)], tmp_path / "log")
    wait_for(lambda: steps_done(folder) >= 2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    run = Trained(folder)
    assert run.status["state"] == "stopped" and "--resume goes on" in run.status["reason"]
    assert run.checkpoints == [f"step-{run.status['step']}"]
    assert sft(folder, tiny, rows, *SETTINGS, resume=True) == 0
    assert_same(run.losses, unbroken.losses, within=0.0)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_checkpoint(
    tiny: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sft(tmp_path, tiny, rows, *SETTINGS, "lr=1e36", "clip_norm=0", "save_every=1") == 1
    run = Trained(tmp_path)
    step = run.status["step"] + 1
    assert run.status["state"] == "failed"
    assert f"at step {step}, which was not applied; the checkpoint of step {step - 1} is kept" in run.status["reason"]
    assert run.status["reason"] in capsys.readouterr().err
    assert f"step-{step - 1}" in run.checkpoints and not (tmp_path / "final").exists()


def test_a_full_disk_keeps_the_checkpoint_before(
    unbroken: Trained, tiny: Path, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = FileSystemWriter.write_data

    def write_data(self: FileSystemWriter, plan: Any, planner: Any) -> Any:
        if "step-10" in str(self.path):
            (Path(self.path) / "torn").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(self, plan, planner)

    monkeypatch.setattr(FileSystemWriter, "write_data", write_data)
    assert sft(tmp_path, tiny, rows, *SETTINGS) == 1
    run = Trained(tmp_path)
    assert run.status["state"] == "failed"
    assert "step 10 cannot be saved: the disk is full; the checkpoint of step 5 is whole" in run.status["reason"]
    assert run.checkpoints == ["step-5"] and not list((tmp_path / "checkpoints").glob(".*"))
    monkeypatch.undo()
    assert sft(tmp_path, tiny, rows, *SETTINGS, resume=True) == 0
    assert_same(run.losses, unbroken.losses, within=0.0)


def test_a_folder_holds_one_run_with_one_kind_of_settings(
    unbroken: Trained, tiny: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(unbroken.folder, folder)
    assert sft(folder, tiny, rows, *SETTINGS) == 1
    assert "holds a run (step 20); add --resume" in capsys.readouterr().err
    assert sft(folder, tiny, rows, *SETTINGS, "lr=0.02", "seed=3", resume=True) == 1
    assert "begun with other settings (lr, seed)" in capsys.readouterr().err
    other = tmp_path / "rows.jsonl"
    other.write_text("".join(rows.read_text().splitlines(keepends=True)[1:]))
    assert sft(folder, tiny, other, *SETTINGS, resume=True) == 1
    assert "other settings (data)" in capsys.readouterr().err
    began = time.monotonic()
    assert sft(folder, tiny, rows, *SETTINGS, "micro_batch=4", resume=True) == 0
    assert time.monotonic() - began < 20 and Trained(folder).status["state"] == "done"
    shutil.rmtree(folder / "checkpoints" / "step-20" / "__0_0.distcp", ignore_errors=True)
    (folder / "checkpoints" / "step-20" / "__0_0.distcp").unlink(missing_ok=True)
    assert sft(folder, tiny, rows, *SETTINGS, resume=True) == 1
    assert "step-20 cannot be loaded" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["max_length=4096"], "max_length=4096 is more than the 1024 tokens"),
        (["lora_rank=4", "lora_targets=nothing"], "lora_targets='nothing' fits no module"),
        (["eval_rows=99"], "no row of .* is left to learn from"),
        (["device=cuda"], "torch sees no GPU"),
        (["model=nowhere/at/all"], "the model nowhere/at/all cannot be loaded"),
    ],
)
def test_what_cannot_be_trained_is_told_in_one_sentence(
    tiny: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: list[str], said: str
) -> None:
    if settings == ["device=cuda"] and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    model = "nowhere/at/all" if settings[0].startswith("model") else tiny
    assert sft(tmp_path, Path(model), rows, *SETTINGS, *[s for s in settings if not s.startswith("model")]) != 0
    import re

    error = capsys.readouterr().err.strip()
    assert re.search(said, error) and "Traceback" not in error
    if settings != ["device=cuda"]:
        assert Trained(tmp_path).status["state"] == "failed"
