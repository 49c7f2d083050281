"""The answer of one run as it comes: where it ends, how long it is, and how sure the model was."""

from __future__ import annotations

from collections.abc import Sequence

from s1core.meter import Sureness
from s1core.stops import StopStrings
from s1core.thinking import Codec


class Answer:
    """Takes what belongs to the answer, up to a marker, a stop of the caller's or the limit."""

    def __init__(self, codec: Codec, stop: Sequence[str], *, measured: bool) -> None:
        """Begin with nothing; `measured`: the engine tells log probabilities."""
        self._stops = StopStrings(codec, stop)
        self._sureness = Sureness() if measured else None
        self.tokens = 0
        self.over = False
        self.complete = False
        """The model ended it itself."""
        self.reopened = False
        """What ended it was the thinking block, opened again."""

    @property
    def held(self) -> tuple[int, ...]:
        """What is held back: it may be the beginning of a stop."""
        return self._stops.held

    @property
    def is_measured(self) -> bool:
        """Whether log probabilities are wanted."""
        return self._sureness is not None

    def add(self, logprobs: Sequence[float]) -> None:
        """Take the log probabilities of sampled tokens, in order."""
        if self._sureness:
            self._sureness.add(logprobs)

    def take(self, ids: tuple[int, ...], *, over: bool, complete: bool, reopened: bool) -> tuple[int, ...]:
        """Take new ids; return those that belong to the answer for certain.

        Args:
            ids: what came after what is held back.
            over: nothing follows.
            complete: the model ended it itself.
            reopened: by opening the thinking block again.
        """
        cut = self._stops.feed(ids)
        if not over and not cut.ended:
            return cut.ids
        self.over, self.complete, self.reopened = True, cut.ended or complete, reopened
        return (*cut.ids, *self._stops.flush())

    def flush(self) -> tuple[int, ...]:
        """Return what is held back: nothing follows."""
        return self._stops.flush()

    def wrote(self, text: str, *, tokens: int) -> None:
        """Count what has become text."""
        self.tokens += tokens
        if self._sureness:
            self._sureness.wrote(text, tokens=tokens)

    def probability(self, answer: str | None) -> float | None:
        """Return how probable the tokens that wrote `answer` were; None where that was not measured."""
        return self._sureness.of(answer) if self._sureness else None
