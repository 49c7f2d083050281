"""Keep one comparing process at hand; stop it when it is late and start another when it is needed.

Safe from any thread (requests queue up) and inside an event loop (no signals, no loop of its own; a call blocks for at
most the deadline). A forked child starts a process of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from s1core.errors import S1Error

DEADLINE_S = 3.5
"""For one comparison, once the process is ready; with its start, a hostile answer costs less than 5 seconds."""
START_LIMIT_S = 60.0
"""For loading math-verify: about a second, more on a busy machine. An honest answer must not pay for that."""

_PROGRAM = Path(__file__).with_name("worker.py")


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
    """One process; the first reply tells that it is ready."""

    def __init__(self, start_limit_s: float = START_LIMIT_S) -> None:
        try:
            # -P: the folder of the program must not shadow other modules.
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
            )
        except OSError as error:
            raise GraderUnavailable(f"cannot start {sys.executable} to compare answers: {error}") from error
        self._replies: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True, name="grading-replies").start()
        self._await_ready(start_limit_s)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ask(self, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send one request and wait for its reply; after an exception this worker is of no more use."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise WorkerGone from error
        return self._next_reply(timeout_s)

    def stop(self) -> None:
        """Kill the process and collect it."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            # A request that could not be sent is still in the buffer.
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _await_ready(self, start_limit_s: float) -> None:
        try:
            first = self._next_reply(start_limit_s)
        except (WorkerGone, WorkerLate) as error:
            self.stop()
            raise GraderUnavailable("the process that compares answers did not start; is memory short?") from error
        except BaseException:
            self.stop()
            raise
        if "unavailable" in first:
            self.stop()
            raise GraderUnavailable(
                f"comparing mathematics needs math-verify ({first['unavailable']}): pip install math-verify==0.9.0"
            )

    def _next_reply(self, timeout_s: float) -> dict[str, Any]:
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
    """The worker of this process, started at the first comparison."""

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self.deadline_s = deadline_s
        self.worker: Worker | None = None
        self._lock = threading.Lock()

    def compare(self, text: str, gold: str, *, found: str) -> Reply:
        """Compare within the deadline, whatever the texts are."""
        request = {"text": text, "gold": gold, "found": found, "deadline_s": self.deadline_s}
        with self._lock:
            try:
                content = self._ask(request)
            except WorkerLate:
                return Reply(equal=False, rule="timeout")
            except WorkerGone:
                return Reply(equal=False, rule="crashed")
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
        worker = self.worker = self.worker or Worker()
        began_s = time.monotonic()
        try:
            return worker.ask(request, self.deadline_s)
        except WorkerGone:
            self._drop()
            if not reused:
                raise
        except BaseException:
            # A late reply must never be taken for the next one; this holds for Ctrl-C as well.
            self._drop()
            raise
        spent_s = time.monotonic() - began_s
        worker = self.worker = Worker()
        try:
            return worker.ask(request, self.deadline_s - spent_s)
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.stop()


_client = Client()


def compare(text: str, gold: str, *, found: str = "") -> Reply:
    """Compare by math-verify in the process at hand.

    Args:
        text: an answer, or a text in which to look for one.
        gold: the expected answer.
        found: the rule by which the answer was found; empty for a text in which it is still to be found.
    """
    return _client.compare(text, gold, found=found)


def _after_fork() -> None:
    # The parent's worker and lock are the parent's: sharing the pipes would mix up the replies.
    global _client
    _client = Client(_client.deadline_s)


atexit.register(lambda: _client.stop())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
