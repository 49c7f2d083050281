"""Starts commands of the project in processes that can be killed, hundreds of times in minutes.

`python -m tests.faults.nursery` loads the libraries once, which takes seconds, and forks a process for each command. A
forked process has no threads, engines or files of others, so it is as good as a fresh one.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARIES = (
    *("app.__main__", "app.build", "curate.run", "evals.sweep", "tests.faults.launcher"),
    *("s1core.engines.hf.engine", "transformers.models.qwen2.modeling_qwen2"),
)


class Nursery:
    """Starts commands and buries them."""

    def __init__(self, folder: Path) -> None:
        """Load the libraries.

        Args:
            folder: of all data that commands keep, and of what they say.
        """
        self._logs = folder / "logs"
        self._logs.mkdir(parents=True)
        self._started = 0
        places = {f"S1_{name.upper()}": str(folder / name) for name in ("curated", "runs", "jobs")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **places, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        )
        if self._read() != "ready":
            raise RuntimeError("the libraries cannot be loaded")

    @property
    def said(self) -> str:
        """What the last command has written."""
        return (self._logs / f"{self._started}.txt").read_text(encoding="utf-8", errors="replace")

    def start(self, module: str, *argv: str) -> int:
        """Begin `python -m module argv`; return the number of its process."""
        self._started += 1
        return int(self._ask([module, str(self._logs / f"{self._started}.txt"), *argv]))

    def wait(self, pid: int) -> int:
        """Return the exit code of a process that ends; negative for a signal."""
        return int(self._ask(pid))

    def close(self) -> None:
        """End."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()

    def _ask(self, what: list[str] | int) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def _run(module: str, log: str, *argv: str) -> None:
    kept = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(kept, 1)
    os.dup2(kept, 2)
    sys.exit(importlib.import_module(module).main(list(argv)))


def main() -> None:
    """Serve until the input ends."""
    for name in LIBRARIES:
        importlib.import_module(name)
    from transformers import AutoModelForCausalLM, AutoTokenizer

    del AutoModelForCausalLM, AutoTokenizer
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    there: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if isinstance(asked, int):
            told = os.waitstatus_to_exitcode(os.waitpid(asked, 0)[1])
            there.discard(asked)
        elif (told := os.fork()) == 0:
            _run(*asked)
        else:
            there.add(told)
        sys.stdout.write(f"{told}\n")
        sys.stdout.flush()
    for pid in there:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
