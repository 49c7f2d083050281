"""What may be written into the thinking of a run, encoded: its Wait, its hint, and the words of a person."""

from __future__ import annotations

from s1core.budget import Budget, Forcer, Progress
from s1core.commands import Command
from s1core.thinking import Codec


class Words:
    """The words of one run."""

    def __init__(self, codec: Codec, budget: Budget) -> None:
        self._codec = codec
        self.wait = codec.encode_user(budget.wait_text)
        self.hint = codec.encode_user(budget.landing_text) if budget.lands else ()
        self._now: tuple[int, ...] = ()
        self._at_end: tuple[int, ...] = ()

    def of(self, command: Command) -> tuple[int, ...]:
        """Encode what a person wants to be written."""
        return self.wait if command.word is None else self._codec.encode_user(command.word)

    def keep(self, command: Command, word: tuple[int, ...]) -> None:
        """Remember it until it is written."""
        if command.kind == "wait" and command.at_end:
            self._at_end = word
        elif command.kind == "wait":
            self._now = word

    def forced(self, by: Forcer, progress: Progress) -> tuple[int, ...]:
        """Return what is written now."""
        if by == "budget":
            return self.wait
        return self._at_end if progress.word_now is None else self._now
