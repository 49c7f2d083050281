"""The launcher on this machine: shown as it runs, stopped without loss, and no process left whatever dies."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from train_helpers import Trained, start, steps_done, wait_for, words  # noqa: E402

from s1core.errors import InvalidSetting  # noqa: E402
from train.launch import main  # noqa: E402
from train.launcher.local import MARK, gpus_here  # noqa: E402
from train.launcher.slurm import minutes  # noqa: E402

LONG = ("global_batch=4", "micro_batch=2", "epochs=900", "save_every=5", "keep=2", "max_length=1024")


def marked_by(launcher: int) -> list[int]:
    """All that this launcher started, wherever it went."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{MARK}={launcher}-".encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def test_a_rank_that_dies_takes_all_with_it_and_the_run_goes_on_until_it_is_stopped(
    tiny: Path, rows: Path, tmp_path: Path
) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    launch = ["-m", "train.launch", "--processes", "2", *words(run, tiny, rows, *LONG)]
    launcher = start(launch, log)
    wait_for(lambda: steps_done(run) >= 6)
    # The first process writes the status; without it, the launcher does.
    os.kill(Trained(run).status["pid"], signal.SIGKILL)
    assert launcher.wait(90) == 1
    assert marked_by(launcher.pid) == []
    status = Trained(run).status
    assert status["state"] == "failed" and "start the same command with --resume" in status["reason"]
    assert log.read_text().splitlines()[-1] == f"python -m train.launch: {status['reason']}"
    launcher = start([*launch, "--resume"], log)
    wait_for(lambda: "resumed at step" in log.read_text() and steps_done(run) > status["step"])
    os.kill(launcher.pid, signal.SIGTERM)
    assert launcher.wait(60) == 0, log.read_text()[-2_000:]
    assert marked_by(launcher.pid) == []
    stopped = Trained(run)
    assert stopped.status["state"] == "stopped" and f"step-{stopped.status['step']}" in stopped.checkpoints
    assert stopped.status["step"] > status["step"] and not (run / "STOP").exists()


def test_one_process_that_fails_says_why_once_more(tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": 1}\n')
    assert main([*words(tmp_path / "run", tiny, rows)]) == 1
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("python -m train.launch: ") and Trained(tmp_path / "run").status["reason"] in last


def test_what_is_printed_is_what_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = words(tmp_path / "run", Path("m odel"), Path("rows.jsonl"))
    assert main(["--processes", "2", "--print", *asked]) == 0
    told = shlex.split(capsys.readouterr().out)
    assert told[:3] == [sys.executable, "-m", "torch.distributed.run"] and "--standalone" in told
    assert told[told.index("train.sft") + 1 :] == asked
    assert main(["--processes", "1", "--print", *asked]) == 0
    assert shlex.split(capsys.readouterr().out) == [sys.executable, "-m", "train.sft", *asked]
    slurm = ["--on", "slurm", "--nodes", "2", "--gpus-per-node", "8", "--time", "1-12", "--partition", "gpu"]
    assert main([*slurm, "--slurm", "mem=0", "--setup", "module load cuda", "--print", *asked]) == 0
    told = capsys.readouterr().out
    for line in ("--nodes=2", "--gpus-per-node=8", "--time=2160", "--partition=gpu", "--mem=0", "--cpus-per-task=64"):
        assert f"#SBATCH {line}" in told
    assert "srun --unbuffered" in told and "--cpus-per-task 64" in told
    assert "--nproc-per-node 8 --nnodes 2" in told and told.rstrip().endswith("--resume") and "module load cuda" in told
    assert not (tmp_path / "run").exists()


def test_bad_input_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = words(tmp_path / "run", tmp_path, tmp_path / "rows.jsonl")

    def said(*given: str) -> str:
        assert main([*given]) == 2
        return capsys.readouterr().err

    assert "unknown recipe 'x'; known: s1-32b" in said("--recipe", "x")
    assert "unknown key 'y'; known:" in said(*asked, "--set", "y=1")
    assert "--processes must be at least 1" in said("--processes", "0", *asked)
    assert "--time takes" in said("--on", "slurm", "--time", "soon", *asked)
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"port {port} is taken" in said("--processes", "2", "--port", port, *asked)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "Slurm is not here (no sbatch); run this on" in said("--on", "slurm", *asked)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "expected"), [("30", 30), ("24:00:00", 1440), ("1-12", 2160), ("2-00:30:00", 2910), ("90:30", 91)]
)
def test_times(text: str, expected: int) -> None:
    assert minutes(text) == expected


def test_gpus_that_may_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for seen, count in (("0,3", 2), ("", 0), ("-1", 0)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
        assert gpus_here() == count
    for wrong in ("soon", "0"):
        with pytest.raises(InvalidSetting):
            minutes(wrong)
