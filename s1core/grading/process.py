"""One comparing process: start it, ask it, stop it when it is late and start another when it is needed.

Works in any thread and inside an event loop: no signals, no loop of its own.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from s1core.errors import S1Error

DEADLINE_S = 3.0
"""For one comparison, once the process is ready: the first hostile answer, with the start, costs less than 5 seconds.

The slowest honest comparisons known take a second. When the process does not get most of a core, as beside a training
run, it is given up to `START_LIMIT_S`: a verdict must not depend on what else the machine does.
"""
START_LIMIT_S = 60.0
"""For loading math-verify: about a second, more on a busy machine. An honest answer must not pay for that."""

_LEAST_CPU_SHARE = 0.6
"""A comparison that got less of a core than this was starved, not slow, and is given more time."""
_PATIENCE_S = 0.05

_LONGEST_GOLD = 20_000
_ids = itertools.count()
_PROGRAM = Path(__file__).with_name("worker.py")
_ROOT = Path(__file__).parents[2]


class GraderUnavailable(S1Error, RuntimeError):
    """The comparing process cannot be started; the message says what is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What the process made of a comparison."""

    equal: bool
    rule: str
    seen: str | None = None


class WorkerLate(Exception):
    """No reply before the deadline."""


class WorkerGone(Exception):
    """The process ended without a reply."""


class Worker:
    """One process, which answers through a child of its own where the system can fork."""

    def __init__(self, start_limit_s: float = START_LIMIT_S) -> None:
        try:
            # -P: the folder that the user is in must not shadow modules; the one that holds this package is named.
            path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_PROGRAM)],
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
            )
        except OSError as error:
            raise GraderUnavailable(f"cannot start {sys.executable} to compare answers: {error}") from error
        self.answering_pid: int | None = None
        """Process id of the worker; None until its first reply."""
        self._replies: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True, name="grading-replies").start()
        self.await_ready(start_limit_s)

    def await_ready(self, start_limit_s: float = START_LIMIT_S) -> None:
        """Wait until someone answers."""
        try:
            # What an interrupted child still wrote goes before the word of the next one, and is dropped here.
            while self.answering_pid is None:
                self._take_ready(self._next_line(start_limit_s))
        except (WorkerGone, WorkerLate) as error:
            self.stop()
            raise GraderUnavailable("the process that compares answers did not start; is memory short?") from error
        except BaseException:
            self.stop()
            raise

    def ask(self, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send one request and wait for its reply; after an exception call `interrupt` or `stop`."""
        request = {**request, "id": next(_ids), "deadline_s": timeout_s}
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise WorkerGone from error
        cpu_at_start_s, began_s = self._cpu_s(), time.monotonic()
        while True:
            try:
                reply = self._next_line(max(_PATIENCE_S, began_s + timeout_s - time.monotonic()))
            except WorkerLate:
                # On a machine that is busy with something else, lateness says nothing about the answer.
                starved = self._cpu_s() - cpu_at_start_s < timeout_s * _LEAST_CPU_SHARE
                if not starved or time.monotonic() - began_s > START_LIMIT_S:
                    raise
                continue
            if "ready" in reply:
                raise WorkerGone  # The child ended by itself, and another took its place.
            # A child that was killed before it read its request leaves that request to the next one.
            if reply["id"] == request["id"]:
                return reply

    def interrupt(self) -> bool:
        """Kill the child that is late, so that another takes its place; False if the process has no child."""
        child, self.answering_pid = self.answering_pid, None
        if child is None or child == self._process.pid:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        return True

    def stop(self) -> None:
        """End the process and its child, and collect both."""
        has_child = self.interrupt()
        if self._process.stdin is not None:
            # A request that could not be sent is still in the buffer.
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        if has_child:
            # The process collects its child, sees that the input has ended, and ends; killed, it would leave an orphan.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=2)
        self._process.kill()
        self._process.wait()

    def _cpu_s(self) -> float:
        """CPU seconds of the worker; infinite where they are unknown, so that wall-clock time decides."""
        try:
            stat = Path(f"/proc/{self.answering_pid}/stat").read_text(encoding="ascii", errors="replace")
            user, system = stat.rpartition(")")[2].split()[11:13]
            return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, AttributeError):
            return math.inf

    def _take_ready(self, content: dict[str, Any]) -> None:
        if "unavailable" in content:
            raise GraderUnavailable(
                f"comparing mathematics needs math-verify ({content['unavailable']}): pip install math-verify==0.9.0"
            )
        self.answering_pid = content.get("ready")

    def _next_line(self, timeout_s: float) -> dict[str, Any]:
        try:
            line = self._replies.get(timeout=max(0.0, timeout_s))
        except Empty:
            raise WorkerLate from None
        if not line:
            raise WorkerGone
        return json.loads(line)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._replies.put(line)
        self._replies.put("")


class Client:
    """One worker, started at the first comparison."""

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self.deadline_s = deadline_s
        self.worker: Worker | None = None
        self.since_s = math.inf
        """When the comparison under way began, by the monotonic clock; infinite between comparisons."""
        self._lock = threading.Lock()

    def compare(self, text: str, gold: str, *, found: str) -> Reply:
        """Compare within the deadline, whatever the texts are."""
        request = {"text": text, "gold": gold[-_LONGEST_GOLD:], "found": found}
        with self._lock:
            try:
                content = self._ask(request)
            except WorkerLate:
                return Reply(equal=False, rule="timeout")
            except WorkerGone:
                return Reply(equal=False, rule="crashed")
            finally:
                self.since_s = math.inf
        if "failed" in content:
            return Reply(equal=False, rule=str(content["failed"]))
        return Reply(equal=bool(content["equal"]), rule="math_verify", seen=content["seen"])

    def stop(self) -> None:
        """Stop the worker; the next comparison starts another."""
        with self._lock:
            self._drop()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask; a worker that was found dead, having served before, is replaced once within the same deadline."""
        reused = self.worker is not None
        worker = self._ready_worker()
        began_s = time.monotonic()
        try:
            return self._ask_worker(worker, request, self.deadline_s)
        except WorkerGone:
            if not reused:
                raise
        spent_s = time.monotonic() - began_s
        return self._ask_worker(self._ready_worker(), request, self.deadline_s - spent_s)

    def _ready_worker(self) -> Worker:
        if self.worker is None:
            self.worker = Worker()
        elif self.worker.answering_pid is None:
            worker, self.worker = self.worker, None
            try:
                worker.await_ready()
            except GraderUnavailable:
                worker = Worker()
            self.worker = worker
        return self.worker

    def _ask_worker(self, worker: Worker, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        self.since_s = time.monotonic()
        try:
            return worker.ask(request, timeout_s)
        except WorkerLate:
            if not worker.interrupt():
                self._drop()
            raise
        except BaseException:
            # A late reply must never be taken for the next one; this holds for Ctrl-C as well.
            self._drop()
            raise

    def _drop(self) -> None:
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.stop()
