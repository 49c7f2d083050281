"""What a long command shows while it works, and how it ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

from s1core import S1Error

LOG_EVERY_S = 60.0
"""In a file that nobody watches, one line a minute is enough."""


class ProgressLine:
    """One line on stderr with an estimate of the time left; quiet when stderr is not a terminal."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._at_start: int | None = None
        self._shown_s = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Show how far it is."""
        now_s = time.monotonic()
        if self._at_start is None:
            self._at_start = done
        if not sys.stderr.isatty() or (now_s - self._shown_s < 0.2 and done < total):
            return
        self._shown_s = now_s
        left_s = (now_s - self._began_s) / max(1, done - self._at_start) * (total - done)
        print(f"\r{done}/{total} samples, about {left_s:.0f} s left ", end="", file=sys.stderr)
        if done == total:
            print(file=sys.stderr)


class Stages:
    """Progress over several pieces of work, with one estimate for all that is left."""

    def __init__(self, costs: Mapping[str, float]) -> None:
        """Begin.

        Args:
            costs: of each piece, in the order of work, in whatever unit; what counts is how they compare.
        """
        self._costs = dict(costs)
        self._began_s = time.monotonic()
        self._skipped = 0.0
        self._shown_s = self._began_s

    def stage(self, name: str) -> Callable[[int, int], None]:
        """Begin a stage; returns a callback for its progress, which begins with what is done already."""
        names = list(self._costs)
        number = names.index(name)
        before = sum(self._costs[earlier] for earlier in names[:number])
        begun = False

        def show(done: int, total: int) -> None:
            nonlocal begun
            if not begun:
                # What an earlier run left is no work of this one.
                self._skipped += self._costs[name] * done / total
            begun = True
            reached = before + self._costs[name] * done / total
            self._show(f"[{number + 1}/{len(names)}] {name}: {done:,}/{total:,} samples", reached, done == total)

        return show

    def _show(self, text: str, reached: float, ended: bool) -> None:
        now_s, on_screen = time.monotonic(), sys.stderr.isatty()
        if now_s - self._shown_s < (0.2 if on_screen else LOG_EVERY_S) and not ended:
            return
        self._shown_s = now_s
        made, left = reached - self._skipped, sum(self._costs.values()) - reached
        line = f"{text}; {duration((now_s - self._began_s) / made * left)} left in all" if made > 0 else text
        print(f"\r{line:<78}" if on_screen else line, end="" if on_screen and not ended else "\n", file=sys.stderr)
        sys.stderr.flush()


def duration(seconds: float) -> str:
    """How long, for people."""
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} min"


def ending(prog: str, command: Callable[[], None]) -> int:
    """Run a command and turn what went wrong into one sentence and an exit code."""
    try:
        command()
    except S1Error as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        # Of files for which no part of ours has a sentence: a full disk, a folder that may not be written.
        print(f"{prog}: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command resumes", file=sys.stderr)
        return 130
    return 0
