"""Choices by letter or digit: which option does a text choose, in whatever language and script."""

from __future__ import annotations

import re
import unicodedata

from s1core.grading.denials import AFTER_OPTION
from s1core.grading.labels import ANSWER_WORDS, CHOOSING_WORDS, OPTION_SIGNS, OPTION_WORDS
from s1core.grading.literal import unwrap_math
from s1core.grading.rejected import NO_OPTION, WORD_LIKE, options_listed, without_rejected
from s1core.grading.words import fold

# Upper case only, as the options are shown: a lower-case `a` is an article far more often than an option.
_LETTER = (
    r"(?<![A-Za-z0-9\\'’_^°])(?<![0-9°]\s)(?P<letter>[A-J])"
    r"(?![A-Za-z0-9_#]|-[a-z]|\.[A-Z]\.|['’](?!d[iıuü]r)|[/|](?!\(?[A-J]\b)|\s*(?:[=²^+<>]|\*(?!\*)|\\times|\\cdot)|\s+/)"
)
_DIGIT = r"(?<![\w.,\\^+*/=-])(?P<letter>1?[0-9])(?!(?![번番号])[\w^%/]|[.,][0-9])"
_WORDS = rf"(?<![A-Za-z\u00c0-\u052f])(?i:{'|'.join((*ANSWER_WORDS, *CHOOSING_WORDS))})"
_NEGATION = (
    r"\b(?:not|isn['’]?t|wasn['’]?t|cannot|nicht|no|não|pas|ne|non|не|нет|нe|değil|bukan|không|inte|ikke|niet|nie|není|nem|"
    r"nu|nije|δεν|לא|si(?= [A-J]\b))\b|不|没|非|ない|아니|아닙|ليست?|لا\s|नहीं|নয়|ไม่"
)
# Within one sentence: `making B the correct answer. Option A is ...` chooses B.
_GAP = rf"(?:(?!{_NEGATION}|[.!?。।][\s*]|[。।])[^\n]){{0,50}}?"
_WINDOW = 4_000
"""Characters at the end of a text that are searched; a conclusion stands there."""


_PRAISE = r"(?:(?:only|most|best)\s+(?:correct|likely|plausible|one|option|answer)|correct|right|best|answer|true)\b"


class _Patterns:
    """Where options stand that are named by one letter, or by one digit."""

    def __init__(self, any_sign: str) -> None:
        # `option A would do` names an option; `the answer: A triangle` does not.
        sign = rf"(?!{WORD_LIKE}){any_sign}"
        self.any_sign, self.sign = re.compile(any_sign), re.compile(sign)
        # `the answer is B`, `the answer: "B"`, and `the correct answer is:` with the option on a line of its own.
        self.phrase = re.compile(rf"{_WORDS}{_GAP}(?:(?:\bis\b|[:：])[\s*]*)?{sign}")
        self.bold = re.compile(rf"\*\*\(?{any_sign}(?=[.:)]|\*\*)")
        self.option = re.compile(rf"(?i:{'|'.join(OPTION_WORDS)})\w*\s*[:：]?[\s(（\"'“「*]*{any_sign}")
        self.leading = re.compile(rf"[\s\"'“‘«*_$(（\[{{【]*{sign}")
        # `C is the answer`, `C is correct`.
        self.praised = re.compile(rf"{sign}\)?\**\s+(?:is|must be)\s+(?:therefore\s+)?(?:the\s+)?{_PRAISE}")
        self.item = re.compile(rf"{sign}(?=[.)])")


