"""What can be compared without computer algebra: texts that say the same, and numbers written as such."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from s1core.grading.brackets import closing
from s1core.grading.notation import to_latex
from s1core.grading.words import fold

_DECORATION = re.compile(r"\\[!,;:]|\\left(?![a-zA-Z])|\\right(?![a-zA-Z])|\\displaystyle\b")
_BLANK = re.compile(r"\\q?quad\b|(?<!\\)\\ |~|[\u00a0\u2009\u202f]")
# `1 2` is not 12; any other blank changes nothing.
_IDLE_BLANK = re.compile(r"(?<![0-9])\s+|\s+(?![0-9\s])")
_FRACTION_STYLE = re.compile(r"\\[dtc]frac\b")
_TEXT_GROUP = re.compile(r"\\(?:text|textbf|textit|textrm|textnormal|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_WORD = re.compile(r"(?<![^\W\d_])(?<!\\)[^\W\d_]+")
_SHORT_WORDS = {
    "No",
    "NO",
    "OK",
    "Ok",
    "Si",
    "Sí",
    "Ja",
    "Da",
    "Is",
    "In",
    "Of",
    "Or",
    "At",
    "On",
    "To",
    "By",
    "AM",
    "PM",
}
_NOON = re.compile(r"\b([ap])\.\s?m\b\.?", re.IGNORECASE)

_UNSIGNED = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_SIGNED = rf"[+-]?{_UNSIGNED}"
_DIGIT = re.compile(r"[0-9¼-¾⅐-⅞]")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(_SIGNED)
# 1,234.5 and 12,34,567 (India); 1 234,5 and 1'234.5; 1.234.567 and 1.234,5. `1.234` alone is a decimal.
_GROUPED = re.compile(
    r"([+-]?[1-9][0-9]{0,2})(?:"
    r"((?:,[0-9]{3})+|(?:,[0-9]{2})+,[0-9]{3})(\.[0-9]+)?"
    r"|((?:[ _'’][0-9]{3})+)([.,][0-9]+)?"
    r"|((?:\.[0-9]{3}){2,})(,[0-9]+)?|((?:\.[0-9]{3}))(,[0-9]+))"
)
_RATIO = re.compile(
    rf"(?P<sign>[+-]?)(?:(?P<whole>[0-9]+)?\\frac\{{(?P<n>{_SIGNED})\}}\{{(?P<d>{_SIGNED})\}}"
    rf"|(?P<n2>[0-9]+)/(?P<d2>[0-9]+))"
)
_POWER_OF_TEN = re.compile(rf"(?P<sign>[+-]?)(?:(?P<m>{_UNSIGNED})(?:\\times|\\cdot|\*))?10\^\{{(?P<e>[+-]?[0-9]+)\}}")
_REPEATING = re.compile(
    r"([+-]?[0-9]*)\.([0-9]*)(?:\\(?:overline|bar|dot)\{([0-9]+)\}|\(([0-9]+)\))"
    r"|([+-]?[0-9]*)\.([0-9]*?)(?:([0-9])\7{2,}|([0-9]{2,})\8+)(?:\.\.\.|\\l?dots)"
)
_DOTTED_ENDS = re.compile(r"\\dot\{([0-9])\}([0-9]*)\\dot\{([0-9])\}")
_PERCENT = re.compile(r"(?:\\?%|\\text\{(?:percent|per cent|pct)\}|(?<=[0-9}])(?:percent|per cent|pct))$")
_LONGEST_NUMBER = 300
"""Python refuses to read integers of more than 4,300 digits; nobody asks for one of 300."""
_LARGEST_EXPONENT = 120
"""Of ten; larger ones are compared by computer algebra, under a deadline."""
_NO_VALUE = frozenset(
    ("", "nan", "nat", "<na>", "n/a", "null", "#n/a", "#ref!", "#value!", "#div/0!", "#name?", "#num!", "#null!")
)
"""What tables write where there is nothing, or where a formula failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Literal:
    """A number as written: its exact value, whether it has a decimal point, and whether a percent sign follows."""

    value: Fraction
    decimal: bool = False
    percent: bool = False


def is_missing(gold: str) -> bool:
    """Whether an expected answer is the mark of an empty cell: blank, or NaN as tables have it."""
    return gold.strip().casefold() in _NO_VALUE


def tidy(text: str) -> str:
    r"""Drop what does not change the meaning: math delimiters, spacing, `\left` and `\right`, fraction styles."""
    text = unwrap_math(text.strip())
    text = _BLANK.sub(" ", _DECORATION.sub("", _FRACTION_STYLE.sub(r"\\frac", text)))
    # `{,}` is the typesetter's thousands separator.
    text = _IDLE_BLANK.sub("", " ".join(text.split())).replace("{,}", ",").replace("−", "-")
    return text if text.endswith("..") else text.removesuffix(".")


