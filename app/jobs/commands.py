"""Turns the fields of a form into the arguments of a command of this project, and runs it. Never through a shell."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from s1core import S1Error

CODE = Path(__file__).parents[2]
"""Where `python -m curate.run`, `train.sft` and `evals.run` are found."""
LINES, LINE = 40, 1_000


class FormError(S1Error, ValueError):
    """A field is invalid; the message names it."""


class OneAtATime:
    """A slow command, run for one visitor at a time."""

    def __init__(self, what: str, timeout_s: float) -> None:
        """Set up.

        Args:
            what: what people do who ask for it, as in "estimate".
            timeout_s: for the queue, and then for the command.
        """
        self._what, self._timeout_s = what, timeout_s
        self._free = threading.Semaphore(1)

    def answer(self, words: list[str], environment: dict[str, str] | None = None) -> str:
        """What the command writes.

        Raises:
            FormError: it refuses, or there is no answer in time.
        """
        if not self._free.acquire(timeout=self._timeout_s):
            raise FormError(f"Too many people {self._what} at once; try again in a moment.")
        try:
            return answer(words, self._timeout_s, environment)
        finally:
            self._free.release()


def answer(words: list[str], timeout_s: float, environment: dict[str, str] | None = None) -> str:
    """What `python WORDS` writes.

    Raises:
        FormError: it refuses, in the words that it gives, or there is no answer in time.
    """
    try:
        done = subprocess.run(
            [sys.executable, *words],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            cwd=CODE,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise FormError(f"There was no answer within {timeout_s:.0f} s; ask for less.") from None
    if done.returncode:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "it ended without a word")
        raise FormError(last.partition(f"{words[1]}: ")[2] or last)
    return done.stdout


def number(value: Any, name: str, least: float, most: float) -> float:
    """Read a number.

    Raises:
        FormError: it is none, or out of range.
    """
    try:
        read = float(value)
    except (TypeError, ValueError, OverflowError):
        raise FormError(f"{name}: a number is needed.") from None
    if not least <= read <= most:
        raise FormError(f"{name}: from {least:,.0f} to {most:,.0f}, not {read:,.0f}.")
    return read


def lines(text: Any, name: str, most: int = LINES) -> list[str]:
    """Read the lines of a field that say anything.

    Raises:
        FormError: there are too many, or they hold what no name has.
    """
    read = [line.strip() for line in str(text or "").splitlines() if line.strip()]
    if len(read) > most or any(len(line) > LINE or not line.isprintable() for line in read):
        raise FormError(f"{name}: at most {most} line{'s' if most > 1 else ''} of {LINE:,} ordinary characters.")
    return read


def absolute(place: str) -> str:
    """The path of a file that is there, from the root: jobs run in another folder than the server was started in."""
    try:
        path = Path(place).expanduser()
    except RuntimeError:  # the home of nobody
        return place
    return str(path.resolve()) if is_there(path) else place


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; a name that is longer than any is none."""
    try:
        return path.exists()
    except OSError:
        return False
