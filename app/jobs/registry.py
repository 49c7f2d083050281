"""Jobs: commands in their own processes, which outlive pages and the server: `jobs/<id>/`.

`job.json` holds the request and the state, `log.txt` the output, `exit.json` the exit code. One job at a time has a
device; the others are queued in order. Each job has a process that waits for its command
(`supervisor.py`); when the command ends, that process lets the queue go on, so that no server is needed. Servers that
share a folder take turns by a lock; every question brings the registry up to date.

A job is identified by its process id and start time, since ids are reused.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from app.artifacts import schemas
from app.artifacts.schemas import read_shaped
from app.jobs.devices import claims, clash, environment
from app.jobs.outcome import last_line, outcome
from app.jobs.protocol import EXIT, GO, MARK, UNCONFIRMED
from s1core import S1Error
from s1core.processes import began, end_marked, is_there
from s1core.store import write_atomically

ROOT_VARIABLE = "S1_JOBS"
GRACE_S = 20.0
"""Seconds between SIGTERM and SIGKILL."""
State = Literal["queued", "running", "stopping", "done", "failed", "stopped"]
OPEN: tuple[State, ...] = ("queued", "running", "stopping")
"""The states of a job that is not over."""
_CODE = Path(__file__).parents[2]
_TAIL_BYTES = 16_384
_OVERDUE_S = 10.0
"""What the job's own process may take beyond the grace."""


class JobError(S1Error, RuntimeError):
    """A job cannot be started or stopped; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A command and all that it starts, as it was when it was read."""

    id: str
    kind: str
    argv: list[str]
    """Exactly what runs."""
    about: dict[str, Any] = field(default_factory=dict[str, Any])
    at: float
    """When it was asked for."""
    state: State = "running"
    reason: str = ""
    """Why it failed, or how it was stopped."""
    device: str | None = None
    """`cpu`, `cuda`, `cuda:0,1`; None takes nothing and never waits."""
    cwd: str = "."
    environment: dict[str, str] = field(default_factory=dict[str, str])
    """Variables on top of the server's own."""
    run: str | None = None
    """Folder in which the command writes `status.json`, if it does."""
    grace_s: float = GRACE_S
    pid: int = 0
    """Of the process that waits for the command; 0 while queued."""
    began: str = ""
    """When that process started, as the system counts it."""
    started: float | None = None
    asked_to_stop: float | None = None
    ended: float | None = None
    exit_code: int | None = None
    """Negative for a signal; None if nobody saw it."""

    @property
    def command(self) -> str:
        """What runs, as a line for a shell."""
        variables = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        return " ".join([*variables, shlex.join(self.argv)])

    @property
    def over(self) -> bool:
        """Whether it is done, failed or stopped."""
        return self.state not in OPEN


_JOB = TypeAdapter(Job)


