"""The program that compares mathematics: one JSON request a line in, one JSON reply a line out.

It runs as a process of its own: math-verify takes a second to load, and one hostile expression can take all time and
memory. It limits its memory itself; `process` stops it when it is late.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from importlib import import_module
from typing import Any, TextIO

MEMORY_BYTES = 1 << 30
# A reply shorter than a pipe's buffer is written in one piece, or not at all when the child is killed.
_LONGEST_SEEN = 400


def limit_resources() -> None:
    """Cap the memory, where the system can, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        resource: Any = import_module("resource")
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (ImportError, ValueError, OSError):
        pass  # Windows has no such limit, macOS refuses it; the deadline still holds.


def warm_comparer() -> Any:
    """A comparer whose tables are built: the first comparison takes as long as thirty others."""
    comparer = import_module("s1core.grading.formulas").Comparer()
    comparer.compare(r"\frac{x+1}{2}", "$(1+x)/2$", found="")
    return comparer


def serve(comparer: Any, requests: TextIO, replies: TextIO) -> None:
    """Answer requests until the input ends; the first reply holds the process id."""

    def reply(content: dict[str, Any]) -> None:
        replies.write(json.dumps(content) + "\n")
        replies.flush()

    reply({"ready": os.getpid()})
    for line in requests:
        request = json.loads(line)
        # Should the parent be killed, its deadline goes with it; this one, in CPU time, ends the process all the same.
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, request["deadline_s"] + 5)
        reply({"id": request["id"], **_outcome(comparer, request)})
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, 0)


def _outcome(comparer: Any, request: dict[str, Any]) -> dict[str, Any]:
    try:
        equal, seen = comparer.compare(request["text"], request["gold"], found=request["found"])
    except MemoryError:
        return {"failed": "out_of_memory"}
    except Exception:
        # Whatever a library makes of a hostile text is an answer that could not be read, not a fault to report.
        return {"failed": "unreadable"}
    return {"equal": equal, "seen": seen if seen is None else seen[:_LONGEST_SEEN]}


def serve_in_children(comparer: Any, requests: TextIO, replies: TextIO) -> None:
    """Let a forked child answer, and fork the next when it was killed: milliseconds, not the second of a new start."""
    while True:
        child = os.fork()
        if child == 0:
            serve(comparer, requests, replies)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            # Taking the libraries down in good order takes a second, and somebody waits.
            os._exit(0)


def main() -> None:
    """Serve on the standard streams; libraries that print must not garble the replies."""
    limit_resources()
    logging.disable(logging.CRITICAL)
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        comparer = warm_comparer()
    except ImportError as error:
        print(json.dumps({"unavailable": str(error)}), file=replies, flush=True)
        return
    if hasattr(os, "fork"):
        serve_in_children(comparer, sys.stdin, replies)
    else:
        serve(comparer, sys.stdin, replies)


if __name__ == "__main__":
    main()
