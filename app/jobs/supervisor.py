"""The process between the registry and a job's command: `python -m app.jobs.supervisor FOLDER`, one for each job.

It runs the command of `job.json`, writes how it ended to `exit.json`, and lets the queue go on; so a job needs no
server. On SIGTERM it asks the command to end, and after the grace ends all that the command started, wherever that
went.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.jobs.protocol import EXIT, GO, MARK, UNCONFIRMED
from s1core.processes import end_marked, signal_group
from s1core.store import write_atomically


class _Command:
    """The command, and the request to end it."""

    def __init__(self, folder: Path, job: dict[str, Any]) -> None:
        self._mark = str(folder)
        self._job = job
        self._child: subprocess.Popen[bytes] | None = None
        self.asked = False

    def run(self) -> int | None:
        """Its exit code, negative for a signal; None if it was never started."""
        if self.asked:
            return None
        try:
            self._child = subprocess.Popen(
                self._job["argv"],
                cwd=self._job["cwd"],
                env={**os.environ, **self._job["environment"]},
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            sys.stderr.write(f"The command cannot be started: {error.strerror or error}.\n")
            return 127
        if self.asked:  # meanwhile
            self._ask()
        return self._child.wait()

    def on_request(self, number: int, frame: object) -> None:
        """Send SIGTERM once; after the grace, SIGKILL."""
        if not self.asked:
            self.asked = True
            self._ask()

    def _ask(self) -> None:
        if self._child is not None:
            signal_group(self._child.pid, signal.SIGTERM)
            signal.setitimer(signal.ITIMER_REAL, max(0.01, self._job["grace_s"]), 1.0)

    def end(self, number: int = 0, frame: object = None) -> None:
        """Kill every remaining process of the job."""
        end_marked(MARK, self._mark, self._child.pid if self._child else 0)


def main(folder: Path) -> None:
    """Run the job of a folder to its end."""
    asked_early: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked_early.append(number))
    if sys.stdin.buffer.readline() != GO:
        with suppress(OSError):
            (folder / UNCONFIRMED).touch()
        return
    command = _Command(folder, json.loads((folder / "job.json").read_text(encoding="utf-8")))
    signal.signal(signal.SIGTERM, command.on_request)
    signal.signal(signal.SIGALRM, command.end)
    command.asked = bool(asked_early)
    code = command.run()
    signal.setitimer(signal.ITIMER_REAL, 0)
    command.end()
    # From here on its device is free.
    with suppress(OSError):  # on a full disk the queue goes on all the same
        write_atomically(folder / EXIT, json.dumps({"code": code, "time": round(time.time(), 2)}) + "\n")
    from app.jobs.registry import Jobs

    Jobs(folder.parent).all()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
