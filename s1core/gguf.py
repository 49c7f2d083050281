"""Reads the header of a GGUF file: its architecture, vocabulary and chat template. Loads no weights and no library."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from s1core.errors import ModelUnavailable

AGAIN = "copy or download it again"
_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Types of values, as `struct` writes them."""
_KV_BYTES = 2
"""Keys and values are kept in float16."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GgufHeader:
    """What a GGUF file says of itself."""

    path: Path
    metadata: Mapping[str, Any]

    @property
    def architecture(self) -> str:
        """Name of the model's architecture, such as `llama` or `qwen3`."""
        return str(self.metadata.get("general.architecture", ""))

    @property
    def kind(self) -> Literal["model", "adapter"]:
        """A whole model, or a LoRA adapter for one."""
        return "adapter" if self.metadata.get("general.type") == "adapter" else "model"

    @property
    def context_length(self) -> int | None:
        """Tokens that the model was trained to read."""
        return self._of_model("context_length")

    @property
    def chat_template(self) -> str | None:
        """The template in Jinja's language."""
        return self.metadata.get("tokenizer.chat_template")

    @property
    def tokens(self) -> list[str]:
        """The vocabulary, by id."""
        return self.metadata.get("tokenizer.ggml.tokens", [])

    @property
    def heads(self) -> int:
        """Attention heads; 0 where the header does not say."""
        return self._of_model("attention.head_count") or 0

    @property
    def key_heads(self) -> int:
        """Heads of keys and values, which several heads may share."""
        return self._of_model("attention.head_count_kv") or self.heads

    @property
    def cache_bytes_per_token(self) -> int:
        """Memory of the keys and values of one token in all layers; 0 where the header does not say."""
        layers, width, heads = self._of_model("block_count"), self._of_model("embedding_length"), self.heads
        if not layers or not heads or not width:
            return 0
        shared = self.metadata.get(f"{self.architecture}.attention.head_count_kv", heads)
        by_layer = cast("list[int]", shared) if isinstance(shared, list) else [int(shared)] * layers
        head = width // heads
        sizes = [self._of_model(f"attention.{name}_length") or head for name in ("key", "value")]
        return sum(by_layer) * sum(sizes) * _KV_BYTES

    def _of_model(self, name: str) -> int | None:
        value: Any = self.metadata.get(f"{self.architecture}.{name}")
        value = max(cast("list[int]", value), default=None) if isinstance(value, list) else value
        return int(value) if isinstance(value, int | float) else None


def read_header(path: Path, *, remedy: str = AGAIN) -> GgufHeader:
    """Read the header of a GGUF file.

    Args:
        path: the file.
        remedy: what to do where it is torn.

    Raises:
        ModelUnavailable: there is no such file, it is no GGUF file, or its header is torn.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return GgufHeader(path=path, metadata=_Reader(data).metadata())
    except FileNotFoundError:
        raise ModelUnavailable(f"there is no file {path}; {remedy}") from None
    except OSError as error:
        raise ModelUnavailable(f"{path} cannot be read ({error.strerror or error}); {remedy}") from None
    except (ValueError, struct.error, KeyError, RecursionError):  # an empty file cannot be mapped: ValueError
        raise ModelUnavailable(f"{path} is no GGUF file, or its beginning is torn; {remedy}") from None


class _Reader:
    """Reads values one after another. A count that reaches beyond the file is an error before anything is allocated."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 0

    def metadata(self) -> dict[str, Any]:
        if self._take(4) != _MAGIC:
            raise ValueError("no GGUF file")
        if self._number("I") not in _VERSIONS:
            raise ValueError("unknown version")
        self._number("Q")  # tensors, which follow the metadata
        count = self._number("Q")
        found: dict[str, Any] = {}
        for _ in range(count):
            name = self._string()
            found[name] = self._value(self._number("I"))
        return found

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY:
            return self._number(_NUMBERS[kind])
        of, count = self._number("I"), self._number("Q")
        if of in (_STRING, _ARRAY):
            return [self._value(of) for _ in range(count)]
        code = _NUMBERS[of]
        return list(struct.unpack(f"<{count}{code}", self._take(count * struct.calcsize(code))))

    def _string(self) -> str:
        return self._take(self._number("Q")).decode("utf-8", "replace")

    def _number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self._take(struct.calcsize(code)))[0]

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise ValueError("torn")
        start, self._at = self._at, end
        return self._data[start:end]
