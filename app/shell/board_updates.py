"""Values that the buttons of a form send to the board beside it, numbered so that the board shows each once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from app.shell.responses import View
from s1core import S1Error


class BoardUpdates:
    """Numbers the values of one board."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def of(self, kind: str, work: Callable[[], View]) -> View:
        """The result of `work` as a value of this `kind`; for an S1Error, its message as a value of kind `error`."""
        try:
            return {"kind": kind, **work(), "number": next(self._numbers)}
        except S1Error as error:
            return {"kind": "error", "text": str(error), "number": next(self._numbers)}
