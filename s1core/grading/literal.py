"""What can be compared without computer algebra: texts that say the same, and numbers written as such."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_DECORATION = re.compile(r"\\[!,;:]|\\left(?![a-zA-Z])|\\right(?![a-zA-Z])|\\displaystyle\b")
_BLANK = re.compile(r"\\q?quad\b|\\ |~")
# `1 2` is not 12; any other blank changes nothing.
_IDLE_BLANK = re.compile(r"(?<![0-9])\s+|\s+(?![0-9\s])")
_FRACTION_STYLE = re.compile(r"\\[dtc]frac\b")
_TEXT_GROUP = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_RATIO = re.compile(r"([+-]?)(?:([0-9]+)/([0-9]+)|\\frac\{([0-9]+)\}\{([0-9]+)\}|\\frac([0-9])([0-9]))")
_LONGEST_NUMBER = 300
"""Python refuses to read integers of more than 4,300 digits; nobody asks for one of 300."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Literal:
    """A number as written: its exact value, and whether it was written with a decimal point."""

    value: Fraction
    decimal: bool


def tidy(text: str) -> str:
    r"""Drop what does not change the meaning: math delimiters, spacing, `\left` and `\right`, fraction styles."""
    text = unwrap_math(text.strip())
    text = _BLANK.sub(" ", _DECORATION.sub("", _FRACTION_STYLE.sub(r"\\frac", text)))
    # `{,}` is the typesetter's thousands separator.
    return _IDLE_BLANK.sub("", " ".join(text.split())).replace("{,}", ",").replace("−", "-").rstrip(".")


def unwrap_math(text: str) -> str:
    r"""Take off one pair of `$`, `$$`, `\(` or `\[` that encloses the whole text."""
    for left, right in (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
        inner = text[len(left) : len(text) - len(right)]
        encloses = text.startswith(left) and text.endswith(right) and len(text) >= len(left) + len(right)
        if encloses and left not in inner and right not in inner and not inner.endswith("\\"):
            return inner.strip()
    return text


def plain(text: str) -> str:
    r"""The text for comparison word by word: no delimiters, no `\text{}`, one space between words, case folded."""
    text = _TEXT_GROUP.sub(r"\1", unwrap_math(text.strip()))
    return " ".join(text.split()).strip("*_ ").rstrip(".").casefold()


def parse_number(text: str) -> Literal | None:
    r"""Read an integer, a decimal, a fraction of integers or thousands with commas; None for anything else."""
    text = tidy(text)
    if not text or len(text) > _LONGEST_NUMBER:
        return None
    if _INTEGER.fullmatch(text):
        return Literal(value=Fraction(int(text)), decimal=False)
    if _DECIMAL.fullmatch(text) or _THOUSANDS.fullmatch(text):
        return Literal(value=Fraction(text.replace(",", "")), decimal="." in text)
    ratio = _RATIO.fullmatch(text)
    if ratio is None:
        return None
    numerator, denominator = (int(digits) for digits in ratio.groups()[1:] if digits is not None)
    if denominator == 0:
        return None
    sign = -1 if ratio[1] == "-" else 1
    return Literal(value=sign * Fraction(numerator, denominator), decimal=False)


def parse_integer(text: str) -> int | None:
    """Read an integer, written as one or as a decimal that is one (`7.0`); None for anything else."""
    number = parse_number(text)
    return int(number.value) if number is not None and number.value.denominator == 1 else None


def same_number(a: Literal, b: Literal) -> bool:
    """Exact for integers and fractions; with a decimal point, to six places as math-verify does it.

    Unlike math-verify, tiny numbers must agree in relation to their size too: 0.0000671 is not 0.0000672.
    """
    gap = abs(a.value - b.value)
    if not (a.decimal or b.decimal):
        return gap == 0
    return gap <= Fraction(1, 2_000_000) and gap <= max(abs(a.value), abs(b.value)) / 100_000
