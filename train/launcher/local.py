"""The processes of one machine, watched: they are asked to end, then ended, and none outlives the launcher.

torchrun gives each of its processes a session of its own, so that no process group holds them all; a variable of the
environment does (`s1core.processes`).
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from s1core.errors import InvalidSetting
from s1core.processes import end_marked, signal_group
from train.finetune.run_folder import RunFolder, TrainingFailed

MARK = "S1_LAUNCH"
GRACE_S = 600.0
"""From the request to end until the end without asking: a step, and a checkpoint of a large model."""
SHUTDOWN_S = 60
"""What torchrun leaves its other processes when one of them has died; they may hang in an exchange with it."""
_POLL_S = 0.2


def torchrun(processes: int, rendezvous: Sequence[str], words: Sequence[str]) -> list[str]:
    """The command that starts `train.sft` in several processes of a machine."""
    many = ["--nproc-per-node", str(processes), *rendezvous, "--shutdown-timeout", str(SHUTDOWN_S)]
    return [sys.executable, "-m", "torch.distributed.run", *many, "-m", "train.sft", *words]


def local_command(processes: int, port: int | None, words: Sequence[str]) -> list[str]:
    """The command for this machine alone; without a port torchrun takes a free one."""
    if processes == 1:
        return [sys.executable, "-m", "train.sft", *words]
    here = ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"localhost:{port}"] if port else ["--standalone"]
    return torchrun(processes, here, words)


def require_free(port: int) -> None:
    """Refuse a port that something listens on, which torchrun would talk to in vain.

    Raises:
        InvalidSetting: it is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            raise InvalidSetting(
                f"port {port} is taken ({error.strerror}); choose another with --port, or leave it out for a free one"
            ) from None


def gpus_here() -> int:
    """GPUs that a run would see, by the driver's own list; 0 without a driver."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if seen is not None:
        return len([name for name in seen.split(",") if name.strip() not in ("", "-1")])
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in done.stdout.splitlines())


class StopRequests:
    """SIGTERM and SIGINT while the block runs: how often, and since when."""

    def __init__(self) -> None:
        self.times = 0
        self.since = 0.0

    def __enter__(self) -> StopRequests:
        self._before = {number: signal.signal(number, self._on) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on(self, number: int, frame: object) -> None:
        self.times += 1
        self.since = self.since or time.monotonic()

    def for_s(self) -> float:
        """Seconds since the first request; 0 before."""
        return time.monotonic() - self.since if self.since else 0.0


def ask_to_stop(out: Path) -> None:
    """Ask a run to save and end. Again and again: a run that begins clears an old request away."""
    if out.is_dir():
        with suppress(OSError):
            (out / "STOP").touch()


@contextmanager
def unmarked() -> Generator[None, None, None]:
    """Take away what marks the processes of a launcher, or of a job, to be ended with it.

    Slurm's processes outlive who submitted them, also on the same machine, and have its variables.
    """
    marks = {name: os.environ.pop(name) for name in (MARK, "S1_JOB") if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(marks)


def watch(argv: Sequence[str], out: Path, *, grace_s: float = GRACE_S, before: Callable[[], None] | None = None) -> int:
    """Run a command to its end; SIGTERM and SIGINT ask it to save and end, a second one insists.

    Args:
        argv: `train.sft`, with or without torchrun.
        out: the folder of its run.
        grace_s: how long saving and ending may take.
        before: called in the new process before the command.

    Returns:
        0 when the run is done or was stopped.

    Raises:
        TrainingFailed: how it ended otherwise; `status.json` says the same, and nothing is left running.
    """
    mark = f"{os.getpid()}-{secrets.token_hex(4)}"
    begun = time.time()
    with StopRequests() as asked:
        child = subprocess.Popen(
            argv,
            env={**os.environ, MARK: mark},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=before,  # noqa: PLW1509
        )
        insisted = 0.0
        try:
            while child.poll() is None:
                if asked.times == 1 and asked.for_s() < grace_s:
                    ask_to_stop(out)
                elif asked.times and not insisted:
                    insisted = time.monotonic()
                    signal_group(child.pid, signal.SIGTERM)
                elif insisted and time.monotonic() > insisted + SHUTDOWN_S + 15:
                    end_marked(MARK, mark, child.pid)
                time.sleep(_POLL_S)
        finally:
            end_marked(MARK, mark, child.pid)
            code = child.wait()
        return judged(out, begun, code, asked=asked.times > 0)


def judged(out: Path, begun: float, code: int, *, asked: bool) -> int:
    """What became of a run, by its own words; where it could not write them, they are written for it.

    Raises:
        TrainingFailed: it neither came to its end nor was stopped.
    """
    folder = RunFolder(out)
    folder.stop_file.unlink(missing_ok=True)
    status = folder.read_json("status.json")
    if status.get("time", 0) < begun:
        if asked:
            return 0
        raise TrainingFailed(f"it ended with exit code {code} before training began; the lines above say why")
    state, step, total = status.get("state"), status.get("step", 0), status.get("total", 0)
    if state == "running" and asked:
        state = "stopped"
        folder.set_status(state, step, total, "ended by force; --resume goes on from the last checkpoint")
    elif state == "running":
        reason = f"a process of this run was ended at step {step + 1}, as when the memory is spent; "
        status["reason"] = reason + "start the same command with --resume"
        folder.set_status("failed", step, total, status["reason"])
    if state in ("done", "stopped"):
        return 0
    raise TrainingFailed(status.get("reason") or f"it ended with exit code {code}")
