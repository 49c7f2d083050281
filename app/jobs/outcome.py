"""How a job ended, and why, from what it left behind. Pure."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from typing import Any, Literal

Ended = Literal["done", "failed", "stopped"]
_COMPLAINT = re.compile(r"^python -m [\w.]+: (.+)")
_ABOVE = "the lines above say why"
"""An error of a launcher that ends so names no cause."""
_LINE = 400
_SENTENCE = 1_000
"""An error may list the known names."""


def outcome(*, asked: bool, code: int | None, status: Mapping[str, Any], log: str) -> tuple[Ended, str]:
    """State and reason of a job that is over.

    Args:
        asked: somebody stopped it.
        code: exit code of its command, negative for a signal; None if nobody saw it.
        status: what the command itself wrote last about its run (`status.json` of `train.sft`), or nothing. It counts
            more than the exit code: torchrun ends with 1 also when its ranks were asked to stop and did so.
        log: the end of its log.
    """
    reported, why = status.get("state"), str(status.get("reason") or "")[:_SENTENCE]
    if reported == "done" or (not reported and code == 0 and not asked):
        return "done", ""
    if reported == "stopped":
        return "stopped", why
    if asked:
        return "stopped", why if reported == "failed" else "ended on request" if code == 0 else "ended by force"
    if reported == "failed":
        return "failed", why or _how(code)
    said = complaint(log)
    return "failed", f"{said} ({_how(code)})" if said else _how(code)


def _how(code: int | None) -> str:
    if code is None:
        return "it ended without an exit code, as when the machine was started anew"
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    spent = ", as when the machine's memory is spent" if code == -signal.SIGKILL else ""
    return f"ended by {name}{spent}"


def complaint(log: str) -> str:
    """The sentence that says what is wrong: the last that a command of this project wrote as such, or the last line."""
    found = [match[1] for line in log.splitlines() if (match := _COMPLAINT.match(line.strip()))]
    telling = [said for said in found if not said.endswith(_ABOVE)] or found
    return telling[-1][:_SENTENCE] if telling else last_line(log)


def last_line(log: str) -> str:
    """The last line that says anything; rules of dashes do not."""
    lines = (line.strip()[:_LINE] for line in reversed(log.splitlines()))
    return next((line for line in lines if any(map(str.isalnum, line))), "")
