"""Prompt rendering, injection-safe encoding and end-of-thinking detection. Thinking formats: `s1core.formats`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tokenizers import Tokenizer

from s1core.chat_template import RenderChat, fitted
from s1core.errors import InvalidSetting
from s1core.formats import FORMATS as FORMATS
from s1core.formats import ThinkingFormat as ThinkingFormat
from s1core.formats import thinking_format as thinking_format
from s1core.types import Message
from s1core.vocabulary import TokenizerVocabulary, Vocabulary


@dataclass(frozen=True, kw_only=True, slots=True)
class Fed:
    """What an `EndDetector` made of new ids."""

    ids: tuple[int, ...]
    """Ids that belong to the text for certain; the marker and all after it are not among them."""
    ended: bool
    reopened: bool = False
    """What ended it was the thinking block, opened again."""


class Codec:
    """Text to token ids and back for one model, with two encoders: one for user text, one for templates.

    `encode_user` can never form a special token; `encode_template` can, and only ever sees the project's own markers
    and the model's chat template.
    """

    def __init__(self, tokenizer: Tokenizer | Vocabulary, render_chat: RenderChat, eos_ids: Iterable[int] = ()) -> None:
        words = TokenizerVocabulary(tokenizer) if isinstance(tokenizer, Tokenizer) else tokenizer
        self._vocabulary: Vocabulary = words
        self._render_chat = render_chat
        self.eos_ids = frozenset(eos_ids)
        self._added = words.added
        self._added_ids = frozenset(words.added.values())

    @cached_property
    def vocab_size(self) -> int:
        """Ids at or above this are padding rows of the embedding and may never be sampled."""
        return max(self.known_ids) + 1

    @property
    def known_ids(self) -> frozenset[int]:
        """Every id that stands for a token; a gap in the numbering may not be sampled either."""
        return self._vocabulary.ids

    @property
    def control_ids(self) -> frozenset[int]:
        """Ids of tokens added to the vocabulary, markers and the like; no text from outside may form them."""
        return self._added_ids

    def encode_user(self, text: str) -> tuple[int, ...]:
        """Encode text from outside. Whatever it contains, it stays text."""
        # Lone surrogates cannot be encoded; they come from broken input and carry no text.
        clean = text.encode("utf-8", "replace").decode("utf-8")
        ids = tuple(self._vocabulary.encode(clean, special=False))
        if self._added_ids.isdisjoint(ids):
            return ids
        # A vocabulary that lists its control tokens as ordinary pieces: encode around them, letter by letter.
        pieces = (self._vocabulary.encode(letter, special=False) for letter in clean)
        return tuple(i for piece in pieces for i in piece if i not in self._added_ids)

    def encode_template(self, text: str) -> tuple[int, ...]:
        """Encode markers and template text, where special tokens are meant."""
        return tuple(self._vocabulary.encode(text, special=True))

    def decode(self, ids: Sequence[int]) -> str:
        """Decode ids, special tokens shown by name."""
        return self._vocabulary.decode(ids)

    def single_id(self, marker: str) -> int | None:
        """Return the id of a marker that is one token of its own, else None."""
        return self._added.get(marker)

    def fit(self, fmt: ThinkingFormat) -> ThinkingFormat:
        """Return a format with its markers as the model's own chat template writes them."""
        return fitted(fmt, self._render_chat)

    def render_prompt(self, messages: Sequence[Message], fmt: ThinkingFormat) -> tuple[int, ...]:
        """Render a chat up to and including the opening of the thinking block.

        A format that opens none has the answer begin at once; a hybrid template then switches the thinking off.

        Raises:
            InvalidSetting: the template refuses these turns, leaves one out, or does not let the model think.
        """
        ids, tail = self.render_chat(messages, think=bool(fmt.open))
        return (*ids, *self.encode_template(fmt.opened(tail) if fmt.open else tail))

    def render_chat(self, messages: Sequence[Message], *, think: bool = True) -> tuple[tuple[int, ...], str]:
        """Render a chat that is to be answered: its ids, and the template's text after the last turn.

        The template never sees what users wrote: each content is rendered as a placeholder and encoded by itself.

        Raises:
            InvalidSetting: the template refuses these turns or leaves one out.
        """
        marks = [f"⟦{secrets.token_hex(8)}⟧" for _ in messages]
        chat = [{"role": m.role, "content": mark} for m, mark in zip(messages, marks, strict=True)]
        rendered = self._render_chat(chat) if think else self._render_chat(chat, think=False)
        said = dict(zip(marks, messages, strict=True))
        left_out = next((message.role for mark, message in said.items() if mark not in rendered), None)
        if left_out is not None:
            raise InvalidSetting(
                f"the model's chat template leaves out a turn of the role {left_out}; say it in the question instead"
            )
        *pieces, tail = re.split(f"({'|'.join(map(re.escape, marks))})", rendered)
        ids: list[int] = []
        for piece in pieces:
            ids += self.encode_user(said[piece].content) if piece in said else self.encode_template(piece)
        return tuple(ids), tail


