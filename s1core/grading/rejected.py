"""Options that a text names without choosing them: denied ones, one of several, and letters that are words.

`B is wrong`, `不选B`, `A oder B`, `E. coli`, `vitamin C`. Such a letter is replaced, so that no pattern of `choice`
finds it; the rest of the text stays as it is.
"""

from __future__ import annotations

import re
from itertools import pairwise

from s1core.grading import denials as words
from s1core.grading.labels import ANSWER_WORDS, OPTION_WORDS

# Scripts whose words are parted by blanks: all but Chinese, Japanese, Korean and those of South-East Asia.
_ALPHABET = r"A-Za-z\u00c0-\u0dff\u10a0-\u10ff\u1200-\u139f\u1e00-\u1fff"
_LOWER = r"[a-z\u00df-\u00f6\u00f8-\u00ff\u0101-\u017f\u0430-\u045f]"


def _any(*options: str) -> str:
    return f"(?:{'|'.join(options)})"


WORD_LIKE = rf"(?:I[^\S\n]+{_LOWER}|[AE][^\S\n]+(?!{_any(*words.AFTER_OPTION)}(?![{_ALPHABET}]))[“\"'(]?{_LOWER})"
"""A letter that is a word: `A triangle`, `É a C`, `I think`."""

_SPECIES = re.compile(rf"(?<![\w(*])[A-J]\.\s?{_any(*words.EPITHETS)}\b")
_LETTERED = re.compile(rf"\b({_any(*words.LETTERED_THINGS)}[\s-]+)[A-J]\b(?!\))", re.IGNORECASE)
_OF_LETTER = re.compile(rf"(?<![\w(*])[A-J](?=\s{_any(*words.THINGS_OF_LETTERS)}\b)")
_NOUN = rf"{_any(*OPTION_WORDS, *ANSWER_WORDS)}[^\W\d_]{{0,3}}"
_OPENS, _CLOSES = r"[\s(\[{}\"'“‘«「『*$\\]*", r"[\s)\]{}\"'”’»」』*$\\]*"
_DENIED_BEFORE = re.compile(
    rf"(?<![{_ALPHABET}]){_any(*words.NEGATIONS)}(?![{_ALPHABET}])[\s'’]*"
    rf"(?:{_any(*words.BEFORE_DENIED, _NOUN)}(?![{_ALPHABET}])[\s'’]*){{0,5}}{_OPENS}$"
    rf"|(?:{_any(*words.WRONG)}\w{{0,4}}\s*{_any(*ANSWER_WORDS)}|{_any(*ANSWER_WORDS)}\s*{_any(*words.WRONG)}\w{{0,4}})"
    rf"\s*[:：]?\s*(?:{_any(*words.ONE_IS, *words.PARTICLES)}\s*)?{_OPENS}$",
    re.IGNORECASE,
)
_FEW_WORDS = r"(?:\s+[^\W\d_]{2,}){0,2}?\s+"
_DENIED_AFTER = re.compile(
    rf"{_CLOSES}(?:(?:{_NOUN}|[项項番번])\s*)?"
    rf"(?:(?:(?P<one>{_any(*words.ONE_IS)})|{_any(*words.SEVERAL_ARE)}){_FEW_WORDS}{_any(*words.COPULA_DENIALS)}"
    rf"|(?:{_any(*words.PARTICLES)}\s*)?{_any(*words.DENIALS)})",
    re.IGNORECASE,
)
_OR = rf"{_any(*words.OR_WORDS)}(?![{_ALPHABET}])"
_LINK = re.compile(
    rf"{_CLOSES}(?P<comma>[,;、]\s*)?(?:(?:(?P<either>{_OR}|[/|]|{_any(*words.DOUBTS)}(?=\s))|(?P<both>{_any(*words.BOTH_WORDS)}(?![{_ALPHABET}])|[&+]))"
    rf"\s*(?:{_any(*words.DOUBTS)}\s+)?(?:[^\W\d_]{{2,4}}\s+)?)?(?:{_NOUN}\s*)?{_OPENS}",
    re.IGNORECASE,
)
# `(A) Paris or (B) Lyon`: options with what they say, but not `(A) because it is or (B)`.
_ITEMS = re.compile(rf"[).:]\s(?P<said>[^\n,;.()]{{1,30}}?)\s{_OR}\s*\(?", re.IGNORECASE)
_REASON = re.compile(r"\b(?:because|since|as|is|than|if|when)\b")
_ANOTHER_CLAUSE = re.compile(rf"[^\S\n]+(?!{_any(*words.SEVERAL_ARE, *words.DOUBTS)}\b){_LOWER}")
_LABELLED = re.compile(rf"(?:[:：]|\bis|{_NOUN})[\s*(]*$", re.IGNORECASE)
_BOTH_FIRST, _ENDS = re.compile(rf"{_OPENS}(?:both\s+)?{_OPENS}", re.IGNORECASE), re.compile(r"[\s)\]}\"'”’.*$]*")
_LONGEST_LINK = 50
_REACH = 48
"""Characters before an option in which it is denied."""
NO_OPTION = "~"


