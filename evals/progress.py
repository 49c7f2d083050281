"""What a long command shows while it works."""

from __future__ import annotations

import sys
import time


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
            self._at_start = done - 1
        if not sys.stderr.isatty() or (now_s - self._shown_s < 0.2 and done < total):
            return
        self._shown_s = now_s
        left_s = (now_s - self._began_s) / max(1, done - self._at_start) * (total - done)
        print(f"\r{done}/{total} samples, about {left_s:.0f} s left ", end="", file=sys.stderr)
        if done == total:
            print(file=sys.stderr)
