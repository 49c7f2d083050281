"""Choices by letter: which option does a text choose."""

from __future__ import annotations

import re

from s1core.grading.extract import ANSWER_WORDS
from s1core.grading.literal import unwrap_math

# Upper case only, as the options are shown: a lower-case `a` is an article far more often than an option.
_LETTER = r"(?<![A-Za-z0-9\\'’])(?!I\s+[a-z])(?P<letter>[A-J])(?![A-Za-z0-9'’])(?!\s*[=²^])"
# Within one sentence: `making B the correct answer. Option A is ...` chooses B.
_GAP = r"(?:(?!\bnot\b|[.!?][\s*])[^\n]){0,50}?"
# `the answer is B`, `the answer: "B"`, and `the correct answer is:` with the option on a line of its own.
_PHRASE = re.compile(rf"(?i:{ANSWER_WORDS})\b{_GAP}(?:(?:\bis\b|[:：])[\s*]*)?{_LETTER}")
_BOLD = re.compile(rf"\*\*\(?{_LETTER}(?=[.:)]|\*\*)")
_OPTION = re.compile(rf"\b[Oo]ption\s+\(?{_LETTER}")
_LEADING = re.compile(rf"[\s\"'“‘*_$(\[{{]*{_LETTER}")
_ITEM = re.compile(rf"{_LETTER}(?=[.)])")
_TEXT_COMMAND = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*(?=\{)")
_WINDOW = 4_000
"""Characters at the end of a text that are searched; a conclusion stands there."""


def choice_of(text: str) -> str | None:
    """The letter that an answer, or an expected one, names: `B`, `(B) Au`, `B, which is cold`, `it is B`; else None."""
    text = _TEXT_COMMAND.sub("", unwrap_math(text.strip()))
    return _last(_PHRASE, text) or _leading(text) or _only(re.compile(_LETTER), text)


def choice_in_prose(text: str, answer: str = "") -> str | None:
    """The letter that a text chooses without giving it as its answer.

    In this order: the last `the answer is B`; the last option in bold, `**B. leave a tip**`; the first `option B` of
    the labelled answer, which says what it is before it says why it is not another; the last `option B`; a letter that
    opens the text; the only option that is mentioned as an item, `B. ...` or `B) ...`.

    Args:
        text: the whole text.
        answer: the part of it that is labelled as the answer, if one is.
    """
    end = text[-_WINDOW:]
    stated = _OPTION.search(answer)
    concluded = _last(_PHRASE, end) or _last(_BOLD, end) or (stated and stated["letter"]) or _last(_OPTION, end)
    return concluded or _leading(text) or _only(_ITEM, end)


def leading_choice(text: str) -> str | None:
    """The letter that opens an answer: `B`, `**(B)** Au`, `B, which is cold`; else None."""
    return _leading(_TEXT_COMMAND.sub("", unwrap_math(text.strip())))


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    letter = None
    for found in pattern.finditer(text):
        letter = found["letter"]
    return letter


def _leading(text: str) -> str | None:
    found = _LEADING.match(text)
    if found is None:
        return None
    # `A triangle has ...` begins a sentence; `A`, `A. Peter` and `(A) Peter` choose.
    sentence = found["letter"] in "AI" and re.match(r"\s+[a-z]", text[found.end() : found.end() + 9]) is not None
    return None if sentence else found["letter"]


def _only(pattern: re.Pattern[str], text: str) -> str | None:
    letters = {found["letter"] for found in pattern.finditer(text)}
    return letters.pop() if len(letters) == 1 else None
