"""Two processes under torchrun: truly sharded, the same losses as one, and no orphans when one dies."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from train_helpers import (  # noqa: E402
    HERE,
    SETTINGS,
    Trained,
    assert_same,
    sft,
    start,
    steps_done,
    torchrun,
    wait_for,
    words,
)

from train.export_step import main as export_step  # noqa: E402


@pytest.fixture(scope="module")
def two(tiny: Path, rows: Path, unbroken: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five runs by two processes: all weights, packed, adapters with FSDP and without, one that one process began."""
    folder = tmp_path_factory.mktemp("two")
    shutil.copytree(
        unbroken.folder, folder / "after-one", ignore=shutil.ignore_patterns("final", "models", "step-[12]?")
    )
    lora = ("max_steps=6", "save_every=3")
    asked = [
        words(folder / "all", tiny, rows, *SETTINGS),
        words(folder / "packed", tiny, rows, *SETTINGS, "packing=true", "save_every=0", "sync_each_batch=false"),
        words(folder / "lora", tiny, rows, *SETTINGS, *lora, recipe="s1-nano-lora"),
        words(folder / "lora-whole", tiny, rows, *SETTINGS, *lora, "sharding=none", recipe="s1-nano-lora"),
        [*words(folder / "after-one", tiny, rows, *SETTINGS), "--resume"],
    ]
    (folder / "runs.json").write_text(json.dumps(asked))
    process = start(torchrun(str(HERE / "several_sft.py"), str(folder / "runs.json")), folder / "log")
    assert process.wait(120) == 0, (folder / "log").read_text()[-3_000:]
    return folder


def test_losses_are_those_of_one_process(two: Path, unbroken: Trained) -> None:
    for name in ("all", "packed"):
        assert_same(Trained(two / name).losses, unbroken.losses, within=1e-3)


def test_each_process_holds_half_of_the_parameters(two: Path, unbroken: Trained) -> None:
    (whole,) = json.loads((unbroken.folder / "config.json").read_text())["parameters_held"]
    held = json.loads((two / "all" / "config.json").read_text())["parameters_held"]
    assert sum(held) == whole and all(abs(n / whole - 0.5) < 0.02 for n in held)
    assert json.loads((two / "lora-whole" / "config.json").read_text())["parameters_held"][0] > whole


def test_the_result_is_that_of_one_process(two: Path, unbroken: Trained) -> None:
    from safetensors.torch import load_file

    left, right = (load_file(f / "final" / "model.safetensors") for f in (two / "all", unbroken.folder))
    assert left.keys() == right.keys()
    assert all(torch.allclose(left[name], right[name], atol=1e-4) for name in left)


def test_what_two_processes_saved_becomes_a_model_in_one(two: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    for name, step in (("all", 20), ("lora", 6)):
        assert export_step(["--run", str(two / name), "--step", str(step), "--out", str(tmp_path / name)]) == 0
        left, right = (load_file(folder / "model.safetensors") for folder in (tmp_path / name, two / name / "final"))
        assert left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


def test_adapters_are_trained_alike_with_and_without_fsdp(two: Path, tiny: Path, rows: Path, tmp_path: Path) -> None:
    settings = (*SETTINGS, "max_steps=6", "save_every=0", "sharding=none")
    assert sft(tmp_path, tiny, rows, *settings, recipe="s1-nano-lora") == 0
    for name in ("lora", "lora-whole"):
        assert_same(Trained(two / name).losses, Trained(tmp_path).losses, within=1e-3)
        assert (two / name / "final" / "adapter" / "adapter_model.safetensors").exists()


def test_one_process_goes_on_where_two_were(
    two: Path, unbroken: Trained, tiny: Path, rows: Path, tmp_path: Path
) -> None:
    for name in ("step-15", "step-20"):
        shutil.rmtree(two / "all" / "checkpoints" / name)
    assert sft(two / "all", tiny, rows, *SETTINGS, resume=True) == 0
    assert_same(Trained(two / "all").losses, unbroken.losses, within=1e-3)


def test_two_processes_go_on_where_one_was(two: Path, unbroken: Trained) -> None:
    assert "resumed at step 5" in (two / "log").read_text()
    assert_same(Trained(two / "after-one").losses, unbroken.losses, within=1e-3)


def test_one_that_is_killed_takes_the_other_with_it_and_the_run_resumes(
    unbroken: Trained, tiny: Path, rows: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    script = str(HERE / "slow_sft.py")
    process = start(torchrun(script, *words(folder, tiny, rows, *SETTINGS)), tmp_path / "log")
    wait_for(lambda: steps_done(folder) >= 6)
    first = Trained(folder).status["pid"]
    (second,) = [pid for pid in _children(process.pid) if pid != first]
    os.kill(second, signal.SIGKILL)
    assert process.wait(60) != 0
    assert not _alive(first)
    status = Trained(folder).status
    assert status["state"] == "failed" and "start the same command with --resume" in status["reason"]
    # On two processes again; and now both are killed, with nobody to say a word.
    again = torchrun(script, *words(folder, tiny, rows, *SETTINGS), "--resume")
    process = start(again, tmp_path / "log")
    wait_for(lambda: steps_done(folder) >= 12)
    for pid in _children(process.pid):
        os.kill(pid, signal.SIGKILL)
    assert process.wait(60) != 0 and Trained(folder).status["state"] == "running"
    process = start(again, tmp_path / "log")
    assert process.wait(90) == 0, (tmp_path / "log").read_text()[-3_000:]
    assert_same(Trained(folder).losses, unbroken.losses, within=1e-3)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
