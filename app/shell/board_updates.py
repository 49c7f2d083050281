"""What the buttons of a form bring to the board beside it: its value, numbered so that the board takes each once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from app.shell.responses import View
from s1core import S1Error


class BoardUpdates:
    """Makes the values of one board."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def of(self, kind: str, work: Callable[[], View]) -> View:
        """What `work` found out, called `kind`; where it refuses, its sentence, called `error`."""
        try:
            return {"kind": kind, **work(), "number": next(self._numbers)}
        except S1Error as error:
            return {"kind": "error", "text": str(error), "number": next(self._numbers)}
