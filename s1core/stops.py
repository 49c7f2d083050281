"""Ends an answer at a text of the caller's, however the tokenizer splits it.

Markers of the model are another matter: `thinking.EndDetector` finds those. Here the text is anybody's, and may begin
or end inside a token; what is kept always decodes to the text before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from s1core.thinking import Codec, Fed, TextDecoder


@dataclass(frozen=True, slots=True)
class _Piece:
    """The fewest ids that make up whole characters."""

    ids: tuple[int, ...]
    text: str


class StopStrings:
    """Finds the first of several texts in a stream of token ids; holds back what may be the beginning of one.

    White space before the answer's first word is passed by: where a format has a line break there, it would otherwise
    end every answer that is to end at one.
    """

    def __init__(self, codec: Codec, stops: Sequence[str]) -> None:
        self._codec = codec
        self._stops = tuple(stop for stop in stops if stop)
        self._decoder = TextDecoder(codec)
        self._partial: list[int] = []
        self._held: list[_Piece] = []
        self._began = False
        """The answer's first word is there."""
        self._from = 0
        """Where in the held text the search begins."""

    def feed(self, ids: Sequence[int]) -> Fed:
        """Take new ids; return those that are certain by now and whether a stop was completed."""
        if not self._stops:
            return Fed(ids=tuple(ids), ended=False)
        released: list[int] = []
        for token_id in ids:
            self._partial.append(token_id)
            if text := self._decoder.feed((token_id,)):
                self._held.append(_Piece(tuple(self._partial), text))
                self._partial.clear()
                self._pass_by_blanks()
                kept = self._cut()
                if kept is not None:
                    self._held.clear()
                    return Fed(ids=(*released, *kept), ended=True)
                released += self._release()
        return Fed(ids=tuple(released), ended=False)

    @property
    def held(self) -> tuple[int, ...]:
        """What is held back: it may be the beginning of a stop."""
        return (*(i for piece in self._held for i in piece.ids), *self._partial)

    def flush(self) -> tuple[int, ...]:
        """Return what is still held back: the stream ended without a stop."""
        rest = self.held
        self._held.clear()
        self._partial.clear()
        return rest

    def _text(self) -> str:
        return "".join(piece.text for piece in self._held)

    def _pass_by_blanks(self) -> None:
        if not self._began:
            text = self._text()
            self._from = len(text) - len(text.lstrip())
            self._began = self._from < len(text)

    def _cut(self) -> tuple[int, ...] | None:
        """Return the ids before the first stop in what is held; None if there is none."""
        text = self._text()
        at = min((found for stop in self._stops if (found := text.find(stop, self._from)) >= 0), default=None)
        if at is None:
            return None
        kept: list[int] = []
        for piece in self._held:
            if at < len(piece.text):
                return (*kept, *self._codec.encode_user(piece.text[:at]))
            kept += piece.ids
            at -= len(piece.text)
        return tuple(kept)

    def _release(self) -> list[int]:
        """Let go of the ids before the longest end of the held text that may begin a stop."""
        text = self._text()
        left = len(text) - max((_overlap(text[self._from :], stop) for stop in self._stops), default=0)
        released: list[int] = []
        while self._held and len(self._held[0].text) <= left:
            piece = self._held.pop(0)
            left -= len(piece.text)
            self._from = max(0, self._from - len(piece.text))
            released += piece.ids
        return released


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a proper beginning of `stop`."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
