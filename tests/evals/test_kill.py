"""A real run of s1-nano by the command line, killed at any moment: nothing is lost, repeated or torn."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evals.evaluate import row_key
from s1core.store import read_manifest, read_rows

ROOT = Path(__file__).parents[2]
KILLS = 20
RUN = ["evals.run", "--limit", "16", "--concurrency", "12", "--budgets", "0,32,128", "--waits", "1,2"]
SWEEP = ["evals.sweep", "--limit", "16", "--concurrency", "12", "--budgets", "0,32,128,none", "--waits", "0,1,2"]

# Loading torch takes seconds, the model a tenth of one: one process loads torch and forks one that measures for each
# command. A forked process has no threads, engines or files of others, so it is as good as a fresh one.
NURSERY = """
import importlib, json, os, resource, sys
import s1core.engines.hf.engine
import transformers.models.qwen2.modeling_qwen2
from transformers import AutoModelForCausalLM, AutoTokenizer
commands = {name: importlib.import_module(name) for name in ("evals.run", "evals.sweep")}
print("ready", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if "wait" in asked:
        print(os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1]), flush=True)
        continue
    pid = os.fork()
    if pid == 0:
        log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if asked["largest_file"] is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (asked["largest_file"],) * 2)
        sys.exit(commands[asked["argv"][0]].main(asked["argv"][1:]))
    print(pid, flush=True)
"""


class Nursery:
    """Starts commands in processes of their own."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._started = 0
        command = [sys.executable, "-c", NURSERY]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._read() == "ready"

    def start(self, argv: list[str], out: Path, largest_file: int | None = None) -> int:
        self._started += 1
        asked = {"argv": [*argv, "--out", str(out)], "log": str(self._log), "largest_file": largest_file}
        return int(self._ask(asked))

    @property
    def _log(self) -> Path:
        return self._logs / f"{self._started}.txt"

    @property
    def said(self) -> str:
        """What the command that was started last has written."""
        return self._log.read_text()

    def wait(self, pid: int) -> int:
        return int(self._ask({"wait": pid}))

    def run(self, argv: list[str], out: Path, largest_file: int | None = None) -> int:
        return self.wait(self.start(argv, out, largest_file))

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _ask(self, what: dict[str, Any]) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path_factory.mktemp("logs"))
    yield nursery
    nursery.close()


@pytest.fixture(scope="module")
def unbroken(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[Any], float]]:
    """The rows of both commands when nobody disturbs them, and the seconds that they took."""
    made: dict[str, tuple[list[Any], float]] = {}
    for argv in (RUN, SWEEP):
        folder = tmp_path_factory.mktemp("unbroken")
        began_s = time.monotonic()
        assert nursery.run(argv, folder) == 0, nursery.said
        made[argv[0]] = list(read_rows(folder)), time.monotonic() - began_s
    return made


def lines(folder: Path) -> bytes:
    path = folder / "samples.jsonl"
    return path.read_bytes() if path.exists() else b""


@pytest.mark.parametrize("argv", [RUN, SWEEP], ids=["run", "sweep"])
def test_twenty_kills_change_nothing(
    nursery: Nursery, unbroken: dict[str, tuple[list[Any], float]], tmp_path: Path, argv: list[str]
) -> None:
    expected, took_s = unbroken[argv[0]]
    draw = random.Random(20)
    interrupted = 0
    for _ in range(KILLS):
        before = lines(tmp_path)
        pid = nursery.start(argv, tmp_path)
        # Anywhere: while the model is loaded, while samples are drawn, while lines are written.
        time.sleep(draw.uniform(0, took_s / 3))
        os.kill(pid, signal.SIGKILL)
        interrupted += nursery.wait(pid) == -signal.SIGKILL
        # Whole lines that were there stay, byte for byte; a torn one is dropped.
        assert lines(tmp_path).startswith(before[: before.rfind(b"\n") + 1])
    assert interrupted > KILLS / 2
    assert nursery.run(argv, tmp_path) == 0, nursery.said

    content = lines(tmp_path)
    assert content.endswith(b"\n")
    rows = [json.loads(line) for line in content.splitlines()]
    keys = [row_key(row) for row in rows]
    assert len(set(keys)) == len(keys)
    assert {row_key(row): row for row in rows} == {row_key(row): row for row in expected}


def test_a_second_writer_is_refused(nursery: Nursery, unbroken: dict[str, Any], tmp_path: Path) -> None:
    first = nursery.start(RUN, tmp_path)
    while not lines(tmp_path):
        time.sleep(0.01)
    assert nursery.run(RUN, tmp_path) == 2
    assert "another process is writing" in nursery.said
    assert nursery.wait(first) == 0
    assert sorted(map(row_key, read_rows(tmp_path))) == sorted(map(row_key, unbroken["evals.run"][0]))


def test_a_full_disk_is_told_and_the_run_resumes(nursery: Nursery, unbroken: dict[str, Any], tmp_path: Path) -> None:
    assert nursery.run(RUN, tmp_path, largest_file=8_000) == 2
    assert "samples.jsonl cannot be extended" in nursery.said
    before = lines(tmp_path)
    assert 4_000 < len(before) <= 8_000 and before.endswith(b"\n")
    assert nursery.run(RUN, tmp_path) == 0
    assert lines(tmp_path).startswith(before)
    assert sorted(map(row_key, read_rows(tmp_path))) == sorted(map(row_key, unbroken["evals.run"][0]))
    assert read_manifest(tmp_path)["config"]["questions"] == 16
