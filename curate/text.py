"""Texts as normalised words and their n-grams, for comparison only."""

from __future__ import annotations

import hashlib
import re
import unicodedata

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

# Scripts that set no spaces between words: those of whole words or syllables, and those of letters. Korean sets them as
# its writers like.
_SYLLABLES = r"\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_UNSPACED_LETTERS = r"\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\ua980-\ua9df"
_HANGUL = r"\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb"
_UNSPACED = _SYLLABLES + _UNSPACED_LETTERS + _HANGUL
_LENGTHS = (
    (re.compile(f"[{_SYLLABLES}]+"), 6),
    (re.compile(f"[{_UNSPACED_LETTERS}]+"), 24),
    (re.compile(f"[{_HANGUL}]+"), 14),
)
"""Characters that stand for a word: eight words in a row are 13 characters, 31 letters, or 21 Korean syllables."""
_BETWEEN = re.compile(rf"(?<=[{_UNSPACED}])[^\w{_UNSPACED}]+(?=[{_UNSPACED}])")
_WORD = re.compile(rf"[{_SYLLABLES}]+|[{_UNSPACED_LETTERS}]+|[{_HANGUL}]+|[^\W_{_UNSPACED}]+")
# A hyphen between letters is spelling; anywhere else it is a minus.
_FIGURE = re.compile(r"\d+|[+*/=<>^!|≤≥±×÷]|(?<![^\W\d])-|-(?![^\W\d])")
_LONGEST_GRAM = 16
_MULTIPLIERS: Hashes = np.random.default_rng(0x51).integers(1, 2**63, _LONGEST_GRAM, dtype=np.uint64) * 2 + 1


class _Plain(dict[int, str]):
    """What a character is for comparison; looked up once, then kept."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        # Soft hyphens, joiners and marks of direction are not seen; vowel signs of Arabic and Hebrew may be left out.
        unseen = unicodedata.category(char) == "Cf" or _MARK.match(char) is not None
        self[code] = "" if unseen else str(unicodedata.decimal(char)) if char.isdecimal() else char
        return self[code]


_MARK = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u08d3-\u08ff]"
)
_PLAIN = _Plain({ord(a): b for a, b in zip("−أإآٱىیک", "-اااايي\u0643", strict=True)})


def normal(text: str) -> str:
    """Compatible, case-folded form with the digits 0 to 9, without what is not seen; a typographic minus is a minus."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold().translate(_PLAIN)


def words(text: str) -> list[str]:
    r"""Letters and digits of a normal text in runs; `\frac{1}{2}` gives `frac 1 2`, spacing and other marks go.

    Scripts without spaces, and Korean, give every so many characters in a row, one after the other, marks and spaces
    between them left out.
    """
    if text.isascii():
        return re.findall(r"[^\W_]+", text)
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
