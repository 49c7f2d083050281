"""A trace as the Wait lab shows it: its text, and how much of it stands before each place of a fork. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from app.runs.request import RunRequest
from app.runs.samples import LiveSamples
from app.shell.responses import View
from s1core.fork import places
from s1core.thinking import Codec, TextDecoder
from s1core.types import INJECTED, Segment, Trace

NO_PLACE = -1
"""Within a forced Wait."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """What the page shows of a trace."""

    text: str
    """Provenance included, as `render` writes it."""
    ends: tuple[int, ...]
    """For every number of thinking tokens, from 0, the characters of the text that they make, as a browser counts."""
    names: tuple[tuple[int, str], ...]
    """Places with a name."""

    def as_view(self) -> View:
        """Return the JSON for the page."""
        return {"text": self.text, "ends": list(self.ends), "names": [list(name) for name in self.names]}


def utf16(text: str) -> int:
    """Count characters as a browser does, to whom those beyond the basic plane are two."""
    return len(text) if text.isascii() else len(text) + sum(letter > "\uffff" for letter in text)


def drawn(codec: Codec, trace: Trace, asked: RunRequest) -> Drawn:
    """Fold a trace token by token."""
    live, ends = LiveSamples(asked), [0]
    seen = length = 0
    for segment in trace.segments:
        thinking = segment.phase == "thinking"
        for piece in _pieces(codec, segment) if thinking else [segment]:
            if thinking and segment.source in INJECTED:
                ends += [NO_PLACE] * (len(piece.token_ids) - 1)
            live.take(0, piece.as_event())
            if thinking and piece.token_ids:
                text = live.text
                length += utf16(text[seen:])
                seen = len(text)
                ends.append(length)
    return Drawn(text=live.text, ends=tuple(ends), names=tuple(_names(trace)))


def _pieces(codec: Codec, segment: Segment) -> list[Segment]:
    """Divide what the model wrote into its tokens; a forced Wait stays whole."""
    if segment.source in INJECTED:
        return [segment]
    decoder = TextDecoder(codec)
    ids = segment.token_ids
    texts = [decoder.feed((token_id,)) for token_id in ids]
    if texts:
        texts[-1] += decoder.flush()
    return [
        Segment(source=segment.source, phase=segment.phase, text=text, token_ids=(token_id,), note=segment.note)
        for text, token_id in zip(texts, ids, strict=True)
    ]


def _names(trace: Trace) -> list[tuple[int, str]]:
    words = {"start": "start", "end": "end"}
    return [(place.tokens, words.get(place.kind) or f"Wait {place.number}") for place in places(trace)]
