"""Thinking formats as data, prompt rendering, injection-safe encoding and end-of-thinking detection.

A thinking format says how a model family opens, closes and leaves its thinking block. One table serves training,
inference, grading and display.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tokenizers import Tokenizer

from s1core.errors import InvalidSetting
from s1core.types import Message

RenderChat = Callable[[list[dict[str, str]]], str]
"""Renders messages with the model's chat template, generation prompt included."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThinkingFormat:
    """How one model family writes its thinking block."""

    name: str
    open: str
    """Follows the rendered chat prompt, unless that already ends inside a thinking block."""
    ends: tuple[str, ...]
    """Markers with which the model ends its thinking. Never kept. End of sequence always ends it as well."""
    close_by_model: str
    close_by_budget: str
    """Followed by the budget's final-answer text."""
    drop_newline_after_newline: bool
    """Leave out the leading newline of `close_by_budget` when the thinking already ends with one."""
    answer_ends: tuple[str, ...]
    """Markers that end the answer; a re-opened thinking block is one of them, or it would escape the budget."""

    def closing_text(self, *, by_model: bool, thinking_text: str, final_answer_text: str) -> str:
        """Return what is injected to close the block."""
        if by_model:
            return self.close_by_model
        text = self.close_by_budget
        if self.drop_newline_after_newline and thinking_text.endswith("\n"):
            text = text.removeprefix("\n")
        return text + final_answer_text


FORMATS: dict[str, ThinkingFormat] = {
    "s1": ThinkingFormat(
        name="s1",
        open="<|im_start|>think",
        ends=("<|im_start|>", "<|im_end|>"),
        close_by_model="<|im_start|>answer",
        close_by_budget="\n<|im_start|>answer\n",
        drop_newline_after_newline=True,
        answer_ends=("<|im_end|>", "<|im_start|>"),
    ),
    "think_tags": ThinkingFormat(
        name="think_tags",
        open="<think>\n",
        ends=("</think>",),
        close_by_model="\n</think>\n\n",
        close_by_budget="\n</think>\n\n",
        drop_newline_after_newline=False,
        answer_ends=("<think>",),
    ),
}


def thinking_format(name: str) -> ThinkingFormat:
    """Look up a format by name."""
    try:
        return FORMATS[name]
    except KeyError:
        raise InvalidSetting(f"unknown thinking format {name!r}; known: {', '.join(FORMATS)}") from None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fed:
    """What an `EndDetector` made of new ids."""

    ids: tuple[int, ...]
    """Ids that belong to the text for certain; the marker and all after it are not among them."""
    ended: bool


