"""A fine-tuning that the Train tab hands to a real Slurm: refused, followed, found again, stopped."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from app.artifacts.curated.sets import SetStore
from app.jobs.registry import Jobs
from app.tabs.train.form import TrainingRequest
from app.tabs.train.jobs import TrainJobs
from app.tabs.train.runs import TrainingRunStore
from app.tabs.train.slurm import is_here
from tests.app.tabs.train.test_train_form import read
from tests.app.tabs.train.train_data import write_rows
from tests.train.launcher.slurm_here import slurm, why_not

if _WHY := why_not():
    pytest.skip(_WHY, allow_module_level=True)

SETTINGS = "global_batch=2\nmicro_batch=2\nepochs=100000\nsave_every=0"


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Generator[None, None, None]:
    # munge wants a socket whose path is short, in a folder that nobody else may change.
    with tempfile.TemporaryDirectory(prefix="s1-slurm-") as folder, slurm(Path(folder)) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        yield


def wait_for(what: Callable[[], object], within_s: float = 90) -> None:
    ends = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < ends, "it took too long"
        time.sleep(0.1)


def test_a_run_under_slurm_is_followed_found_again_and_stopped(cluster: None, tmp_path: Path) -> None:
    assert is_here()
    sets = SetStore(tmp_path / "curated")
    rows = str(write_rows(tmp_path / "rows.jsonl"))

    def asked(**changes: Any) -> TrainingRequest:
        return read(sets, where="Slurm", data=rows, settings=SETTINGS, name="mine", time="20", **changes)

    def look() -> tuple[TrainJobs, dict[str, object]]:
        """As a server does that was started just now."""
        jobs = TrainJobs(tmp_path / "sft", Jobs(tmp_path / "jobs"))
        store = TrainingRunStore(jobs, sets)
        return jobs, store.view(store.find("mine"), owner=True)

    def view(key: str) -> object:
        return look()[1][key]

    jobs = TrainJobs(tmp_path / "sft", Jobs(tmp_path / "jobs"))
    jobs.launch(asked(partition="none"))
    wait_for(lambda: view("state") == "failed")
    assert "Slurm refuses the job (Invalid partition name" in str(view("reason"))
    jobs.launch(asked(nodes=3))
    wait_for(lambda: "pending" in str(view("waits")))
    jobs.stop("mine")
    wait_for(lambda: view("state") == "stopped")

    jobs.launch(asked())
    wait_for(lambda: view("step"))
    assert view("state") == "running" and view("waits") == "" and view("command") == asked().command(jobs.root)
    # Whoever follows it is killed; Slurm does not mind, and the same form finds the job again.
    job = jobs.of("mine")
    assert job is not None
    os.killpg(job.pid, signal.SIGKILL)
    wait_for(lambda: view("state") == "failed")
    again, _ = look()
    again.launch(asked())
    wait_for(lambda: "works in" in str(again.log(again.of("mine"), 0)["text"]))
    reached = len((tmp_path / "sft/mine/metrics.jsonl").read_text().splitlines())
    wait_for(lambda: len((tmp_path / "sft/mine/metrics.jsonl").read_text().splitlines()) > reached)
    again.stop("mine")
    wait_for(lambda: view("state") == "stopped")
    assert "asked to stop" in str(view("reason")) and view("saved")
