r"""Take the unit off a value: `36\pi\text{ cm}^2` is `36\pi` square centimetres, `\$5` is 5 dollars.

A unit may be left out, so a value with one equals the value alone; but 10 cm is not 10 m. Works on the LaTeX that
`notation` makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """What a value is counted in: powers of dimensions, and the factor to their base units."""

    dimensions: tuple[tuple[str, int], ...]
    factor: Fraction


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """A value in LaTeX, and its unit; None without one, and for what is not in the table (`36 apples`)."""

    value: str
    unit: Unit | None = None


_TABLE: dict[str, str] = {
    "length": "m meter metre=1; km kilometer kilometre=1000; dm=1/10; cm centimeter centimetre=1/100; "
    "mm millimeter millimetre=1/1000; µm μm micrometer=1/1000000; nm nanometer=1/1000000000; "
    "in inch inches=127/5000; ft foot feet=381/1250; yd yard=1143/1250; mi mile=201168/125",
    "mass": "kg kilogram=1; g gram=1/1000; mg milligram=1/1000000; lb lbs pound=45359237/100000000; "
    "oz ounce=45359237/1600000000; ton tonne=1000",
    "time": "s sec second=1; ms millisecond=1/1000; min minute=60; h hr hour=3600; day=86400; week=604800; "
    "month=2629800; yr year=31557600",
    "money": "USD dollar=1; cent=1/100",
    "euro": "EUR euro=1",
    "pound sterling": "GBP=1",
    "rupee": "INR rupee Rs=1",
    "yuan": "CNY RMB yuan=1",
    "yen": "JPY yen=1",
    "volume": "L l liter litre=1; mL ml milliliter millilitre=1/1000; gal gallon=3785411784/1000000000; "
    "qt quart=946352946/1000000000; pint=473176473/1000000000",
    "angle": "rad radian=1",
    "celsius": "°C=1",
    "fahrenheit": "°F=1",
    "temperature": "K kelvin=1",
    "energy": "J joule=1; kJ=1000; cal=523/125; kcal=4184; "
    "eV=1602176634/10000000000000000000000000000; keV=1602176634/10000000000000000000000000; "
    "MeV=1602176634/10000000000000000000000",
    "force": "N newton=1; kN=1000",
    "power": "W watt=1; kW=1000; MW=1000000",
    "horsepower": "hp=1",  # there are several
    "pressure": "Pa pascal=1; kPa=1000; MPa=1000000; atm=101325; bar=100000",
    "frequency": "Hz hertz=1; kHz=1000; MHz=1000000; GHz=1000000000",
    "rotation": "rpm=1",
    "electric": "V volt=1; kV=1000; mV=1/1000",
    "current": "A amp ampere=1; mA=1/1000",
    "resistance": r"\Omega Ω ohm=1",
    "charge": "C coulomb=1",
    "magnetic": "T tesla=1",
    "amount": "mol mole=1; mmol=1/1000",
    "speed": "kmph kph=1; mph=201168/125000",
    "data": "byte=8; bit=1",
    "square unit": "unit=1",
}


def _units() -> Iterator[tuple[str, tuple[str, Fraction]]]:
    for dimension, row in _TABLE.items():
        for entry in row.split("; "):
            names, _, factor = entry.partition("=")
            for name in names.split():
                yield name, (dimension, Fraction(factor))
                if len(name) > 2 and name.islower():
                    yield f"{name}s", (dimension, Fraction(factor))


UNITS = dict(_units())
_NAME = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_ONE = (
    rf"(?:(?:square|cubic|sq\.?|cu\.?)\s*)?(?:{_NAME})(?![A-Za-z])\.?(?:\s*\^\s*\{{?-?[1-4]\}}?|\s+(?:squared|cubed))?"
)
_COMPOUND = rf"{_ONE}(?:\s*(?:/|\\cdot|\*|per(?![a-z])|\s)\s*{_ONE}){{0,3}}"
_WHOLE_UNIT = re.compile(_COMPOUND)
_POWERED = re.compile(
    rf"(?P<over>/|per(?![a-z]))?[\s*]*(?:\\cdot)?\s*(?P<dim>square|cubic|sq\.?|cu\.?)?\s*(?P<name>{_NAME})(?![A-Za-z])\.?"
    r"(?:\s*\^\s*\{?(?P<power>-?[1-4])\}?|\s+(?P<word>squared|cubed))?"
)

_VALUE_ENDS = r"(?<=[\d})!.])|(?<=\\pi)"
_GROUP_AT_END = re.compile(
    r"\s*(?:\\frac\{\s*\\text\{(?P<over>[^{}]*)\}(?P<over_power>\^\{\d\})?\s*\}\{\s*\\text\{(?P<under>[^{}]*)\}"
    r"(?P<under_power>\^\{\d\})?\s*\}|\\text\{(?P<words>[^{}]*)\}\s*(?P<power>\^\{-?\d\})?)\s*$"
)
_LIMITS = re.compile(r"\b(?:or|and|more|less|least|most|than|not|to|if|when|for|except)\b")
_WORDS_AT_END = re.compile(rf"(?:{_VALUE_ENDS})\s*(?P<unit>{_COMPOUND})\s*$")
_LETTER_UNIT = re.compile(r"[A-Za-z](?![A-Za-z])")
_COUNTED = re.compile(
    r"(?P<number>[+-]?\d[\d.,/]*(?:\s+(?:hundred|thousand|million|billion|trillion))?)\s+"
    r"[A-Za-z][A-Za-z-]{2,}(?:\s+[A-Za-z-]+){0,3}\.?"
)
_DEGREES = re.compile(
    r"\s*(?:\^\s*\{?\\circ\s*\}?\s*(?:\\text\{\s*)?(?P<scale>[CF]?)\}?"
    r"|(?:\\text\{\s*)?\s*(?:degrees?|deg)(?:\s+(?P<name>Celsius|Fahrenheit))?\s*\}?)\s*$"
)
_MONEY = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "¢": "cent"}
_MONEY_FIRST = re.compile(
    r"\s*(?P<minus>-?)\s*(?:\\?(?P<sign>[$€£¥₹])|(?:\\text\{\s*)?(?P<code>USD|EUR|GBP|INR|CNY|JPY|Rs)\.?\s*\}?(?=[\s\d]))"
)
_MONEY_LAST = re.compile(r"\s*\\?(?P<sign>[$€£¥₹¢])\s*$")
_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_SCALE = re.compile(rf"(?<=\d)\s*(?:\\text\{{)?\s*({'|'.join(_SCALES)})\s*\}}?\s*$", re.IGNORECASE)


def split_unit(latex: str) -> Quantity:
    """The value and its unit."""
    value, unit = latex.replace(r"\mu m", "µm").strip(), None
    if money := _MONEY_FIRST.match(value):
        unit = parse_unit(money["code"] or _MONEY[money["sign"]])
        value = money["minus"] + value[money.end() :].strip()
    elif money := _MONEY_LAST.search(value):
        value, unit = value[: money.start()], parse_unit(_MONEY[money["sign"]])
    elif degrees := _DEGREES.search(value):
        value = value[: degrees.start()]
        scale = degrees["scale"] or (degrees["name"] or "")[:1]
        unit = parse_unit(f"°{scale}") if scale else None
    elif group := _GROUP_AT_END.search(value):
        if group.start() > 0 and group["words"] not in _SCALES and not _LIMITS.search(group["words"] or ""):
            value, unit = value[: group.start()], _group_unit(group)
    elif (words := _WORDS_AT_END.search(value)) and not _is_factor(value, words):
        value, unit = value[: words.start()], parse_unit(words["unit"])
    elif (counted := _COUNTED.fullmatch(value)) and not _SCALE.search(value):
        value = counted["number"]
    if scale := _SCALE.search(value):
        value = rf"{value[: scale.start()]}\times 10^{{{_SCALES[scale[1].lower()]}}}"
    return Quantity(value=value.strip(), unit=unit)


def _is_factor(value: str, words: re.Match[str]) -> bool:
    """Whether a single letter after a value is a factor, `3m` or `2t`; a unit stands apart."""
    letter = _LETTER_UNIT.match(words["unit"])
    return letter is not None and not value[: words.start("unit")].endswith(" ")


def _group_unit(group: re.Match[str]) -> Unit | None:
    if group["words"] is not None:
        return parse_unit(group["words"] + (group["power"] or ""))
    over, under = group["over"] + (group["over_power"] or ""), group["under"] + (group["under_power"] or "")
    return parse_unit(f"{over} / {under}")


def parse_unit(text: str) -> Unit | None:
    """The unit that a text names; None if it is not in the table."""
    text = " ".join(text.split())
    if _WHOLE_UNIT.fullmatch(text) is None:
        return None
    powers: dict[str, int] = {}
    factor = Fraction(1)
    for part in _POWERED.finditer(text):
        dimension, size = UNITS[part["name"]]
        power = int(part["power"] or {"squared": 2, "cubed": 3}.get(part["word"] or "", 1))
        power *= {"s": 2, "c": 3}.get((part["dim"] or " ")[0], 1) * (-1 if part["over"] else 1)
        powers[dimension] = powers.get(dimension, 0) + power
        factor *= size**power
    return Unit(dimensions=tuple(sorted(powers.items())), factor=factor)