def without_rejected(text: str, sign: re.Pattern[str]) -> str:
    """The text with `~` for every option that it denies, or gives as one of several.

    Args:
        text: with options as Latin letters or digits, see `choice`.
        sign: what an option looks like; its group `letter` is the option.
    """
    text = _OF_LETTER.sub(NO_OPTION, _LETTERED.sub(rf"\1{NO_OPTION}", _SPECIES.sub(f"{NO_OPTION} ", text)))
    named = list(sign.finditer(text))
    links = [_link(text, first, second) for first, second in pairwise(named)]
    rejected = _denied(text, named, links)
    rejected |= _left_open(text, named, [None if {i, i + 1} & rejected else link for i, link in enumerate(links)])
    for i in sorted(rejected, reverse=True):
        text = f"{text[: named[i].start('letter')]}{NO_OPTION}{text[named[i].end('letter') :]}"
    return text


def options_listed(text: str, sign: re.Pattern[str], *, either: bool = False) -> str | None:
    """The options that a text consists of, as `A, C`; None for one option, and for anything else.

    Args:
        text: with options as Latin letters or digits, see `choice`.
        sign: what an option looks like; its group `letter` is the option.
        either: whether `A or C` is such a list.
    """
    named = list(sign.finditer(text))
    if len(named) < 2 or not _BOTH_FIRST.fullmatch(text[: named[0].start()]):
        return None
    kinds = {_link(text, first, second) for first, second in pairwise(named)}
    listed = kinds <= {"both", "comma", "either" if either else "both"}
    if not listed or not _ENDS.fullmatch(text[named[-1].end() :]):
        return None
    letters = sorted({option["letter"] for option in named})
    return ", ".join(letters) if len(letters) > 1 else None


def _link(text: str, first: re.Match[str], second: re.Match[str]) -> str | None:
    """How two options are joined: `either`, `both`, `comma`, or not at all."""
    if second.start() - first.end() > _LONGEST_LINK:
        return None
    gap = text[first.end() : second.start()]
    found = _LINK.fullmatch(gap)
    if found is not None:
        return next((kind for kind in ("either", "both", "comma") if found[kind]), None)
    items = _ITEMS.fullmatch(gap)
    return "either" if items and not _REASON.search(items["said"]) else None


def _denied(text: str, named: list[re.Match[str]], links: list[str | None]) -> set[int]:
    denied: set[int] = set()
    for i, option in enumerate(named):
        start = max(named[i - 1].end() if i else 0, option.start() - _REACH)
        if (i - 1 in denied and links[i - 1] in ("either", "both")) or _DENIED_BEFORE.search(
            text[start : option.start()]
        ):
            denied.add(i)
        after = _DENIED_AFTER.match(text, option.end())
        if after is None:
            continue
        denied.add(i)
        # `B and C are wrong` denies both, `the answer is B and C is wrong` one.
        while (
            not after["one"] and i > 0 and links[i - 1] and not _LABELLED.search(text[: named[i - 1].start()][-_REACH:])
        ):
            i -= 1
            denied.add(i)
    return denied


def _left_open(text: str, named: list[re.Match[str]], links: list[str | None]) -> set[int]:
    """The options of each list of several that are joined by `or`, or by `and`."""
    several: set[int] = set()
    first = 0
    for i in range(len(named)):
        if i < len(links) and links[i] is not None:
            continue
        kinds = links[first:i]
        # In `B is right and A has three`, a clause begins with the second option.
        clause = "either" not in kinds and _ANOTHER_CLAUSE.match(text, named[i].end()) is not None
        letters = {option["letter"] for option in named[first : i + 1]}
        if len(letters) > 1 and {"either", "both"} & set(kinds) and not clause:
            several |= set(range(first, i + 1))
        first = i + 1
    return several
