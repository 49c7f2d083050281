"""English grammar for the phrasings: plurals, articles, numbers in words, sentences from clauses."""

from __future__ import annotations

from collections.abc import Sequence


def each(words: str) -> tuple[str, ...]:
    """The words of a text, as a tuple."""
    return tuple(words.split())


_IRREGULAR = {
    "child": "children",
    "person": "people",
    "loaf": "loaves",
    "leaf": "leaves",
    "knife": "knives",
    "shelf": "shelves",
    "mouse": "mice",
    "goose": "geese",
    "foot": "feet",
    "tooth": "teeth",
    "sheep": "sheep",
    "fish": "fish",
    "scarf": "scarves",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "inch": "inches",
}
_SILENT_H = ("hour", "honest", "heir")
_ONES = each(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = each("zero ten twenty thirty forty fifty sixty seventy eighty ninety")


def plural(noun: str) -> str:
    """The plural of a noun; of several words the last is inflected."""
    head, _, last = noun.rpartition(" ")
    lead = f"{head} " if head else ""
    if last in _IRREGULAR:
        return lead + _IRREGULAR[last]
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


def sentence(text: str) -> str:
    """With a capital at its start."""
    return text[:1].upper() + text[1:]


def verb_slots(number: int) -> dict[str, str]:
    """Slots that agree with a number: `{s}` (breaks), `{is_}`, `{was}`, `{them}`, `{have}`."""
    one = number == 1
    return {
        "s": "s" if one else "",
        "is_": "is" if one else "are",
        "was": "was" if one else "were",
        "them": "it" if one else "them",
        "have": "has" if one else "have",
    }