_BY_LETTER, _BY_DIGIT = _Patterns(_LETTER), _Patterns(_DIGIT)
_TEXT_COMMAND = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*(?=\{)")
_SMALL = re.compile(r"\(([a-j])\)")
_TOGETHER = re.compile(r"[A-J]{2,10}")
_FORMULA = re.compile(r"[0-9=^_+]|\\[a-z]+")

_OTHER_SIGN = re.compile(
    "|".join(sorted(map(re.escape, OPTION_SIGNS.keys() - set("ABCDEFGHIJ")), key=len, reverse=True))
)
_CYRILLIC_OPTION = re.compile(r"(?<!\w)[БГД](?=[).:,;»]|$|\s)", re.MULTILINE)
_THIRD_CYRILLIC = re.compile(r"(?<![\w«])В(?=[).:,;]|\.?$|\s+(?:не|и|или|является|верен|верна|правильн))", re.MULTILINE)
_GOES_ON = re.compile(rf"\s+(?!(?:{'|'.join(AFTER_OPTION)})\b)[а-яA-Jء-ي]")
_ASKED = re.compile(rf"(?:{_WORDS}|(?i:{'|'.join(OPTION_WORDS)}))\S{{0,6}}(?:\s+\S{{1,12}}){{0,2}}\s*[\"'«“(（*]*$")
_ENDS_SIGN = re.compile(r"[ـ\s]*(?:[).:,;\"'»”’*\]}$،、）。」』!?|।/]|$|\n|です|である|だ|입니다|이다|번)")
_BEFORE_SIGN = "(（:：«\"'“「『*[【选選是为為择擇项項은는はข้อ"


def choice_of(text: str, *, digits: bool = False, expected: bool = False) -> str | None:
    """The option that an answer, or an expected one, names: `B`, `(B) Au`, `B, which is cold`, `it is B`; else None.

    Several options are one answer: `A, C`.

    Args:
        text: an answer alone.
        digits: whether options are numbered; otherwise they are lettered.
        expected: whether it is the expected one: then `A or C` expects both to be named, and nothing is denied.
    """
    patterns, text = _prepared(text, digits)
    if several := options_listed(text, patterns.any_sign, either=expected):
        return several
    text = text if expected else without_rejected(text, patterns.any_sign)
    found = _last(patterns.phrase, text) or _leading(patterns, text)
    # Of a formula no letter is an option: `2 \times 10^{-4} J`.
    return found or (None if _FORMULA.search(text) and not digits else _only(patterns.sign, text))


def gold_choice(gold: str) -> tuple[str | None, bool]:
    """The option that is expected, and whether options are numbered."""
    folded = fold(gold).strip()
    if together := choices_together(folded):
        return together, False
    letter = choice_of(folded.upper() if len(folded) == 1 else folded, expected=True)
    if letter is not None:
        return letter, False
    return choice_of(folded, digits=True, expected=True), True


def choices_together(text: str) -> str | None:
    """Several options that are written together, `ACD`, as `A, C, D`; None for anything else."""
    text = fold(_TEXT_COMMAND.sub("", text)).strip(" .*${}()")
    return ", ".join(sorted(set(text))) if _TOGETHER.fullmatch(text) else None


def choice_in_prose(text: str, answer: str = "", *, digits: bool = False) -> str | None:
    """The option that a text chooses without giving it as its answer.

    In this order: the last `the answer is B`; the last option in bold, `**B. leave a tip**`; the last
    `B is correct`; the first `option B` of
    the labelled answer, which says what it is before it says why it is not another; the last `option B`; a letter that
    opens the text; the only option that is mentioned as an item, `B. ...` or `B) ...`; the only one that is not denied.

    Args:
        text: the whole text.
        answer: the part of it that is labelled as the answer, if one is.
        digits: whether options are numbered; otherwise they are lettered.
    """
    patterns, whole = _prepared(text[: _WINDOW // 4], digits)
    if several := options_listed(whole, patterns.any_sign):
        return several
    whole, end, answer = (
        without_rejected(_prepared(part, digits)[1], patterns.any_sign)
        for part in (text[: _WINDOW // 4], text[-_WINDOW:], answer)
    )
    stated = patterns.option.search(answer)
    found = (
        _last(patterns.phrase, end)
        or _last(patterns.bold, end)
        or _last(patterns.praised, end)
        or (stated and stated["letter"])
        or _last(patterns.option, end)
        or _leading(patterns, whole)
        or _only(patterns.item, end)
    )
    # `Not A but B`: what is left where others are denied.
    return found or (_only(patterns.sign, end) if NO_OPTION in end else None)


def with_cyrillic_options(text: str) -> str:
    """The text with C for the third Cyrillic letter, where the second or the fourth shows that options are Cyrillic.

    Alone, it is taken for the Latin letter that looks like it.
    """
    return _THIRD_CYRILLIC.sub("C", text) if _CYRILLIC_OPTION.search(text) else text


def leading_choice(text: str, *, digits: bool = False) -> str | None:
    """The option that opens an answer: `B`, `**(B)** Au`, `B, which is cold`; several as `A, C`; else None."""
    patterns, text = _prepared(text, digits)
    several = options_listed(text, patterns.any_sign)
    return several or _leading(patterns, without_rejected(text, patterns.any_sign))


def _prepared(text: str, digits: bool) -> tuple[_Patterns, str]:
    text = _latin(fold(_TEXT_COMMAND.sub("", unwrap_math(text.strip()))))
    return (_BY_DIGIT if digits else _BY_LETTER), _SMALL.sub(lambda small: f"({small[1].upper()})", text)


def _latin(text: str) -> str:
    """The text with options of other scripts as the Latin letter or the digit that they stand for."""
    return text if text.isascii() else _OTHER_SIGN.sub(lambda sign: _read_sign(text, sign), text)


def _read_sign(text: str, sign: re.Match[str]) -> str:
    before = text[: sign.start()]
    if sign[0] in "①②③④⑤⑥⑦⑧⑨⑩ⒶⒷⒸⒹⒺ⑴⑵⑶⑷⑸⒜⒝⒞⒟⒠":
        return f" {OPTION_SIGNS[sign[0]]} "
    asked = before.rstrip().endswith(tuple(_BEFORE_SIGN)) or _ASKED.search(before[-60:]) is not None
    ends = _ENDS_SIGN.match(text, sign.end()) is not None
    # `В этом случае` begins a sentence; the Arabic `و` is `and`.
    word = sign[0] in "АВСКИو" and _GOES_ON.match(text, sign.end()) is not None
    joined = _is_letter(before[-1:]) and not before.endswith(tuple(_BEFORE_SIGN))
    continued = _is_letter(text[sign.end() : sign.end() + 1]) and not ends
    return sign[0] if word or joined or continued or not (asked or ends) else f" {OPTION_SIGNS[sign[0]]} "


def _is_letter(char: str) -> bool:
    return bool(char) and (unicodedata.category(char)[0] in "LM" or char.isdigit())


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    letter = None
    for found in pattern.finditer(text):
        letter = found["letter"]
    return letter


def _leading(patterns: _Patterns, text: str) -> str | None:
    found = patterns.leading.match(text)
    if found is None:
        return None
    # `A triangle has ...` begins a sentence; `A`, `A. Peter` and `(A) Peter` choose.
    sentence = found["letter"] in "AI" and re.match(r"\s+[a-z]", text[found.end() : found.end() + 9]) is not None
    return None if sentence else found["letter"]


def _only(pattern: re.Pattern[str], text: str) -> str | None:
    letters = {found["letter"] for found in pattern.finditer(text)}
    return letters.pop() if len(letters) == 1 else None
