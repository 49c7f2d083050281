"""What a run has written, author by author: ids become text, and both become events and segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from s1core.thinking import Codec, TextDecoder
from s1core.types import Event, Phase, Segment, Segments, Source, Tokens


class Transcript:
    """The segments of one run as they grow. Text lags behind its ids while a character is incomplete."""

    def __init__(self, codec: Codec, now_s: Callable[[], float]) -> None:
        """Start empty; `now_s` tells the seconds since the run began."""
        self._codec = codec
        self._now_s = now_s
        self._decoder = TextDecoder(codec)
        self._segments = Segments()
        self.phase: Phase = "thinking"
        self.tokens = 0
        """All tokens after the prompt."""

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._segments)

    @property
    def ids(self) -> tuple[int, ...]:
        """All token ids after the prompt."""
        return tuple(i for segment in self._segments for i in segment.token_ids)

    def ids_of(self, phase: Phase, source: Source | None = None) -> tuple[int, ...]:
        """Return the ids of a phase, of one author or of all."""
        parts = (s for s in self._segments if s.phase == phase and source in (None, s.source))
        return tuple(i for part in parts for i in part.token_ids)

    @property
    def thinking_tokens(self) -> int:
        """Tokens inside the thinking block, forced ones included."""
        return sum(len(segment.token_ids) for segment in self._segments if segment.phase == "thinking")

    def text(self, phase: Phase) -> str:
        """Return all text of a phase, whoever wrote it."""
        return "".join(segment.text for segment in self._segments if segment.phase == phase)

    def restore(self, segments: Iterable[Segment], *, goes_on: bool) -> None:
        """Begin with what was written before; with `goes_on` the model writes on in the last segment."""
        self._segments = Segments(segments)
        kept = tuple(self._segments)
        self.tokens = sum(len(segment.token_ids) for segment in kept)
        if goes_on:
            for token_id in kept[-1].token_ids:
                self._decoder.feed((token_id,))

    def wrote(self, ids: tuple[int, ...]) -> Tokens:
        """Add what the model wrote."""
        return self._append("model", self._decoder.feed(ids), ids)

    def inject(self, source: Source, ids: tuple[int, ...], *, note: str) -> list[Event]:
        """Add what somebody else wrote."""
        return [*self.end_segment(), self._append(source, self._codec.decode(ids), ids, note=note)]

    def end_segment(self) -> list[Event]:
        """Add the text that lags behind, broken characters too."""
        rest = self._decoder.flush()
        return [self._append("model", rest, ())] if rest else []

    def cut(self, keep_tokens: int) -> tuple[Segment, ...]:
        """Drop all but the first `keep_tokens` tokens; return what is kept."""
        kept = tuple(cut(self._codec.decode, self._segments, keep_tokens))
        self._segments, self.tokens = Segments(kept), keep_tokens
        return kept

    def _append(self, source: Source, text: str, ids: tuple[int, ...], *, note: str = "") -> Tokens:
        # Text that was held back belongs to the model's segment of the phase in which it was written.
        last = self._segments.last
        phase: Phase = self.phase if ids or last is None else last.phase
        if source == "close":
            phase = "answer"
        tokens = Tokens(source=source, phase=phase, text=text, token_ids=ids, note=note, at_s=self._now_s())
        self._segments.append(tokens)
        self.tokens += len(ids)
        return tokens


def cut(decode: Callable[[tuple[int, ...]], str], segments: Iterable[Segment], keep_tokens: int) -> list[Segment]:
    """Keep the first `keep_tokens` tokens; the text of a shortened segment is decoded anew, so that both agree.

    A Wait without a word has no tokens; it is kept where tokens follow that are.
    """
    kept: list[Segment] = []
    left = keep_tokens
    for segment in segments:
        if left <= 0:
            break
        ids = segment.token_ids[:left]
        left -= len(ids)
        kept.append(segment if ids == segment.token_ids else replace(segment, token_ids=ids, text=decode(ids)))
    return kept


def certain_text(codec: Codec, ids: tuple[int, ...]) -> str:
    """Decode ids without the bytes of a last character that is not complete yet; they come with what follows."""
    decoder = TextDecoder(codec)
    return "".join(decoder.feed((token_id,)) for token_id in ids)
