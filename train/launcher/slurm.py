"""A run under Slurm, through submitit: one task on each node, which starts torchrun there.

The run's folder lies on a file system that all nodes see. `slurm/` in it holds submitit's files, the logs and where
the nodes meet; `slurm/job.json` names the job, so that the same command follows a job that is at work already. Before
the time is over, or when the job has to make room, the run is asked to save; it is queued again and resumes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from s1core.errors import InvalidSetting
from s1core.processes import began, is_there
from s1core.store import read_object, write_atomically
from train.finetune.run_folder import RunFolder, TrainingFailed
from train.launcher.local import GRACE_S, StopRequests, ask_to_stop, judged, torchrun, unmarked, watch
from train.launcher.submitit_compat import sbatch_file, submission_errors

PENDING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD", "SUSPENDED")
ACTIVE = (*PENDING, "RUNNING", "COMPLETING", "STOPPED", "SIGNALING", "STAGE_OUT", "PREEMPTED")
_POLL_S = 1.0
_MEET_S = 300.0
_LASTS_S = 5.0
_REQUEUE_S = 120.0
_REQUEUED = "requeued.txt"
"""In `slurm/`: the job, and which of its starts, counted from 0, has asked to be queued again."""
_REMEDY = "run this on a machine from which jobs are submitted, or use --on local"


@dataclass(frozen=True, kw_only=True)
class SlurmRequest:
    """What is asked of Slurm."""

    nodes: int
    processes: int
    """On each node."""
    gpus: int
    """On each node; 0 asks for none."""
    minutes: int
    cpus: int
    """On each node."""
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    more: dict[str, str] = field(default_factory=dict[str, str])
    """Any further option of sbatch."""
    setup: tuple[str, ...] = ()
    """Lines of shell before the run, as `module load cuda`."""
    save_s: int = 300
    """Seconds before the end of the time at which the run is asked to save."""

    def parameters(self, name: str) -> dict[str, Any]:
        """As submitit takes them."""
        given = {"partition": self.partition, "account": self.account, "qos": self.qos}
        asked = {
            "job_name": name,
            "time": self.minutes,
            "nodes": self.nodes,
            "ntasks_per_node": 1,
            "cpus_per_task": self.cpus,
            "gpus_per_node": self.gpus or None,
            "signal_delay_s": min(self.save_s, self.minutes * 60 // 2),
            "stderr_to_stdout": True,
            # srun does not take it over from sbatch any more.
            "srun_args": ["--cpus-per-task", str(self.cpus)],
            "additional_parameters": {"requeue": True, **self.more},
            "setup": list(self.setup) or None,
            **given,
        }
        return {key: value for key, value in asked.items() if value is not None}


def minutes(text: str) -> int:
    """Slurm's ways to write a time: minutes, HH:MM:SS, D-HH, D-HH:MM:SS.

    Raises:
        InvalidSetting: it is none of them.
    """
    found = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text.strip())
    if not found:
        raise InvalidSetting(f"--time takes minutes, HH:MM:SS or D-HH:MM:SS; got {text!r}")
    try:
        days, first, second, third = (int(part) if part else None for part in found.groups())
    except ValueError:  # thousands of digits
        raise InvalidSetting("--time takes minutes, and not that many") from None
    assert first is not None
    if days is not None:
        whole = days * 1440 + first * 60 + (second or 0) + (1 if third else 0)
    elif third is not None:
        whole = first * 60 + (second or 0) + (1 if third else 0)
    else:
        whole = first + (1 if second else 0)  # minutes, or minutes:seconds
    if whole < 1:
        raise InvalidSetting(f"--time must be at least a minute, got {text!r}")
    return whole


@dataclass
class NodeTask:
    """What submitit calls on every node."""

    words: list[str]
    out: str
    processes: int

    def __call__(self) -> int:
        """Start this node's processes, and wait for them."""
        nodes = int(os.environ.get("SLURM_JOB_NUM_NODES", "1"))
        argv = node_command(self.processes, self.words, *_meeting(Path(self.out)), nodes)
        print(" ".join(argv), flush=True)
        return watch(argv, Path(self.out), grace_s=GRACE_S, before=_ignore_slurms_signal)

    def checkpoint(self) -> Any:
        """Asked by submitit when the time or the place is needed: save, end, and be queued again."""
        from submitit.helpers import DelayedSubmission

        children = [(pid, began(pid)) for pid in _children()]
        print("asked to make room: the run saves, and goes on when it is its turn again", flush=True)
        ends = time.monotonic() + GRACE_S
        while any(is_there(pid, start) for pid, start in children) and time.monotonic() < ends:
            ask_to_stop(Path(self.out))
            time.sleep(0.2)
        start = os.environ.get("SLURM_RESTART_COUNT", "0")
        write_atomically(Path(self.out) / "slurm" / _REQUEUED, f"{os.environ['SLURM_JOB_ID']} {start}")
        return DelayedSubmission(self)


