r"""Take the unit off a value: `36\pi\text{ cm}^2` is `36\pi` square centimetres, `\$5` is 5 dollars.

A unit may be left out, so a value with one equals the value alone; but 10 cm is not 10 m, nor are 10 apples 10 m.
Works on the LaTeX that `notation` makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """What a value is counted in: powers of dimensions, and the factor to their base units."""

    dimensions: dict[str, int]
    factor: Fraction


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """A value in LaTeX, and its unit."""

    value: str
    unit: Unit | None = None
    """None without a unit, and for what is not in the table."""
    words: str = ""
    """What is counted, if it is not in the table: `apples`."""


_TABLE: dict[str, str] = {
    "length": "m meter metre metro mètre mètres=1; km kilometer kilometre kilómetro quilômetro=1000; dm=1/10; "
    "cm centimeter centimetre centímetro zentimeter=1/100; mm millimeter millimetre milímetro=1/1000; "
    "µm μm micrometer=1/1000000; nm nanometer=1/1000000000; "
    "in inch inches=127/5000; ft foot feet=381/1250; yd yard=1143/1250; mi mile=201168/125",
    "mass": "kg kilogram kilogramm kilo=1; g gram gramm gramo=1/1000; mg milligram=1/1000000; µg=1/1000000000; "
    "lb lbs pound=45359237/100000000; oz ounce=45359237/1600000000; ton tonne=1000",
    "time": "s sec second segundo sekunde sekunden=1; ms millisecond=1/1000; µs=1/1000000; ns=1/1000000000; "
    "min minute minuto minuten=60; h hr hour hora heure stunde stunden=3600; day día dia jour tag tage=86400; "
    "week semana semaine woche wochen=604800; month=2629800; yr year año jahr jahre=31557600",
    "dollar": "USD dollar dólar dólares=1; cent=1/100",
    "euro": "EUR euro=1",
    "pound sterling": "GBP=1",
    "rupee": "INR rupee Rs=1",
    "yuan": "CNY RMB yuan=1",
    "yen": "JPY yen=1",
    "won": "KRW won=1",
    "ruble": "RUB ruble rouble=1",
    "peso": "MXN peso=1",
    "franc": "CHF franc=1",
    "real": "BRL reais=1",
    "lira": "TRY lira=1",
    "krona": "SEK kronor=1",
    "length^3": "L l liter litre litro=1/1000; mL ml milliliter millilitre=1/1000000; "
    "gal gallon=3785411784/1000000000000; qt quart=946352946/1000000000000; pint=473176473/1000000000000",
    "angle": "rad radian radián=1",
    "degree": "°=1",
    "celsius": "°C=1",
    "fahrenheit": "°F=1",
    "temperature": "K kelvin=1",
    "mass length^2 time^-2": "J joule=1; kJ=1000; mJ=1/1000; MJ=1000000; cal=523/125; kcal=4184; Wh=3600; kWh=3600000; "
    "eV=1602176634/10000000000000000000000000000; keV=1602176634/10000000000000000000000000; "
    "MeV=1602176634/10000000000000000000000",
    "mass length time^-2": "N newton=1; kN=1000",
    "mass length^2 time^-3": "W watt=1; mW=1/1000; kW=1000; MW=1000000",
    "horsepower": "hp=1",  # there are several
    "mass length^-1 time^-2": "Pa pascal=1; mPa=1/1000; hPa=100; kPa=1000; MPa=1000000; GPa=1000000000; atm=101325; "
    "bar=100000",
    "time^-1": "Hz hertz=1; mHz=1/1000; kHz=1000; MHz=1000000; GHz=1000000000",
    "rotation": "rpm=1",
    "electric": "V volt=1; kV=1000; mV=1/1000; MV=1000000",
    "current": "A amp ampere=1; mA=1/1000; MA=1000000",
    "resistance": r"\Omega Ω ohm=1",
    "charge": "C coulomb=1",
    "magnetic": "T tesla=1",
    "amount": "mol mole=1; mmol=1/1000",
    "length time^-1": "kmph kph=5/18; mph=1397/3125",
    "data": "byte=8; bit=1",
    "square unit": "unit=1",
}
"""Units and their size in base units, by dimension."""


def _units() -> Iterator[tuple[str, tuple[dict[str, int], Fraction]]]:
    for dimensions, row in _TABLE.items():
        powers = dict[str, int]()
        named = [dimensions] if dimensions in ("pound sterling", "square unit") else dimensions.split()
        for dimension in named:
            name, _, power = dimension.partition("^")
            powers[name] = int(power or 1)
        for entry in row.split("; "):
            names, _, factor = entry.partition("=")
            for name in names.split():
                unit = (powers, Fraction(factor))
                yield name, unit
                if len(name) > 2 and name.islower():
                    plurals = (name, f"{name}s")
                    yield from ((form, unit) for plural in plurals for form in (plural, plural.capitalize()))


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
    r"(?P<words>[^\W\d_][^\W\d_-]+(?:\s+[^\W\d_][^\W\d_-]*){0,3})\.?"
)
_DEGREES = re.compile(
    r"\s*(?:\^\s*\{?\\circ\s*\}?\s*(?:\\text\{\s*)?(?P<scale>[CF]?)\}?"
    r"|(?:\\text\{\s*)?\s*(?:degrees?|deg)(?:\s+(?P<name>Celsius|Fahrenheit))?\s*\}?)\s*$"
)
_MONEY = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "¢": "cent", "₩": "KRW", "₽": "RUB", "₺": "TRY"}
_MONEY_WORDS = {
    "USD": r"долл\w*|美元|美金|ドル|달러|δολάρι\w*|דולר\w*|دولار\w*|دلار|डॉलर|ডলার|டாலர்|డాలర్\w*|ดอลลาร์",
    "EUR": "евро|欧元|歐元|ユーロ|유로|ευρώ|אירו|يورو|یورو|यूरो|ইউরো|ยูโร",
    "GBP": "英镑|英鎊|ポンド|фунт\\w*\\s+стерлинг\\w*",
    "JPY": "日元|日圓|円|иен\\w*",
    "CNY": "人民币|юан\\w*|위안",
    "INR": "रुपय[ेा]|रुपए|রুপি|ரூபாய்|రూపాయ\\w*|рупи\\w*|روپے",
    "RUB": "руб\\w*|卢布|ルーブル",
    "KRW": "韩元|ウォン|원",
}
MONEY_WORD = "|".join(f"(?P<{code}>{words})" for code, words in _MONEY_WORDS.items())
"""Currencies in other scripts, each in a group of its code."""
_MONEY_WORD_LAST = re.compile(rf"(?<=\d)\s*(?:{MONEY_WORD})\s*$")
_MONEY_FIRST = re.compile(
    r"\s*(?P<minus>-?)\s*(?:\\?(?P<sign>[$€£¥₹₩₽₺])|(?:\\text\{\s*)?(?P<code>USD|EUR|GBP|INR|CNY|JPY|CHF|KRW|RUB|MXN|BRL|SEK|Rs)\.?\s*\}?(?=[\s\d]))"
)
_MONEY_LAST = re.compile(r"\s*\\?(?P<sign>[$€£¥₹¢₩₽₺])\s*$")
_RADIANS, _DEGREES_OF = r"\frac{\pi}{180}", r"\frac{180}{\pi}"
_FILLERS = {
    "of",
    "the",
    "a",
    "in",
    "total",
    "left",
    "remaining",
    "more",
    "different",
    "possible",
    "each",
    "all",
    "only",
}
_NUMERAL = re.compile(r"^(?:dozens?|scores?|gross|pairs?)\b|\bor\b", re.IGNORECASE)
_PLURAL = re.compile(r"(?:(?<=[xs])|(?<=[cs]h))es$|ies$|(?<=[^s])s$")
_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_SCALE = re.compile(rf"(?<=\d)\s*(?:\\text\{{)?\s*({'|'.join(_SCALES)})\s*\}}?\s*$", re.IGNORECASE)


def split_unit(latex: str) -> Quantity:
    """The value and its unit."""
    value, unit, words = latex.replace(r"\mu m", "µm").strip(), None, ""
    if money := _MONEY_FIRST.match(value):
        unit = parse_unit(money["code"] or _MONEY[money["sign"]])
        value = money["minus"] + value[money.end() :].strip()
    elif money := _MONEY_LAST.search(value):
        value, unit = value[: money.start()], parse_unit(_MONEY[money["sign"]])
    elif money := _MONEY_WORD_LAST.search(value):
        value, unit = value[: money.start()], parse_unit(money.lastgroup or "")
    elif degrees := _DEGREES.search(value):
        value = value[: degrees.start()]
        scale = degrees["scale"] or (degrees["name"] or "")[:1]
        unit = Unit(dimensions=UNITS[f"°{scale}"][0], factor=Fraction(1))
    elif group := _GROUP_AT_END.search(value):
        if group.start() > 0 and group["words"] not in _SCALES and not _LIMITS.search(group["words"] or ""):
            words = (group["words"] or f"{group['over']} / {group['under']}").strip()
            value, unit = value[: group.start()], _group_unit(group) or _leading_unit(words)
    elif (found := _WORDS_AT_END.search(value)) and not _is_factor(value, found):
        value, unit = value[: found.start()], parse_unit(found["unit"])
    elif (counted := _COUNTED.fullmatch(value)) and not _SCALE.search(value) and not _NUMERAL.search(counted["words"]):
        value, words = counted["number"], counted["words"]
        unit = _leading_unit(words)
    if scale := _SCALE.search(value):
        value = rf"{value[: scale.start()]}\times 10^{{{_SCALES[scale[1].lower()]}}}"
    return Quantity(value=value.strip(), unit=unit, words="" if unit else words)


def converted(ours: Quantity, theirs: Quantity) -> str | None:
    """Our value in the unit of the other quantity; None where the one can be no number of the other.

    A unit may be missing, and degrees may be those of a temperature. A multiple of π without a unit is an angle.
    """
    a, b = ours.unit, theirs.unit
    if a is None or b is None:
        unlike = (a or ours.words) and (b or theirs.words) and (a or b or not _same_things(ours.words, theirs.words))
        if unlike:
            return None
        to_radians = _is_degrees(a) and not theirs.words and r"\pi" in theirs.value
        to_degrees = _is_degrees(b) and not ours.words and r"\pi" in ours.value
        return _scaled(ours.value, _RADIANS if to_radians else _DEGREES_OF if to_degrees else "")
    if a.dimensions == b.dimensions:
        scale = a.factor / b.factor
        return _scaled(ours.value, "" if scale == 1 else rf"\frac{{{scale.numerator}}}{{{scale.denominator}}}")
    names = {next(iter(unit.dimensions), "") for unit in (a, b)}
    if names == {"degree", "angle"}:
        return _scaled(ours.value, _RADIANS if _is_degrees(a) else _DEGREES_OF)
    return ours.value if "degree" in names and names & {"celsius", "fahrenheit"} else None


def _is_degrees(unit: Unit | None) -> bool:
    return unit is not None and "degree" in unit.dimensions


def _scaled(value: str, factor: str) -> str:
    return rf"({value}) \cdot {factor}" if factor else value


def _same_things(ours: str, theirs: str) -> bool:
    """Whether two phrases may name the same: `ways` and `different ways`."""
    first, second = ({_singular(word) for word in words.split()} - _FILLERS for words in (ours, theirs))
    return first <= second or second <= first


def _singular(word: str) -> str:
    # Short ones are symbols, whose case counts: mM and MM.
    word = word.strip(".,").casefold() if len(word) > 3 else word
    return _PLURAL.sub("", word) if len(word) > 3 else word


def _leading_unit(words: str) -> Unit | None:
    """The unit that a phrase begins with: of `years old`, years."""
    parts = words.split()
    units = (parse_unit(" ".join(parts[:length])) for length in range(len(parts), 0, -1))
    return next((unit for unit in units if unit is not None), None)


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
        dimensions, size = UNITS[part["name"]]
        power = int(part["power"] or {"squared": 2, "cubed": 3}.get(part["word"] or "", 1))
        power *= {"s": 2, "c": 3}.get((part["dim"] or " ")[0], 1) * (-1 if part["over"] else 1)
        for dimension, times in dimensions.items():
            powers[dimension] = powers.get(dimension, 0) + power * times
        factor *= size**power
    return Unit(dimensions={name: power for name, power in powers.items() if power}, factor=factor)
