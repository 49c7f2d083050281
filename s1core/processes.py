"""Processes of this machine: which one a number means, and all that were started under a mark.

A number is used again once its process is over, so that a process is known by its number and its start. What a process
starts may leave its group and its session (torchrun's ranks do), but not its environment: a variable that is set at the
start finds them all, also when those between them are dead.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

_PROC = Path("/proc")
_WITHIN_S = 5.0


def began(pid: int) -> str:
    """When a process started, by the system's own count; empty if it is not there or only waits to be buried."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _began_by_ps(pid) if not _has_proc() else ""
    return "" if fields[0] in "ZX" else fields[19]


def is_there(pid: int, start: str) -> bool:
    """Whether the process of this number that started then is at work."""
    return pid > 0 and bool(start) and began(pid) == start


def marked(name: str, value: str) -> list[int]:
    """Processes of this user that were started with a variable of the environment, this one left out.

    Empty on systems without `/proc`.
    """
    wanted, found = f"{name}={value}".encode(), list[int]()
    for path in _PROC.glob("[0-9]*/environ"):
        try:
            variables = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in variables and int(path.parent.name) != os.getpid():
            found.append(int(path.parent.name))
    return found


def end_marked(name: str, value: str, group: int = 0) -> None:
    """End, without asking, every process that carries a mark; this one is left out. Returns when none is there.

    Args:
        name: the variable.
        value: its value.
        group: leader of a process group that is ended as well, for systems on which marks cannot be read.
    """
    if group and group != os.getpid():
        signal_group(group, signal.SIGKILL)
    ends = time.monotonic() + _WITHIN_S
    while (there := marked(name, value)) and time.monotonic() < ends:
        for pid in there:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        time.sleep(0.02)


def signal_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to a process group, if it is there."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        return


def _has_proc() -> bool:
    return (_PROC / "self" / "stat").exists()


def _began_by_ps(pid: int) -> str:
    done = subprocess.run(["ps", "-o", "lstart=,stat=", "-p", str(pid)], capture_output=True, text=True)
    start, _, state = done.stdout.strip().rpartition(" ")
    return "" if not start or state.startswith("Z") else start.strip()