def node_command(
    processes: int, words: Sequence[str], own: str, endpoint: str, first: bool, job: str, nodes: int
) -> list[str]:
    """What one node runs.

    Args:
        processes: on this node.
        words: for `train.sft`.
        own: address of this node.
        endpoint: host and port at which all nodes meet.
        first: that is on this node.
        job: what tells this meeting from others.
        nodes: how many meet.
    """
    meet = ["--nnodes", str(nodes), "--rdzv-id", job, "--rdzv-backend", "c10d", "--rdzv-endpoint", endpoint]
    return torchrun(processes, [*meet, "--rdzv-conf", f"is_host={int(first)}", "--local-addr", own], words)


def _meeting(out: Path) -> tuple[str, str, bool, str]:
    """This node's address, where all meet, whether that is here, and the job's id with the count of its starts.

    The first node takes a port that is free there and writes it down for the others.

    Raises:
        TrainingFailed: the first node wrote nothing.
    """
    job = f"{os.environ['SLURM_JOB_ID']}-{os.environ.get('SLURM_RESTART_COUNT', '0')}"
    path, own, first = out / "slurm" / f"meet-{job}.txt", _address(), os.environ.get("SLURM_NODEID", "0") == "0"
    if first:
        with socket.socket() as probe:
            probe.bind(("", 0))
            write_atomically(path, f"{own}:{probe.getsockname()[1]}")
    ends = time.monotonic() + _MEET_S
    while not path.exists():
        if time.monotonic() > ends:
            raise TrainingFailed(f"the first node wrote no {path}; --out must lie on a file system that all nodes see")
        time.sleep(0.2)
    return own, path.read_text().strip(), first, job


def _address() -> str:
    """A name of this node that can be looked up: Slurm's, else its own."""
    for name in (os.environ.get("SLURMD_NODENAME", ""), socket.gethostname()):
        try:
            socket.getaddrinfo(name, None)
        except (OSError, UnicodeError):
            continue
        if name:
            return name
    return "localhost"


def _children() -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def _ignore_slurms_signal() -> None:
    # Slurm sends it to every process of the job; the task alone acts on it.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)


def batch_file(wanted: SlurmRequest, out: Path) -> str:
    """The file that sbatch gets, as submitit writes it."""
    return sbatch_file(out.absolute() / "slurm", wanted.parameters(f"s1-{out.name}"))


def resuming(words: Sequence[str]) -> list[str]:
    """The words for `train.sft`, so that it goes on where it was."""
    return [*words] if "--resume" in words else [*words, "--resume"]


def submit(wanted: SlurmRequest, words: Sequence[str], out: Path) -> str:
    """Hand a run to Slurm, or find the job that works in this folder already; returns the job's id.

    Raises:
        InvalidSetting: there is no Slurm here, or it refuses.
    """
    _require("sbatch")
    folder = out.absolute() / "slurm"
    job = str(read_object(folder / "job.json").get("job", ""))
    if job and state_of(job) in ACTIVE:
        print(f"job {job} works in {out} already: following it", flush=True)
        return job
    import submitit

    executor = submitit.SlurmExecutor(folder=folder, max_num_timeout=1_000)
    executor.update_parameters(**wanted.parameters(f"s1-{out.name}"))
    try:
        with unmarked():
            submitted = executor.submit(NodeTask(resuming(words), str(out.absolute()), wanted.processes))
    except submission_errors() as error:
        said = [line.partition("error:")[2].strip() for line in str(error).splitlines() if "error:" in line]
        why = (said or [str(error)])[-1].removeprefix("Batch job submission failed: ")
        raise InvalidSetting(f"Slurm refuses the job ({why}); change what is asked of it, as sinfo shows") from None
    write_atomically(folder / "job.json", json.dumps({"job": submitted.job_id, **asdict(wanted)}, indent=1) + "\n")
    return submitted.job_id


def follow(job: str, out: Path, *, grace_s: float = GRACE_S) -> int:
    """Tell how a job goes until it is over; SIGTERM and SIGINT ask the run to save and end, then cancel the job.

    Returns:
        0 when the run is done or was stopped.

    Raises:
        TrainingFailed: how it ended otherwise.
    """
    begun = _started(out)
    shown, state = "", "PENDING"
    logs = _Logs(out.absolute() / "slurm", job)
    cancelled = False
    with StopRequests() as asked:
        while (state := _settled(job, out)) in ACTIVE:
            if state != shown:
                print(f"job {job}: {state.lower()}", flush=True)
                shown = state
            logs.forward()
            if asked.times == 1 and state not in PENDING and asked.for_s() < grace_s:
                ask_to_stop(out)
            elif asked.times and not cancelled:
                cancelled = True
                cancel(job)
            time.sleep(_POLL_S)
        logs.forward()
        print(f"job {job}: {state.lower()}", flush=True)
        return judged_job(out, begun, state, asked=asked.times > 0)


