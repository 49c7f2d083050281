"""English grammar for the phrasings: plurals, articles, verbs, numbers in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

Tense = Literal["plain", "third", "past"]
"""`buy`, `buys`, `bought`."""


def each(words: str) -> tuple[str, ...]:
    """The words of a text, as a tuple."""
    return tuple(words.split())


_IRREGULAR_PLURALS = {
    "child": "children",
    "person": "people",
    "man": "men",
    "woman": "women",
    "loaf": "loaves",
    "leaf": "leaves",
    "knife": "knives",
    "shelf": "shelves",
    "scarf": "scarves",
    "mouse": "mice",
    "goose": "geese",
    "foot": "feet",
    "tooth": "teeth",
    "sheep": "sheep",
    "fish": "fish",
    "potato": "potatoes",
    "tomato": "tomatoes",
}
_IRREGULAR_PASTS = {
    "be": "was",
    "begin": "began",
    "break": "broke",
    "bring": "brought",
    "buy": "bought",
    "come": "came",
    "do": "did",
    "drink": "drank",
    "eat": "ate",
    "find": "found",
    "fly": "flew",
    "get": "got",
    "give": "gave",
    "go": "went",
    "have": "had",
    "hold": "held",
    "keep": "kept",
    "leave": "left",
    "lend": "lent",
    "let": "let",
    "lose": "lost",
    "make": "made",
    "pay": "paid",
    "pick": "picked",
    "put": "put",
    "ride": "rode",
    "run": "ran",
    "sell": "sold",
    "send": "sent",
    "sit": "sat",
    "sleep": "slept",
    "spend": "spent",
    "swim": "swam",
    "take": "took",
    "throw": "threw",
    "win": "won",
}
_SILENT_H = ("hour", "honest", "heir")
_ONES = each(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = each("zero ten twenty thirty forty fifty sixty seventy eighty ninety")
_LONE_NUMBER = re.compile(r"(?<![\w.,:/+*=$-])(?<![x+*=/-] )(\d{1,2})(?![\w:/+*=%-]| ?[x+*=/-](?![a-z])|[.,]\d)")


def plural(noun: str) -> str:
    """The plural of a noun; of several words the last is inflected."""
    if noun.startswith("dozen"):
        return noun
    head, _, last = noun.rpartition(" ")
    lead = f"{head} " if head else ""
    if last in _IRREGULAR_PLURALS:
        return lead + _IRREGULAR_PLURALS[last]
    if last.endswith(("s", "x", "z", "ch", "sh")):
        return f"{lead}{last}es"
    if last.endswith("y") and last[-2] not in "aeiou":
        return f"{lead}{last[:-1]}ies"
    return f"{lead}{last}s"


def count(number: int, noun: str) -> str:
    """`1 apple`, `2 apples`."""
    return f"{number} {noun if number == 1 else plural(noun)}"


def a(noun: str) -> str:
    """`a pear`, `an apple`, `an hour`."""
    vowel = noun[0].lower() in "aeiou" and not noun.lower().startswith(("uni", "use", "eu", "one"))
    return f"an {noun}" if vowel or noun.startswith(_SILENT_H) else f"a {noun}"


def listed(parts: Sequence[str], last: str = "and") -> str:
    """`x`, `x and y`, `x, y and z`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def in_words(number: int) -> str:
    """A number from 0 to 999 in words: `forty-two`, `one hundred and five`."""
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")
    hundreds, rest = divmod(number, 100)
    return f"{_ONES[hundreds]} hundred" + (f" and {in_words(rest)}" if rest else "")


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`."""
    ending = "th" if 10 <= number % 100 <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def numbers_in_words(text: str) -> str:
    """The text with its numbers of one or two digits in words, but for those in formulas."""

    def word(match: re.Match[str]) -> str:
        number = int(match[1])
        opens = match.start() == 0 or text[: match.start()].rstrip().endswith((".", "?", "!", ":"))
        return sentence(in_words(number)) if opens else in_words(number)

    return _LONE_NUMBER.sub(word, text)


def sentence(text: str) -> str:
    """The text with a capital at its start."""
    return text[:1].upper() + text[1:]


def verb(clause: str, tense: Tense) -> str:
    """A clause whose first word is a verb in its base form, in another tense: `buy 2 more` gives `buys 2 more`."""
    base, _, rest = clause.partition(" ")
    form = {"plain": base, "third": _third(base), "past": _past(base)}[tense]
    return f"{form} {rest}" if rest else form


def _third(base: str) -> str:
    if base in ("have", "be"):
        return {"have": "has", "be": "is"}[base]
    if base.endswith(("s", "x", "z", "ch", "sh", "o")):
        return f"{base}es"
    return f"{base[:-1]}ies" if base.endswith("y") and base[-2] not in "aeiou" else f"{base}s"


def _past(base: str) -> str:
    if base in _IRREGULAR_PASTS:
        return _IRREGULAR_PASTS[base]
    if base.endswith("e"):
        return f"{base}d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return f"{base[:-1]}ied"
    doubled = len(base) < 5 and base[-1] in "bgmpt" and base[-2] in "aiou" and base[-3] not in "aeiou"
    return f"{base}{base[-1]}ed" if doubled else f"{base}ed"


def agreeing(number: int) -> dict[str, str]:
    """Slots that agree with a number: `{s}` and `{es}` (breaks, passes), `{is_}`, `{was}`, `{have}`, `{them}`."""
    one = number == 1
    return {
        "s": "s" if one else "",
        "es": "es" if one else "",
        "is_": "is" if one else "are",
        "was": "was" if one else "were",
        "have": "has" if one else "have",
        "them": "it" if one else "them",
    }
