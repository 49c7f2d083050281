"""Texts as normalised words and their n-grams, for comparison only."""

from __future__ import annotations

import hashlib
import re
import unicodedata

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

# Scripts that set no spaces between words: those of whole words or syllables, and those of letters.
_SYLLABLES = r"\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_UNSPACED_LETTERS = r"\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\ua980-\ua9df"
_UNSPACED = _SYLLABLES + _UNSPACED_LETTERS
_LENGTHS = ((re.compile(f"[{_SYLLABLES}]+"), 6), (re.compile(f"[{_UNSPACED_LETTERS}]+"), 24))
"""Characters that stand for a word: with these, eight words in a row are 13 characters, or 31 letters."""
_BETWEEN = re.compile(rf"(?<=[{_UNSPACED}])[^\w{_UNSPACED}]+(?=[{_UNSPACED}])")
_WORD = re.compile(rf"[{_SYLLABLES}]+|[{_UNSPACED_LETTERS}]+|[^\W{_UNSPACED}]+")
# A hyphen between letters is spelling; anywhere else it is a minus.
_FIGURE = re.compile(r"\d+|[+*/=<>^!|≤≥±×÷]|(?<![^\W\d])-|-(?![^\W\d])")
_LONGEST_GRAM = 16
_MULTIPLIERS: Hashes = np.random.default_rng(0x51).integers(1, 2**63, _LONGEST_GRAM, dtype=np.uint64) * 2 + 1


def normal(text: str) -> str:
    """Compatible, case-folded form; a typographic minus is a minus."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold().replace("−", "-")


def words(text: str) -> list[str]:
    r"""Letters and digits of a normal text in runs; `\frac{1}{2}` gives `frac 1 2`, spacing and other marks go.

    Scripts without spaces give every so many characters in a row, one after the other, marks between them left out.
    """
    if text.isascii():
        return re.findall(r"\w+", text)
    return [word for run in _WORD.findall(_BETWEEN.sub("", text)) for word in _split(run)]


def joined(tokens: list[str]) -> str:
    """Words as they are read: what a script without spaces gave is one text again."""
    text, before = "", ""
    for token in tokens:
        follows = _length(token) == len(token) == len(before) and token[:-1] == before[1:]
        text += token[-1] if follows else (" " if text else "") + token
        before = token
    return text


def _split(run: str) -> list[str]:
    length = _length(run)
    return [run] if not length else [run[at : at + length] for at in range(max(1, len(run) - length + 1))]


def _length(run: str) -> int:
    """Characters that stand for a word of this script; 0 where words are told by spaces."""
    return next((length for script, length in _LENGTHS if script.match(run)), 0)


def figures(text: str) -> str:
    """Numbers and signs in order: questions that differ in one of them are different questions."""
    return " ".join(_FIGURE.findall(text))


class WordHashes:
    """Words as 64-bit numbers, the same on every machine."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, tokens: list[str]) -> Hashes:
        """One number a word."""
        known = self._known
        return np.array([known.get(token) or self._learn(token) for token in tokens], dtype=np.uint64)

    def _learn(self, token: str) -> int:
        value = stable_hash(token) | 1
        self._known[token] = value
        return value


def stable_hash(text: str) -> int:
    """64 bits that depend on the text alone."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def gram_hashes(hashes: Hashes, n: int) -> Hashes:
    """One number for every run of `n` words, in order; a text of fewer words is one run as it stands.

    Args:
        hashes: of the words, `[words]`.
        n: at most 16.
    """
    length = min(n, len(hashes))
    if length == 0:
        return np.zeros(0, dtype=np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(hashes, length)
    mixed = (windows * _MULTIPLIERS[:length]).sum(axis=1, dtype=np.uint64)
    # Runs of different lengths never meet.
    mixed ^= np.uint64(length)
    return mixed ^ (mixed >> np.uint64(29))
