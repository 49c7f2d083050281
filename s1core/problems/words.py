"""Names, things and places that problems are about."""

from __future__ import annotations

from s1core.problems.english import each, plural

GIRLS = each(
    "Ann Carla Emma Gina Iris Kira Mona Olga Rosa Tina Uma Yara Alice Bella Clara Diana Elena Fiona Grace Hannah Ivy "
    "Julia Kate Lucy Maria Nora Paula Ruth Sara Vera Wendy Zoe Amy Beth Chloe Eva Helen Jane Laura Mia Nina Sophie"
)
BOYS = each(
    "Bob Dan Finn Hugo Jack Liam Nils Paul Sam Vic Walt Adam Ben Carl David Eric Frank George Henry Ivan James Kevin "
    "Leo Mark Noah Oscar Peter Ray Simon Tom Victor Will Max Alex Luke Felix Oliver Tim Jonas Theo Omar Ravi"
)
NAMES = tuple(sorted([*GIRLS, *BOYS]))
_GIRLS = frozenset(GIRLS)

THINGS = each(
    "apple marble sticker coin book shell pencil card cookie stamp egg ticket grape balloon button candle pear peach "
    "plum lemon orange banana cherry nut bead crayon pen eraser toy block badge magnet sweet muffin pancake sandwich "
    "bottle flower rose seed pebble stone feather sock photo comic puzzle key spoon plate cup carrot potato tomato "
    "onion mushroom strawberry walnut cupcake lollipop biscuit"
)
COLORS = ("red", "blue", "green", "yellow", "white", "black", "purple", "orange", "brown", "pink")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = each("January February March April May June July August September October November December")


def pronouns(name: str) -> dict[str, str]:
    """Slots for a person: `{he}`, `{his}`, `{him}`, and `{He}`, `{His}` at the start of a sentence."""
    he, his, him = ("she", "her", "her") if name in _GIRLS else ("he", "his", "him")
    return {"he": he, "his": his, "him": him, "He": he.capitalize(), "His": his.capitalize()}


def thing_slots(thing: str) -> dict[str, str]:
    """Slots for a thing: `{t}` in the plural, `{one}` in the singular."""
    return {"t": plural(thing), "one": thing}
