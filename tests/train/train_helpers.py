"""Short ways to run and read a training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.sft import main

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
SETTINGS = (
    "global_batch=4",
    "micro_batch=2",
    "max_steps=20",
    "save_every=5",
    "keep=9",
    "max_length=1024",
    "eval_rows=0",
    "lr=0.01",
)


def words(folder: Path, model: Path, data: Path, *settings: str, recipe: str = "s1-nano") -> list[str]:
    """The command line's arguments."""
    given = ["--recipe", recipe, "--model", str(model), "--data", str(data), "--out", str(folder)]
    return [*given, *(word for setting in settings for word in ("--set", setting))]


def sft(folder: Path, model: Path, data: Path, *settings: str, recipe: str = "s1-nano", resume: bool = False) -> int:
    """Train in this process; returns the exit code."""
    return main([*words(folder, model, data, *settings, recipe=recipe), *(["--resume"] if resume else [])])


@dataclass(frozen=True)
class Trained:
    """A run's folder, read."""

    folder: Path

    @property
    def status(self) -> dict[str, Any]:
        return json.loads((self.folder / "status.json").read_text())

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "metrics.jsonl").read_text().splitlines()]

    @property
    def losses(self) -> dict[int, float]:
        return {row["step"]: row["loss"] for row in self.metrics if "loss" in row}

    @property
    def checkpoints(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "checkpoints").iterdir())


def assert_same(left: dict[int, float], right: dict[int, float], within: float) -> None:
    """The same steps, with losses that differ by no more than this."""
    assert left.keys() == right.keys()
    worst = max(abs(left[step] - right[step]) for step in left)
    assert worst <= within, worst


def start(program: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, with one thread."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{HERE}"}
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, *program], cwd=ROOT, env=environment, stdout=file, stderr=file, start_new_session=True
        )


def torchrun(script: str, *arguments: str) -> list[str]:
    """Two processes of this machine."""
    return ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", script, *arguments]


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def steps_done(folder: Path) -> int:
    """The last step that is in the log."""
    try:
        return max((row["step"] for row in Trained(folder).metrics), default=0)
    except (OSError, ValueError):
        return 0
