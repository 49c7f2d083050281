"""Counting tokens of imported text with the tokenizer of the model that wrote it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from s1core.errors import S1Error
from s1core.models import PRESETS

CountTokens = Callable[[str], int]

# How Qwen2 and Qwen2.5 split text before byte-pair encoding.
_QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


class TokenizerUnavailable(S1Error, RuntimeError):
    """Tokens of a run cannot be counted; the message says which files would do."""


def load_counter(location: str) -> CountTokens:
    """Load a tokenizer and return its count of tokens.

    Args:
        location: a folder with `tokenizer.json`, or with Qwen2's `vocab.json` and `merges.txt`; else a hub id.

    Raises:
        TokenizerUnavailable: there is no such tokenizer here.
    """
    folder = Path(location)
    tokenizer = _from_folder(folder) if folder.is_dir() else _from_hub(location)
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


class CountWhenNeeded:
    """Counts tokens with a tokenizer that is loaded at the first text; many logs hold all their counts."""

    def __init__(self, load: Callable[[], CountTokens]) -> None:
        self._load = load
        self._count: CountTokens | None = None
        self.failed: TokenizerUnavailable | None = None
        """Why there is none, once it was needed."""

    def __call__(self, text: str) -> int:
        """Count the tokens of a text.

        Raises:
            TokenizerUnavailable: there is no such tokenizer here.
        """
        if self.failed is not None:
            raise self.failed
        if self._count is None:
            try:
                self._count = self._load()
            except TokenizerUnavailable as error:
                self.failed = error
                raise
        return self._count(text)


def own_tokenizer(model: str) -> tuple[str, str]:
    """Return where the tokenizer of a model is, and what to call it: of a known one its own place, else its hub id."""
    preset = next((p for p in PRESETS.values() if model in (p.name, p.location)), None)
    return (preset.location, preset.name) if preset is not None else (model, model.rpartition("/")[2])


def _from_folder(folder: Path) -> Tokenizer:
    try:
        if (folder / "tokenizer.json").exists():
            return Tokenizer.from_file(str(folder / "tokenizer.json"))
        return _qwen2(folder)
    except Exception as error:  # `tokenizers` raises plain Exception for whatever is wrong
        raise TokenizerUnavailable(
            f"no tokenizer could be read from {folder} ({error}); "
            "it needs tokenizer.json, or vocab.json and merges.txt of a Qwen2 model"
        ) from error


def _from_hub(location: str) -> Tokenizer:
    try:
        return Tokenizer.from_pretrained(location)
    except Exception as error:  # as above
        raise TokenizerUnavailable(
            f"the tokenizer of {location}, needed to count thinking tokens, could not be fetched from the hub; "
            "name a folder that holds it with --tokenizer FOLDER"
        ) from error


def _qwen2(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    tokenizer.normalizer = normalizers.NFC()  # type: ignore[assignment]
    split = pre_tokenizers.Split(Regex(_QWEN2_SPLIT), "isolated")
    in_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, in_bytes])  # type: ignore[assignment]
    tokenizer.add_tokens([AddedToken(name, normalized=False) for name in _added_names(folder)])
    return tokenizer


def _added_names(folder: Path) -> list[str]:
    """Control tokens in the order of their ids, from whichever `*added_tokens.json` lists the most."""
    longest: dict[str, Any] = {}
    for path in sorted(folder.glob("*added_tokens.json")):
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = found.get("added_tokens", found)
        longest = max(longest, found, key=len)
    return sorted(longest, key=lambda name: longest[name])
