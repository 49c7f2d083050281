"""A real Slurm with two nodes: submitted, followed, asked to make room, resumed, ended; and another stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

pytest.importorskip("torch")

from slurm_here import slurm, why_not  # noqa: E402
from train_helpers import Trained, start, steps_done, wait_for, words  # noqa: E402

from train.launcher.slurm import state_of  # noqa: E402

if _WHY := why_not():
    pytest.skip(_WHY, allow_module_level=True)

LAUNCH = ["-m", "train.launch", "--on", "slurm", "--nodes", "2", "--time", "20", "--cpus-per-node", "1"]
STEPS = ("global_batch=4", "micro_batch=2", "save_every=5", "keep=2", "max_length=1024")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Generator[Path, None, None]:
    # munge wants a socket whose path is short, in a folder that nobody else may change.
    with tempfile.TemporaryDirectory(prefix="s1-slurm-") as folder, slurm(Path(folder)) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield Path(folder)


def scontrol(*given: str) -> str:
    return subprocess.run(["scontrol", *given], capture_output=True, text=True, check=True, timeout=30).stdout


def nodes_are_clear(job: str) -> bool:
    """Whether nothing of the job is left on its nodes."""
    stepds = subprocess.run(["pgrep", "-f", rf"slurmstepd: \[{job}\."], capture_output=True, timeout=30)
    return stepds.returncode == 1 and scontrol("show", "node", "-o").count("State=IDLE ") == 2


def test_two_nodes(cluster: Path, tiny: Path, rows: Path, tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    asked = words(run, tiny, rows, *STEPS, "epochs=20")
    refused = subprocess.run(
        [sys.executable, *LAUNCH, "--partition", "none", *asked], capture_output=True, text=True, env=os.environ
    )
    assert refused.returncode == 2 and "Slurm refuses the job (Invalid partition name" in refused.stderr
    follower = start([*LAUNCH, *asked], log)
    wait_for(lambda: steps_done(run) >= 6, 90)
    job = json.loads((run / "slurm" / "job.json").read_text())["job"]
    # Somebody needs the nodes: the run saves, is queued again, and goes on from there.
    subprocess.run(["scancel", "--signal", "USR2", job], check=True, timeout=30)
    wait_for(lambda: Trained(run).status["state"] == "stopped", 60)
    kept = Trained(run).status["step"]
    assert f"step-{kept}" in Trained(run).checkpoints
    wait_for(lambda: state_of(job) == "PENDING", 30)
    again = start([*LAUNCH, "--detach", *asked], tmp_path / "again")
    assert again.wait(60) == 0 and f"job {job} works in {run} already" in (tmp_path / "again").read_text()
    # Slurm would wait for two minutes, so that the end of the first start is not taken for one of the second.
    wait_for(lambda: nodes_are_clear(job), 60)
    # Within the second in which it was queued again, a node takes its second start for its first, and refuses it.
    scontrol("update", f"JobId={job}", "StartTime=now+3")
    assert follower.wait(90) == 0, log.read_text()[-3_000:]
    told = log.read_text()
    assert f"resumed at step {kept}" in told and "step 100/100" in told and f"job {job}: completed" in told
    assert Trained(run).status["state"] == "done" and (run / "final" / "model.safetensors").exists()

    run, log = tmp_path / "stopped", tmp_path / "log2"
    follower = start([*LAUNCH, *words(run, tiny, rows, *STEPS, "epochs=2000")], log)
    wait_for(lambda: steps_done(run) >= 3, 90)
    follower.terminate()
    assert follower.wait(60) == 0, log.read_text()[-3_000:]
    assert Trained(run).status["state"] == "stopped" and "asked to stop" in Trained(run).status["reason"]
    assert state_of(json.loads((run / "slurm" / "job.json").read_text())["job"]) == "COMPLETED"
