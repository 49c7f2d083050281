"""What texts are made of: digits of any script, words or formulas, and the words between formulas."""

from __future__ import annotations

import re
import unicodedata

from s1core.grading.symbols import NAMES

_FOLDED = dict(zip("٫٬،、؛۔。٪\u200e\u200f", ".,,,;..%  ", strict=True))
_TEXT_GROUP = re.compile(r"\\(?:text|textbf|textit|textrm|textnormal|mathrm|mbox|begin|end)\s*\{[^{}]*\}")
_WORD = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z\u00c0-\u024f]{3,}")
_OF_FORMULAS = frozenset(
    ("and", "mod", "percent", "percentage", "per", "cent", "choose", "square", "cubic", "squared", "cubed")
)
# Short words that no formula has.
_SMALL_WORD = re.compile(r"(?<![\\A-Za-z])(?:is|are|it|It|we|We|he|He|so|So|to|of|in|In)(?![A-Za-z])")
# A letter of a script that is not used for formulas: Cyrillic, Arabic, Devanagari, Chinese, Japanese, Korean, ...
_OTHER_SCRIPT = re.compile("[\u0400-\u1cff\u2e80-\ud7af]")
_OTHER_THEN_ASCII = re.compile("([\u0900-\u1cff\u2e80-\ud7af\uff00-\uffef])(?=[!-~])")
AND_WORDS = frozenset(
    (
        "und",
        "oder",
        "et",
        "ou",
        "och",
        "og",
        "eller",
        "ve",
        "veya",
        "dan",
        "atau",
        "và",
        "hoặc",
        "oraz",
        "lub",
        "и",
        "или",
    )
)
"""`And` and `or`, which stand between formulas: `x = 2 und x = 3`."""
_AND = (
    re.compile(r"(?<=[\w$)}])\s*(?:或者|或|和|与|及|または|と|및|또는)\s*(?=[\w$\\(-])"),
    re.compile(rf"(?<=[\d}})$])\s+(?:{'|'.join(sorted(AND_WORDS))})\s+(?=[\w$\\-])"),
)


def fold(text: str) -> str:
    """Digits of all scripts, full-width and mathematical letters as ASCII; one character for each."""
    return text if text.isascii() else "".join(map(_folded, text))


def _folded(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if "\uff01" <= char <= "\uff5e" or "\U0001d400" <= char <= "\U0001d7ff" or char == "\u3000":
        return unicodedata.normalize("NFKC", char)
    return _FOLDED.get(char, char)


def is_prose(text: str) -> bool:
    """Whether a text is made of words: of more than one that is neither a function nor a unit."""
    text = _TEXT_GROUP.sub(" ", text)
    words = [word for word in _WORD.findall(text) if word not in NAMES and word.lower() not in _OF_FORMULAS]
    return len(words) + len(_SMALL_WORD.findall(text)) > 1 or _OTHER_SCRIPT.search(text) is not None


def read_connectives(text: str) -> str:
    """`And` and `or` of other languages, between formulas, in English."""
    for pattern in _AND:
        text = pattern.sub(" and ", text)
    return text


def part_scripts(text: str) -> str:
    """The text with a blank between a letter of a script without blanks and the number or formula after it."""
    return _OTHER_THEN_ASCII.sub(r"\1 ", text)