def unwrap_math(text: str) -> str:
    r"""Take off one pair of `$`, `$$`, `\(` or `\[` that encloses the whole text."""
    for left, right in (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
        inner = text[len(left) : len(text) - len(right)]
        encloses = text.startswith(left) and text.endswith(right) and len(text) >= len(left) + len(right)
        if encloses and left not in inner and right not in inner and not inner.endswith("\\"):
            return inner.strip()
    return text


def plain(text: str) -> str:
    r"""The text for comparison word by word: no delimiters, no `\text{}`, words without their case."""
    text = _TEXT_GROUP.sub(r"\1", unwrap_math(fold(text).strip()))
    text = _NOON.sub(r"\1m", text.replace("$", " ").replace("~", " ").replace("\\ ", " "))
    text = " ".join(text.split()).strip("*_ ").rstrip(".")
    return _WORD.sub(lambda word: word[0].casefold() if _is_word(word[0]) else word[0], text)


def _is_word(letters: str) -> bool:
    """Whether letters are a word, whose case means nothing: not `x`, `mPa` or `mW`."""
    cased = letters.islower() or letters.isupper() or letters.istitle()
    return cased and (len(letters) > 2 or letters in _SHORT_WORDS)


def parse_number(text: str) -> Literal | None:
    """Read a number as people and programs write it; None for anything else.

    Integers, decimals, thousands in groups, fractions, mixed numbers, powers of ten, repeating decimals, and each of
    them with a percent sign; in the digits of any script.
    """
    text = tidy(fold(text))
    if not text or len(text) > _LONGEST_NUMBER or not _DIGIT.search(text):
        return None
    if _INTEGER.fullmatch(text):
        return Literal(value=Fraction(int(text)))
    if (grouped := _grouped(text)) is not None:
        return grouped
    text = _IDLE_BLANK.sub("", to_latex(text))
    while text.startswith("(") and closing(text, 0) == len(text) - 1:
        text = text[1:-1]
    if percent := _PERCENT.search(text):
        number = parse_number(text[: percent.start()])
        return number and Literal(value=number.value, decimal=number.decimal, percent=True)
    if _DECIMAL.fullmatch(text):
        return Literal(value=Fraction(text), decimal="." in text)
    return _grouped(text) or _ratio(text) or _power_of_ten(text) or _repeating(text)


def _grouped(text: str) -> Literal | None:
    found = _GROUPED.fullmatch(text)
    if found is None:
        return None
    fraction = found[3] or found[5] or found[7] or found[9] or ""
    whole = re.sub("[^0-9+-]", "", text[: len(text) - len(fraction)])
    return Literal(value=Fraction(whole + fraction.replace(",", ".")), decimal=bool(fraction))


def _ratio(text: str) -> Literal | None:
    found = _RATIO.fullmatch(text)
    if found is None:
        return None
    numerator, denominator = Fraction(found["n"] or found["n2"]), Fraction(found["d"] or found["d2"])
    if denominator == 0 or (found["whole"] and (numerator < 0 or denominator < 0)):
        return None
    value = Fraction(found["whole"] or 0) + numerator / denominator
    return Literal(value=-value if found["sign"] == "-" else value)


def _power_of_ten(text: str) -> Literal | None:
    found = _POWER_OF_TEN.fullmatch(text)
    if found is None or len(found["e"]) > 4 or abs(exponent := int(found["e"])) > _LARGEST_EXPONENT:
        return None
    value = Fraction(found["m"] or 1) * Fraction(10) ** exponent
    return Literal(value=-value if found["sign"] == "-" else value, decimal="." in (found["m"] or ""))


def _repeating(text: str) -> Literal | None:
    found = _REPEATING.fullmatch(_DOTTED_ENDS.sub(r"\\overline{\1\2\3}", text))
    if found is None:
        return None
    whole, head, period = found[1] or found[5] or "", found[2] or found[6] or "", found[3] or found[4]
    period = period or found[7] or found[8]
    sign = -1 if whole.startswith("-") else 1
    value = Fraction(f"{whole.lstrip('+-') or 0}.{head or 0}") + Fraction(
        int(period), (10 ** len(period) - 1) * 10 ** len(head)
    )
    return Literal(value=sign * value)


def parse_integer(text: str) -> int | None:
    """Read an integer, written as one or as a decimal that is one (`7.0`); None for anything else."""
    number = parse_number(text)
    return int(number.value) if number is not None and number.value.denominator == 1 and not number.percent else None


def same_number(a: Literal, b: Literal) -> bool:
    """Exact for integers and fractions; with a decimal point, to six places as math-verify does it.

    Unlike math-verify, tiny numbers must agree in relation to their size too: 0.0000671 is not 0.0000672. A percent
    sign divides by a hundred, or was asked for: 28% is 0.28, and 28 as well, but 0.5% is never 0.5.
    """
    decimal = a.decimal or b.decimal
    if a.percent == b.percent:
        return _close(a.value, b.value, decimal=decimal)
    asked = abs(a.value) >= 1 and _close(a.value, b.value, decimal=decimal)
    return asked or _close(_share(a), _share(b), decimal=decimal)


def _share(number: Literal) -> Fraction:
    return number.value / 100 if number.percent else number.value


def _close(a: Fraction, b: Fraction, *, decimal: bool) -> bool:
    gap = abs(a - b)
    return gap == 0 or (decimal and gap <= Fraction(1, 2_000_000) and gap <= max(abs(a), abs(b)) / 100_000)
