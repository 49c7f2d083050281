"""Find the value that prose gives: the last one it names; of a labelled answer what is said to be it, or the first."""

from __future__ import annotations

import re
from dataclasses import dataclass

from s1core.grading.bounds import is_bounded
from s1core.grading.symbols import NAMES
from s1core.grading.units import MONEY_WORD
from s1core.grading.words import fold, part_scripts

_FORMULA = (
    r"(?<!\\)\$\$(?P<display>[^$]+)\$\$|(?<![\\\d])\$(?P<inline>(?:[^$\n]|\\\$)+)\$"
    r"|\\\((?P<round>(?:(?!\\\)).)+)\\\)|\\\[(?P<square>(?:(?!\\\]).)+)\\\]"
)
_NUMBER = r"\d{1,4}:\d+(?:\s?[AaPp]\.?[Mm]\b)?|\d+(?:[.,]\d+)*(?:\s\d{3}(?!\d))*"
_NAMES = "|".join(sorted((name for name in NAMES if len(name) > 1), key=len, reverse=True))
# A name, a letter that nothing but operators surrounds, or a number: what plain formulas are made of.
_TERM = rf"(?:(?:{_NAMES})\b|{_NUMBER}%?|[a-zA-Z](?![a-zA-Z'’])|[√∛π∞θ¼-¾⅐-⅞]|\([^()\n]{{1,40}}\)|[²³¹⁰-⁹!])"
_PLAIN = rf"(?<![\w.])[-−+]?[$€£¥₹]?(?:{_TERM})(?:\s?[-−+*/^=×·÷<>≤≥]{{1,2}}\s?[-−]?(?:{_TERM})|(?:{_TERM}))*[€£¥₹%]?"
_BOUND = r"\s*[^\s,;()\[\]{}]{1,30}+\s*"
_BRACKETED = rf"(?<!\w)[\[({{](?:{_BOUND},){{1,12}}{_BOUND}[\])}}]"
_CANDIDATE = re.compile(
    rf"{_FORMULA}|(?P<bracketed>{_BRACKETED})|(?P<fraction>-?\\frac\{{-?[\d.]+\}}\{{[\d.]+\}})|(?P<plain>{_PLAIN})",
    re.DOTALL,
)
_BETWEEN = re.compile(r"\s*(?:,|,?\s*(?:and|or))\s*")
_IS = re.compile(r"(?:\b(?:is|are|equals|be|=|es|est|ist|é|è|är)\b|=|[：:])[\s*$\"']*$")
_NAME_ONLY = re.compile(r"\s*\\?[A-Za-z]+'?(?:_\{?\w+\}?)?(?:\([a-z](?:,\s*[a-z])*\))?\s*")
_MONEY = re.compile(rf"\s*(?:{MONEY_WORD})")

# `12m²` in prose is an area; in a formula it would be a product.
_METRES = re.compile(r"(?<=\d)(?=m[²³])")


@dataclass(frozen=True, slots=True)
class _Candidate:
    source: str
    start: int
    end: int
    said: bool
    """Whether `is` or an equals sign stands before it."""


def without_bounded(text: str) -> str:
    """The text without the values that it bounds or denies: `less than 3`, `it is not 5`."""
    text = _METRES.sub(" ", part_scripts(fold(text)))
    for value in reversed(list(_CANDIDATE.finditer(text))):
        if any(char.isdecimal() for char in value[0]) and is_bounded(text, value.start(), value.end()):
            text = f"{text[: value.start()]}~{text[value.end() :]}"
    return text


def value_in_prose(text: str, *, first: bool) -> str | None:
    """The formula or number that a text concludes with; None if it holds none.

    Args:
        text: prose, with or without formulas between delimiters.
        first: whether the text follows a label: then what is said to be something counts, else the first value.
    """
    text = _METRES.sub(" ", part_scripts(fold(text)))
    candidates = _candidates(text)
    if not candidates:
        return None
    if not first:
        return candidates[-1].source
    return next((c for c in reversed(candidates) if c.said), candidates[0]).source


def _candidates(text: str) -> list[_Candidate]:
    found: list[_Candidate] = []
    for match in _CANDIDATE.finditer(text):
        marked = match["display"] or match["inline"] or match["round"] or match["square"]
        source = marked or match[0].strip()
        if (marked and _NAME_ONLY.fullmatch(source)) or not (marked or any(char.isdecimal() for char in source)):
            continue
        said = _IS.search(text[max(0, match.start() - 16) : match.start()]) is not None or "=" in source
        if money := _MONEY.match(text, match.end()):
            source += money[0]
        candidate = _Candidate(source, match.start(), match.end(), said)
        by_comma = bool(marked)
        while found and _are_listed(text[found[-1].end : candidate.start], found[-1], candidate, by_comma=by_comma):
            last = found.pop()
            candidate = _Candidate(f"{last.source}, {candidate.source}", last.start, match.end(), last.said or said)
            # In `1, 2 and 3` only a comma parts the other items.
            by_comma = True
        found.append(candidate)
    return found


def _are_listed(gap: str, first: _Candidate, second: _Candidate, *, by_comma: bool) -> bool:
    """Whether two values are items of one list: parted by `and` or `or`, or by a comma where it can be no other."""
    if _BETWEEN.fullmatch(gap) is None:
        return False
    return by_comma or "," not in gap or gap.strip(" ,") != "" or ("=" in first.source and "=" in second.source)
