"""A model's tokens: text to ids and back, with and without control tokens. `Codec` is written on top of this."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from tokenizers import Tokenizer


class Vocabulary(Protocol):
    """What a `Codec` needs of a tokenizer."""

    @property
    def ids(self) -> frozenset[int]:
        """Every id that stands for a token."""
        ...

    @property
    def added(self) -> Mapping[str, int]:
        """Tokens added to the vocabulary by name: control tokens, markers and the like."""
        ...

    def encode(self, text: str, *, special: bool) -> Sequence[int]:
        """Encode text; with `special`, the names of added tokens become their ids, else they stay text."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Decode ids, added tokens shown by name."""
        ...


class TokenizerVocabulary:
    """`Vocabulary` of a tokenizer of the `tokenizers` package (tokenizer.json)."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._plain = _without_added_tokens(tokenizer)
        self.added: Mapping[str, int] = {
            token.content: token_id for token_id, token in tokenizer.get_added_tokens_decoder().items()
        }

    @property
    def ids(self) -> frozenset[int]:
        """Every id that stands for a token."""
        return self._ids

    @cached_property
    def _ids(self) -> frozenset[int]:
        return frozenset(self._tokenizer.get_vocab(with_added_tokens=True).values())

    def encode(self, text: str, *, special: bool) -> list[int]:
        """Encode text, with or without added tokens."""
        return (self._tokenizer if special else self._plain).encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        """Decode ids, added tokens shown by name."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=False)


def _without_added_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """Return the same tokenizer without its added tokens, so that no text can be read as one."""
    state: dict[str, Any] = json.loads(tokenizer.to_str())
    state["added_tokens"] = []
    state["post_processor"] = None
    state["truncation"] = state["padding"] = None
    return Tokenizer.from_str(json.dumps(state))