class Codec:
    """Text to token ids and back for one model, with two doors: one for users, one for templates.

    `encode_user` can never form a special token; `encode_template` can, and only ever sees the project's own markers
    and the model's chat template.
    """

    def __init__(self, tokenizer: Tokenizer, render_chat: RenderChat, eos_ids: Iterable[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._plain = _without_added_tokens(tokenizer)
        self._render_chat = render_chat
        self.eos_ids = frozenset(eos_ids)
        added = tokenizer.get_added_tokens_decoder()
        self._added = {token.content: token_id for token_id, token in added.items()}
        self._added_ids = frozenset(added)

    @cached_property
    def vocab_size(self) -> int:
        """Ids at or above this are padding rows of the embedding and may never be sampled."""
        return max(self._tokenizer.get_vocab(with_added_tokens=True).values()) + 1

    @cached_property
    def known_ids(self) -> frozenset[int]:
        """Every id that stands for a token; a gap in the numbering may not be sampled either."""
        return frozenset(self._tokenizer.get_vocab(with_added_tokens=True).values())

    @property
    def control_ids(self) -> frozenset[int]:
        """Ids of tokens added to the vocabulary, markers and the like; no text from outside may form them."""
        return self._added_ids

    def encode_user(self, text: str) -> tuple[int, ...]:
        """Encode text from outside. Whatever it contains, it stays text."""
        # Lone surrogates cannot be encoded; they come from broken input and carry no text.
        clean = text.encode("utf-8", "replace").decode("utf-8")
        ids = tuple(self._plain.encode(clean, add_special_tokens=False).ids)
        if self._added_ids.isdisjoint(ids):
            return ids
        # A vocabulary that lists its control tokens as ordinary pieces: encode around them, letter by letter.
        pieces = (self._plain.encode(letter, add_special_tokens=False).ids for letter in clean)
        return tuple(i for piece in pieces for i in piece if i not in self._added_ids)

    def encode_template(self, text: str) -> tuple[int, ...]:
        """Encode markers and template text, where special tokens are meant."""
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Decode ids, special tokens shown by name."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=False)

    def single_id(self, marker: str) -> int | None:
        """Return the id of a marker that is one token of its own, else None."""
        return self._added.get(marker)

    def render_prompt(self, messages: Sequence[Message], fmt: ThinkingFormat) -> tuple[int, ...]:
        """Render a chat up to and including the opening of the thinking block.

        The template never sees what users wrote: each content is rendered as a placeholder and encoded by itself.
        """
        marks = [f"⟦{secrets.token_hex(8)}⟧" for _ in messages]
        chat = [{"role": m.role, "content": mark} for m, mark in zip(messages, marks, strict=True)]
        rest = self._render_chat(chat)
        ids: list[int] = []
        for message, mark in zip(messages, marks, strict=True):
            before, found, after = rest.partition(mark)
            if not found:  # the template leaves this turn out
                continue
            ids += self.encode_template(before)
            ids += self.encode_user(message.content)
            rest = after
        return (*ids, *self.encode_template(rest + self._opening(rest, fmt)))

    @staticmethod
    def _opening(rendered: str, fmt: ThinkingFormat) -> str:
        inside = fmt.open.strip() in rendered and rendered.rstrip().endswith(fmt.open.strip())
        return "" if inside else fmt.open


def _without_added_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """Return the same tokenizer without its added tokens, so that no text can be read as one."""
    state: dict[str, Any] = json.loads(tokenizer.to_str())
    state["added_tokens"] = []
    state["post_processor"] = None
    state["truncation"] = state["padding"] = None
    return Tokenizer.from_str(json.dumps(state))


class EndDetector:
    """Finds the end of a phase in a stream of token ids, however the tokenizer splits its markers.

    Markers that are one token are stop ids, which the engine handles. Markers of several tokens are matched on
    decoded text; ids that may be the beginning of one are held back until that is decided.
    """

    def __init__(self, codec: Codec, markers: Iterable[str]) -> None:
        markers = tuple(markers)
        self._codec = codec
        self._long = tuple(m for m in markers if codec.single_id(m) is None)
        self.stop_ids = codec.eos_ids | {i for m in markers if (i := codec.single_id(m)) is not None}
        self._held: list[int] = []

    @property
    def first_ids(self) -> frozenset[int]:
        """Ids with which an end can begin."""
        return self.stop_ids | {self._codec.encode_template(m)[0] for m in self._long}

    def feed(self, ids: Sequence[int]) -> Fed:
        """Take new ids; tell which are certain by now and whether a marker was completed."""
        if not self._long:
            return Fed(ids=tuple(ids), ended=False)
        released: list[int] = []
        for token_id in ids:
            self._held.append(token_id)
            text = self._codec.decode(self._held)
            at = min((i for m in self._long if (i := text.find(m)) >= 0), default=None)
            if at is not None:
                kept = self._ids_before(at)
                self._held.clear()
                return Fed(ids=(*released, *kept), ended=True)
            released += self._release(text)
        return Fed(ids=tuple(released), ended=False)

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
        count = len(self._held)
        while count and len(self._codec.decode(self._held[:count])) > len(text) - longest:
            count -= 1
        released, self._held = self._held[:count], self._held[count:]
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
