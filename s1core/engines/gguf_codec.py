"""A codec that needs the GGUF file alone: its token list decodes, llama.cpp encodes, its chat template renders.

So text is cut into tokens exactly as llama.cpp does it, and no tokenizer is fetched from a hub.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from tokenizers import pre_tokenizers

from s1core.chat_template import ChatTemplate
from s1core.errors import ModelUnavailable
from s1core.gguf import GgufHeader
from s1core.thinking import Codec

Tokenize = Callable[[str, bool], Sequence[int]]
"""Text to ids; where the flag is set, names of control tokens become their ids."""
_UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED, _BYTE = 2, 3, 4, 5, 6
"""Kinds of tokens, as GGUF numbers them."""
_BYTE_LEVEL = ("gpt2",)
_SENTENCEPIECE = ("llama", "gemma4")
_SPACE = "▁"
REMEMBERED = 4096
"""Texts whose ids are kept."""
_ENDS = ("eos", "eot", "eom")
_END_NAMES = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<turn|>", "<|return|>", "</s>")
"""Tokens at which llama.cpp ends a text, whatever the header says of them."""
_TRIAL = "Wait, 3 × 7 = 21 \n\n ünï 字 🦙 <x>"


class GgufVocabulary:
    """`Vocabulary` of a GGUF file."""

    def __init__(self, header: GgufHeader, tokenize: Tokenize) -> None:
        self._kind = str(header.metadata.get("tokenizer.ggml.model"))
        self._tokens = header.tokens
        self._types: list[int] = header.metadata.get("tokenizer.ggml.token_type", [1] * len(self._tokens))
        if self._kind not in (*_BYTE_LEVEL, *_SENTENCEPIECE) or len(self._types) != len(self._tokens):
            raise ModelUnavailable(
                f"{header.path} has a vocabulary of the kind {self._kind!r}, which is not read here; use the model's "
                "own repository with engine='transformers'"
            )
        self.added: Mapping[str, int] = {
            token: token_id
            for token_id, (token, kind) in enumerate(zip(self._tokens, self._types, strict=True))
            # Runs of spaces and line breaks are text, however a vocabulary lists them.
            if kind in (_UNKNOWN, _CONTROL) or (kind == _USER_DEFINED and token.replace(_SPACE, " ").strip())
        }
        self.ids = frozenset(n for n, kind in enumerate(self._types) if kind != _UNUSED)
        """Every id that stands for a token."""
        # A run encodes the same few words again and again.
        self._encoded: Tokenize = lru_cache(maxsize=REMEMBERED)(tokenize)
        named = [name for name, token_id in self.added.items() if self._types[token_id] == _USER_DEFINED]
        names = sorted(map(re.escape, named), key=len, reverse=True)
        self._user_defined = re.compile("|".join(names)) if names else None

    def encode(self, text: str, *, special: bool) -> list[int]:
        """Encode text, with or without added tokens."""
        if not text:
            return []
        # llama.cpp reads user-defined tokens, such as Qwen's <think>, in any text; broken in two they stay text.
        parts = [text] if special or self._user_defined is None else _broken(text, self._user_defined)
        return [token_id for part in parts for token_id in self._encoded(part, special)]

    def decode(self, ids: Sequence[int]) -> str:
        """Decode ids, added tokens shown by name."""
        return b"".join(self._pieces[i] for i in ids).decode("utf-8", "replace")

    @cached_property
    def _pieces(self) -> list[bytes]:
        """What each token writes."""
        to_byte = _bytes_of_letters()
        return [self._piece(token, kind, to_byte) for token, kind in zip(self._tokens, self._types, strict=True)]

    def _piece(self, token: str, kind: int, to_byte: Mapping[str, int]) -> bytes:
        if kind in (_UNKNOWN, _CONTROL, _USER_DEFINED):
            spaced = token.replace(_SPACE, " ") if self._kind in _SENTENCEPIECE and kind == _USER_DEFINED else token
            return spaced.encode()
        if self._kind in _BYTE_LEVEL:
            known = all(letter in to_byte for letter in token)
            return bytes(to_byte[letter] for letter in token) if known else token.encode()
        if kind == _BYTE:
            return bytes([int(token[3:5], 16)])
        return token.replace(_SPACE, " ").encode()


class _Templated:
    """A GGUF file's chat template, called like a tokenizer of transformers."""

    def __init__(self, header: GgufHeader, template: str) -> None:
        self._template = template
        self._names = {
            f"{name}_token": header.tokens[token_id]
            for name in ("bos", "eos")
            if isinstance(token_id := header.metadata.get(f"tokenizer.ggml.{name}_token_id"), int)
            and token_id < len(header.tokens)
        }

    def apply_chat_template(self, chat: Any, *, tokenize: bool, add_generation_prompt: bool, **switches: Any) -> str:
        from transformers.utils import chat_template_utils

        library: Any = chat_template_utils
        rendered, _ = library.render_jinja_template(
            conversations=[chat],
            chat_template=self._template,
            add_generation_prompt=add_generation_prompt,
            **self._names,
            **switches,
        )
        return rendered[0]


def load_codec(header: GgufHeader, tokenize: Tokenize, template: str | None = None) -> Codec:
    """Make the codec of a GGUF file.

    Args:
        header: the file's.
        tokenize: llama.cpp's, for the same file.
        template: a chat template to use instead of the file's own.

    Raises:
        ModelUnavailable: the file has no chat template, or a vocabulary that cannot be read here.
    """
    template = template or header.chat_template
    if not template:
        raise ModelUnavailable(f"{header.path} has no chat template; choose a GGUF of an instruction-tuned model")
    words = GgufVocabulary(header, tokenize)
    again = words.decode(words.encode(_TRIAL, special=False))
    if again.removeprefix(" ") != _TRIAL:
        raise ModelUnavailable(
            f"the vocabulary of {header.path} does not give back the text that it encodes; use the model's own "
            "repository with engine='transformers'"
        )
    return Codec(words, ChatTemplate(_Templated(header, template)), eos_ids=_end_ids(header))


def _end_ids(header: GgufHeader) -> set[int]:
    named = {header.metadata.get(f"tokenizer.ggml.{name}_token_id") for name in _ENDS}
    known = {i for i, token in enumerate(header.tokens) if token in _END_NAMES}
    return known | {i for i in named if isinstance(i, int)}


def _broken(text: str, names: re.Pattern[str]) -> list[str]:
    """Cut a text inside each name, after its first letter."""
    cuts = [0, *(found.start() + 1 for found in names.finditer(text)), len(text)]
    return [text[start:end] for start, end in zip(cuts, cuts[1:], strict=False) if start < end]


def _bytes_of_letters() -> dict[str, int]:
    """How byte-level vocabularies spell bytes: printable ones as themselves, the others from U+0100 on."""
    alphabet = set(pre_tokenizers.ByteLevel.alphabet())
    printable = {chr(byte): byte for byte in range(256) if chr(byte) in alphabet}
    rest = (byte for byte in range(256) if chr(byte) not in alphabet)
    return printable | {chr(256 + n): byte for n, byte in enumerate(rest)}