_BEFORE_QUOTED = " \t`'\"“‘«([{*_:"
_AFTER_QUOTED = " \t`'\"”’»)]}*_:.,;!?"


class EndDetector:
    """Finds the end of a phase in a stream of token ids, however the tokenizer splits its markers.

    Markers that are one token are stop ids, which the engine handles. Markers of several tokens are matched on
    decoded text, as are those that may be quoted (`reopens`): a sentence that speaks of a marker does not end there.
    Ids that may be the beginning of a marker are held back until that is decided.
    """

    def __init__(self, codec: Codec, markers: Iterable[str], reopens: Iterable[str] = ()) -> None:
        markers = tuple(markers)
        self._codec = codec
        self._reopens = tuple(reopens)
        self._long = (*(m for m in markers if codec.single_id(m) is None), *self._reopens)
        self.stop_ids = codec.eos_ids | {i for m in markers if (i := codec.single_id(m)) is not None}
        self._held: list[int] = []
        self._line = ""
        """What matters of the last line of what was released: whether it says anything, and its last letter."""

    @property
    def held(self) -> tuple[int, ...]:
        """What is held back: it may be the beginning of a marker."""
        return tuple(self._held)

    @property
    def first_ids(self) -> frozenset[int]:
        """Ids with which an end can begin."""
        return self.stop_ids | {self._codec.encode_template(m)[0] for m in self._long}

    def feed(self, ids: Sequence[int]) -> Fed:
        """Take new ids; return those that are certain by now and whether a marker was completed."""
        if not self._long:
            return Fed(ids=tuple(ids), ended=False)
        released: list[int] = []
        for token_id in ids:
            self._held.append(token_id)
            text = self._codec.decode(self._held)
            found = min(((i, m) for m in self._long if (i := self._find(m, text)) >= 0), default=None)
            if found is not None:
                kept = self._ids_before(found[0])
                self._held.clear()
                return Fed(ids=(*released, *kept), ended=True, reopened=found[1] in self._reopens)
            released += self._release(text)
        return Fed(ids=tuple(released), ended=False)

    def _find(self, marker: str, text: str) -> int:
        """Return where the held text has a marker that counts, or -1."""
        at = text.find(marker)
        while at >= 0 and marker in self._reopens and self._is_quoted(self._line + text[:at], text[at + len(marker) :]):
            at = text.find(marker, at + 1)
        return at

    @staticmethod
    def _is_quoted(before: str, after: str) -> bool:
        """Whether a sentence speaks of a marker; also while that is open, for nothing has followed yet."""
        line = before.rpartition("\n")[2]
        return bool(line.strip()) and line[-1] in _BEFORE_QUOTED and (not after or after[0] in _AFTER_QUOTED)

    def flush(self) -> tuple[int, ...]:
        """Return what is still held back: the stream ended without a marker."""
        held, self._held = tuple(self._held), []
        return held

    def _ids_before(self, end: int) -> tuple[int, ...]:
        """Ids of the held text before character `end`; a token that straddles it is re-encoded up to there."""
        whole = 0
        while len(self._codec.decode(self._held[: whole + 1])) <= end:
            whole += 1
        kept = self._held[:whole]
        rest = self._codec.decode(self._held)[len(self._codec.decode(kept)) : end]
        return (*kept, *self._codec.encode_user(rest))

    def _release(self, text: str) -> list[int]:
        """Let go of the ids before the longest suffix of `text` that may begin a marker."""
        longest = max((_overlap(text, marker) for marker in self._long), default=0)
        longest = max([longest, *(len(marker) for marker in self._reopens if text.endswith(marker))])
        count = len(self._held)
        while count and len(self._codec.decode(self._held[:count])) > len(text) - longest:
            count -= 1
        released, self._held = self._held[:count], self._held[count:]
        if self._reopens:
            gone = self._line + text[: len(text) - len(self._codec.decode(self._held))]
            line = gone.rpartition("\n")[2]
            self._line = line.strip()[:1] + line[-1:]
        return released


def _overlap(text: str, marker: str) -> int:
    """Length of the longest suffix of `text` that is a proper prefix of `marker`."""
    return next((n for n in range(min(len(text), len(marker) - 1), 0, -1) if text.endswith(marker[:n])), 0)


class TextDecoder:
    """Turns a stream of ids into a stream of text; holds back bytes of a character that is not complete yet."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._ids: list[int] = []
        self._start = 0  # decoding from here gives the context that spaces and joins depend on
        self._read = 0  # text up to here is out

    def feed(self, ids: Sequence[int]) -> str:
        """Take new ids; return the text that is certain by now."""
        self._ids += ids
        text = self._pending()
        if text.endswith("\ufffd"):
            return ""
        self._start, self._read = self._read, len(self._ids)
        return text

    def flush(self) -> str:
        """Return the rest; broken bytes show as the replacement character. Starts afresh."""
        text = self._pending()
        self._ids.clear()
        self._start = self._read = 0
        return text

    def _pending(self) -> str:
        shown = self._codec.decode(self._ids[self._start : self._read])
        return self._codec.decode(self._ids[self._start :])[len(shown) :]