def _settled(job: str, out: Path) -> str:
    """The job's state; an end that lasts, since Slurm says for a while that a job failed which it queues again."""
    begun = time.monotonic()
    while (state := state_of(job)) not in ACTIVE:
        lasts_s = _REQUEUE_S if state != "CANCELLED" and _waits_for_requeue(job, out) else _LASTS_S
        if time.monotonic() - begun > lasts_s:
            break
        if state == "COMPLETED" and RunFolder(out).read_json("status.json").get("state") == "done":
            break
        time.sleep(_POLL_S / 2)
    return state


def _waits_for_requeue(job: str, out: Path) -> bool:
    """Whether the job's present start has asked to be queued again, and Slurm has not done so yet."""
    try:
        asked, start = (out / "slurm" / _REQUEUED).read_text().split()
    except (OSError, ValueError):
        return False
    if asked != job:
        return False
    done = subprocess.run(["scontrol", "show", "job", "-o", job], capture_output=True, text=True, timeout=60)
    found = re.search(r"\bRestarts=(\d+)", done.stdout)
    return found is not None and int(found[1]) <= int(start)


def judged_job(out: Path, begun: float, state: str, *, asked: bool) -> int:
    """What became of a job that is over.

    Raises:
        TrainingFailed: it neither came to its end nor was stopped.
    """
    why = _WHY.get(state)
    status = RunFolder(out).read_json("status.json")
    unfinished = status.get("time", 0) < begun or status.get("state") == "running"
    if why and unfinished and not asked:
        fresh = status if status.get("time", 0) >= begun else {}
        reason = f"{why} at step {fresh.get('step', 0) + 1}; start the same command with --resume"
        RunFolder(out).set_status("failed", fresh.get("step", 0), fresh.get("total", 0), reason)
        raise TrainingFailed(reason)
    if state == "FAILED" and status.get("state") == "stopped" and not asked:
        step = status.get("step", 0)
        raise TrainingFailed(f"Slurm gave the job up after step {step}; start the same command, it resumes there")
    return judged(out, begun, 1, asked=asked or state == "CANCELLED")


_WHY = {
    "CANCELLED": "somebody cancelled the job",
    "TIMEOUT": "Slurm's time was over before the run could save",
    "NODE_FAIL": "a node failed",
    "OUT_OF_MEMORY": "the memory that Slurm gave was spent",
    "DEADLINE": "Slurm's deadline was over",
    "BOOT_FAIL": "a node did not start",
}


def cancel(job: str) -> None:
    """End a job, whether it waits or runs."""
    subprocess.run(["scancel", job], capture_output=True, timeout=60)


def state_of(job: str) -> str:
    """Slurm's word for how a job is; `UNKNOWN` when Slurm has forgotten it.

    Raises:
        InvalidSetting: there is no Slurm here.
    """
    _require("scontrol")
    for _ in range(5):
        done = subprocess.run(["scontrol", "show", "job", "-o", job], capture_output=True, text=True, timeout=60)
        found = re.search(r"\bJobState=(\w+)", done.stdout)
        if found:
            return found[1]
        if "Invalid job id" in done.stderr:
            break
        time.sleep(_POLL_S)  # the controller is busy or starts anew
    if shutil.which("sacct"):
        words = ["sacct", "-X", "-n", "-P", "-o", "State", "-j", job]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        if done.returncode == 0 and done.stdout.split():
            return done.stdout.split()[0]
    return "UNKNOWN"


class _Logs:
    """What the nodes write, passed on as it comes."""

    def __init__(self, folder: Path, job: str) -> None:
        self._folder, self._job = folder, job
        self._read: dict[Path, int] = {}

    def forward(self) -> None:
        """Print what is new, whole lines only."""
        for path in sorted(self._folder.glob(f"{self._job}_*_log.out")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                new = file.read()
            new = new[: new.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(new)
            sys.stdout.write(new.decode("utf-8", "replace"))
        sys.stdout.flush()


def _started(out: Path) -> float:
    """When the job of this folder was submitted: what a run before it said does not count."""
    try:
        return (out.absolute() / "slurm" / "job.json").stat().st_mtime - 1
    except OSError:
        return 0.0


def _require(program: str) -> None:
    if shutil.which(program) is None:
        raise InvalidSetting(f"Slurm is not here (no {program}); {_REMEDY}")