class Jobs:
    """The jobs of a folder. Safe from any thread, and together with other servers on the same folder."""

    def __init__(self, root: Path | None = None, *, grace_s: float = GRACE_S) -> None:
        """Open the registry; jobs that waited for a device which is free by now are started.

        Args:
            root: its folder; by default `jobs/`, or what `S1_JOBS` says.
            grace_s: how long a job that is stopped may take to end by itself, where `launch` does not say.
        """
        self.root = (root or Path(os.environ.get(ROOT_VARIABLE) or "jobs")).absolute()
        self._grace_s = grace_s
        self._lock = threading.Lock()
        self._children: list[subprocess.Popen[bytes]] = []
        self._stopping: dict[str, float] = {}
        """When a job that was asked to stop was first seen here, on the monotonic clock."""
        self.all()

    def launch(
        self,
        kind: str,
        argv: Sequence[str],
        *,
        cwd: Path,
        about: Mapping[str, Any],
        alone: bool = False,
        device: str | None = None,
        run: Path | None = None,
        grace_s: float | None = None,
    ) -> Job:
        """Start a command that belongs to nobody's page, or let it wait for its device.

        Args:
            kind: `curate`, `train`, ...
            argv: program and arguments.
            cwd: where it runs.
            about: what else to remember of it, JSON-ready.
            alone: refuse while another job of this kind is not over.
            device: `cpu`, `cuda`, `cuda:0` or `cuda:0,1`; while a job that is not over, and was asked for before, has
                any of it, this one is queued. Of GPUs it sees its own alone.
            run: folder in which the command writes `status.json`; state and reason are read there.
            grace_s: how long it may take to end when it is stopped.

        Raises:
            JobError: another one runs, the program is not there, or the disk refuses.
            InvalidSetting: there is no such device.
        """
        job = Job(
            id=f"{kind}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}",
            kind=kind,
            argv=list(argv),
            about=dict(about),
            at=time.time(),
            state="queued",
            device=device,
            cwd=str(cwd.absolute()),
            environment=environment(device) if claims(device) else {},
            run=str(run.absolute()) if run else None,
            grace_s=self._grace_s if grace_s is None else grace_s,
        )
        if alone:
            self._wait_for_those_that_stop(kind)
        try:
            (self.root / job.id).mkdir(parents=True)
            with self._held():
                busy = next(
                    (other for other in self._update() if alone and other.kind == kind and not other.over), None
                )
                if busy is not None:
                    raise JobError(
                        f"Another job is at work ({busy.about.get('name', busy.id)}); wait for it or stop it."
                    )
                _require_program(job)
                # After all that are known, also when the clock was put back: the newest is the one that counts.
                last = max((other.at for other in self._read()), default=0.0)
                job = replace(job, at=max(job.at, last + 1e-3))
                self._write(job)
                return next(other for other in self._update() if other.id == job.id)
        except OSError as error:
            raise JobError(f"The job cannot be started: {error.strerror or error}.") from error
        finally:
            with contextlib.suppress(OSError):
                (self.root / job.id).rmdir()  # only if nothing came of it

    def all(self, kind: str | None = None) -> list[Job]:
        """Every job of a kind, the newest first."""
        if not self.root.is_dir():
            return []
        with self._held():
            jobs = self._update()
        return [job for job in reversed(jobs) if kind in (None, job.kind)]

    def get(self, name: str) -> Job | None:
        """The job of this id, as it is now."""
        return next((job for job in self.all() if job.id == name), None) if re.fullmatch(r"[\w-]+", name) else None

    def ahead(self, job: Job) -> list[Job]:
        """The jobs that a queued one waits for, the first to be done first; empty when it waits no more."""
        jobs = list(reversed(self.all()))
        wanted = claims(job.device)
        if not any(other.id == job.id and other.state == "queued" for other in jobs):
            return []
        before = jobs[: next(place for place, other in enumerate(jobs) if other.id == job.id)]
        return [other for other in before if not other.over and clash(claims(other.device), wanted)]

    def runs(self, job: Job) -> bool:
        """Whether its process is there: the one that was started, not another that got its process id."""
        now = self.get(job.id) or job
        return now.state in ("running", "stopping") and is_there(now.pid, now.began)

    def stop(self, job: Job) -> None:
        """Ask a job and all that it started to end; after the grace they are ended. Returns at once.

        One that waits is cancelled.
        """
        if not self.root.is_dir():
            return
        with self._held():
            now = next((other for other in self._update() if other.id == job.id), None)
            if now is None or now.state not in ("queued", "running"):
                return
            if now.state == "queued":
                self._write(replace(now, state="stopped", reason="cancelled before it began", ended=time.time()))
                self._update()
                return
            # A job can be stopped on a full disk, where this note cannot be written.
            with contextlib.suppress(OSError):
                self._write(replace(now, state="stopping", asked_to_stop=time.time()))
            with contextlib.suppress(ProcessLookupError):
                os.kill(now.pid, signal.SIGTERM)

    def last_words(self, job: Job) -> str:
        """The last line of its log that says anything."""
        return last_line(self._tail(job))

    def log(self, job: Job, offset: int = 0) -> tuple[str, int]:
        """What its log has from an offset in bytes, at most 256 KB of it; and the offset after that."""
        try:
            with (self.root / job.id / "log.txt").open("rb") as file:
                end = file.seek(0, os.SEEK_END)
                offset = file.seek(max(min(offset, end), end - 16 * _TAIL_BYTES, 0))
                text = file.read()
        except OSError:
            return "", 0
        whole = text[: text.rfind(b"\n") + 1]  # a line, and a letter of several bytes, that is being written waits
        return whole.decode("utf-8", "replace"), offset + len(whole)

    def _wait_for_those_that_stop(self, kind: str) -> None:
        ends = time.monotonic() + self._grace_s + 1
        while any(job.state == "stopping" for job in self.all(kind)) and time.monotonic() < ends:
            time.sleep(0.1)

    @contextlib.contextmanager
    def _held(self) -> Generator[None, None, None]:
        """Lock the folder against other threads and other servers."""
        with self._lock, (self.root / ".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _update(self) -> list[Job]:
        """Update finished jobs and start queued ones; return every job, the oldest first. Needs the lock."""
        self._children = [child for child in self._children if child.poll() is None]
        jobs = [self._settled(job) for job in self._read()]
        taken = [claims(job.device) for job in jobs if job.state in ("running", "stopping")]
        for place, job in enumerate(jobs):
            if job.state == "queued":
                wanted = claims(job.device)
                if not any(clash(wanted, claim) for claim in taken):
                    jobs[place] = self._begin(job)
                # Queued jobs hold their devices too: first in, first out.
                taken.append(wanted)
        return jobs

    def _read(self) -> list[Job]:
        jobs: list[Job] = []
        for path in self.root.glob("*/job.json"):
            try:
                job = _JOB.validate_json(path.read_bytes())
                claims(job.device)
            except (OSError, ValueError):
                continue  # one that is torn, or not ours, hides no other
            if job.id == path.parent.name:
                jobs.append(job)
        return sorted(jobs, key=lambda job: (job.at, job.id))

    def _begin(self, job: Job) -> Job:
        """Start a job; where that is impossible it has failed."""
        folder = self.root / job.id
        try:
            (folder / UNCONFIRMED).unlink(missing_ok=True)
            with (folder / "log.txt").open("ab") as log:
                child = subprocess.Popen(
                    [sys.executable, "-m", "app.jobs.supervisor", str(folder)],
                    cwd=_CODE,
                    env={**os.environ, MARK: str(folder)},
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            job = replace(job, state="failed", reason=f"it cannot be started: {error.strerror or error}")
            self._write(replace(job, ended=time.time()))
            return job
        self._children.append(child)
        known = replace(job, state="running", pid=child.pid, began=began(child.pid), started=time.time())
        assert child.stdin is not None
        try:
            with child.stdin as words:
                # The supervisor starts nothing before this confirmation; without it, it exits and the job stays queued.
                self._write(known)
                words.write(GO)
        except OSError:
            return job
        return known

    def _settled(self, job: Job) -> Job:
        """The job as it is now; how it ended is written down once."""
        if job.state not in ("running", "stopping"):
            return job
        folder = self.root / job.id
        report = read_shaped(folder / EXIT, schemas.EXIT)
        if not report:
            if is_there(job.pid, job.began):
                if job.asked_to_stop:
                    # By this server's own watch: the clock may be put forward meanwhile.
                    seen_s = self._stopping.setdefault(job.id, time.monotonic())
                    if time.monotonic() > seen_s + job.grace_s + _OVERDUE_S:
                        end_marked(MARK, str(folder), job.pid)
                return job
            if (folder / UNCONFIRMED).exists() and not job.asked_to_stop:
                job = replace(job, state="queued", pid=0, began="", started=None)
                with contextlib.suppress(OSError):
                    self._write(job)
                return job
            # Its own process was ended; what that waited for shall not keep the device.
            end_marked(MARK, str(folder))
            report = read_shaped(folder / EXIT, schemas.EXIT)
        status = read_shaped(Path(job.run) / "status.json", schemas.STATUS) if job.run else {}
        if status.get("time", 0) < (job.started or 0):  # of a run before
            status = {}
        code = report.get("code")
        state, reason = outcome(asked=job.asked_to_stop is not None, code=code, status=status, log=self._tail(job))
        ended = report.get("time") or time.time()
        job = replace(job, state=state, reason=reason, exit_code=code, ended=ended)
        with contextlib.suppress(OSError):  # a full disk: it is found out again
            self._write(job)
        return job

    def _write(self, job: Job) -> None:
        write_atomically(self.root / job.id / "job.json", json.dumps(asdict(job), indent=1) + "\n")

    def _tail(self, job: Job) -> str:
        try:
            with (self.root / job.id / "log.txt").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""


def _require_program(job: Job) -> None:
    name = job.argv[0]
    if shutil.which(str(Path(job.cwd, name)) if os.sep in name else name) is None:
        raise JobError(f"The job cannot be started: there is no program {name!r}.")
    if not Path(job.cwd).is_dir():
        raise JobError(f"The job cannot be started: there is no folder {job.cwd}.")
