"""Names, things and places that problems are about."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from s1core.problems.english import each

GIRLS = each(
    "Ann Carla Emma Gina Iris Kira Mona Olga Rosa Tina Uma Yara Alice Bella Clara Diana Elena Fiona Grace Hannah Ivy "
    "Julia Kate Lucy Maria Nora Paula Ruth Sara Vera Wendy Zoe Amy Beth Chloe Eva Helen Jane Laura Mia Nina Sophie"
)
BOYS = each(
    "Bob Dan Finn Hugo Jack Liam Nils Paul Sam Vic Walt Adam Ben Carl David Eric Frank George Henry Ivan James Kevin "
    "Leo Mark Noah Oscar Peter Ray Simon Tom Victor Philip Max Alex Luke Felix Oliver Tim Jonas Theo Omar Ravi"
)
NAMES = tuple(sorted([*GIRLS, *BOYS]))

FOODS = each(
    "apple cookie egg grape pear peach plum lemon orange banana cherry nut muffin pancake sandwich carrot potato "
    "tomato onion mushroom strawberry walnut cupcake lollipop biscuit donut pretzel waffle mango olive candy bagel"
)
SMALL_THINGS = each(
    "marble sticker coin book shell pencil card stamp ticket balloon button candle bead crayon pen eraser toy block "
    "badge magnet bottle flower rose seed pebble stone feather sock photo comic puzzle key spoon ribbon bell ball ring"
)
OBJECTS = (*SMALL_THINGS, *each("plate cup brush hat kite mug lamp chair coat"))
COLORS = ("red", "blue", "green", "yellow", "white", "black", "purple", "orange", "brown", "pink")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = each("January February March April May June July August September October November December")


@cache
def spelling_words() -> tuple[str, ...]:
    """Common words of 3 to 12 letters, to spell."""
    text = (Path(__file__).parent / "words.txt").read_text(encoding="utf-8")
    return tuple(word for word in text.split() if 3 <= len(word) <= 12)
