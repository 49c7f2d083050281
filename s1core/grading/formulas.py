"""Compare two texts as mathematics: find the formula, read its structure, compare part by part.

Runs in the process of `worker`, the only one that loads sympy. A part is compared as a number, as a text, as a quantity
with its unit, as a numeral of another base, and last by math-verify.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from s1core.grading import exact
from s1core.grading.literal import parse_number, plain, same_number, tidy
from s1core.grading.matching import same
from s1core.grading.notation import to_latex
from s1core.grading.prose import value_in_prose, without_bounded
from s1core.grading.structure import Node, read
from s1core.grading.units import converted, split_unit
from s1core.grading.words import fold, is_prose, part_scripts, read_connectives

# Through Any: neither library ships types.
_verify: Any = import_module("math_verify")
_latex: Any = import_module("latex2sympy2_extended")
_sympy: Any = import_module("sympy")

_CASED = import_module("latex2sympy2_extended.latex2sympy2").ConversionConfig(lowercase_symbols=False)
_PRIMED = re.compile(r"([A-Za-z)}])\s*(?:\^\s*\{?\s*((?:\\prime\s*)+)\}?|('+))")
_ONE_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{((?:(?!\\boxed).)*)\}", re.DOTALL)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_DELIMITER = re.compile(r"(?<!\\)\$|(?<!\\)\\[()\[\]]")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_THOUSANDS = re.compile(r"(?<![\d.,])([1-9]\d{0,2}(?:,\d{3})+)(?!\d|,\d)")
_NATURAL_LOG = re.compile(r"(?<![\\A-Za-z])log(?=\s*\()")
_TEXT_ONLY = re.compile(r"(?:\\text\{[^{}]*\}|[A-Za-z][A-Za-z.'-]*|\s)+")
_BASED = re.compile(
    r"\(?\s*(?P<digits>[0-9A-F]*[0-9][0-9A-F.]*|[A-F]+)\s*\)?\s*"
    r"(?:_\s*\{?\(?(?:\\text\{)?(?P<base>\d+|two|three|four|five|six|seven|eight|nine|ten|sixteen)\}?\)?\}?"
    r"|\(?(?:\\text\{)?\s*\(?\s*base\s*(?P<said>\d+)\)?\}?\)?)",
    re.IGNORECASE,
)
_BASES = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
          "sixteen": 16}  # fmt: skip
_WORD_LIST = re.compile(r"[A-Z][a-z]+(?:(?:,|,? and|,? or) [A-Z][a-z]+)+")
_CUT_OFF = re.compile(r"\d\s*(?:\\l?dots|\.\.\.)$")
_CLOCK = re.compile(r"\d{1,2}:[0-5]\d")


@dataclass(frozen=True, slots=True)
class Found:
    """What math-verify found in prose: expressions, and the string they were read from."""

    expressions: tuple[Any, ...]
    seen: str | None


class Comparer:
    """Reads texts and compares them; keeps what it read."""

    def __init__(self) -> None:
        exact.install()

    def compare(self, text: str, gold: str, *, found: str) -> tuple[bool, str | None]:
        """Whether a text says what is expected, and what was read as its answer.

        Args:
            text: an answer, or a text in which to look for one.
            gold: the expected answer.
            found: the rule by which the answer was found; empty for a text in which it is still to be found.
        """
        golds, answers = list(_readings(gold, found="")), list(_readings(text, found=found))
        equal = any(_same_reading(g, a) for g in golds for a in answers)
        seen = _formula_of(_given(text), found) or next((a.seen for a in answers if isinstance(a, Found)), None)
        return equal, seen and seen.strip()


def _same_reading(gold: Node | Found, answer: Node | Found) -> bool:
    if isinstance(gold, Found) or isinstance(answer, Found):
        golds, answers = _expressions(gold), _expressions(answer)
        return any(_equal(g, a) for g in golds for a in answers)
    return same(gold, answer, same_part)


def _expressions(reading: Node | Found) -> tuple[Any, ...]:
    if isinstance(reading, Found):
        return reading.expressions
    value = expression(split_unit(reading.source).value)
    return () if value is None else (value,)


def _readings(text: str, *, found: str) -> Iterator[Node | Found]:
    """What a text may mean: one formula, read in more than one way where it is ambiguous, or what prose holds."""
    text = _given(text)
    formula = _formula_of(text, found)
    if formula is None:
        spaced = part_scripts(fold(text))
        labelled = f"Final Answer: {spaced}" if found.startswith("final") else spaced
        parsed = _verify.parse(labelled, extraction_mode="any_match", parsing_timeout=None)
        strings = [item for item in parsed if isinstance(item, str)]
        yield Found(tuple(item for item in parsed if not isinstance(item, str)), strings[-1] if strings else None)
        return
    if _NATURAL_LOG.search(formula):
        # To programs, `log` is the natural logarithm.
        yield read(to_latex(_NATURAL_LOG.sub("ln", formula)))
    latex = to_latex(formula)
    yield read(_THOUSANDS.sub(lambda number: number[0].replace(",", ""), latex))
    if _THOUSANDS.search(latex):
        yield read(latex)
    elif _DECIMAL_COMMA.fullmatch(split_unit(latex).value):
        # `1,22` may be two numbers or one.
        yield read(latex.replace(",", "."))


def _given(text: str) -> str:
    return without_bounded(text.strip()) if is_prose(text) and not _BOX.search(text) else text.strip()


def _formula_of(text: str, found: str) -> str | None:
    """The formula that a text is or gives; None for prose without one."""
    if box := _ONE_BOX.fullmatch(text):
        return box[1]
    if not found.startswith("boxed") and _BOX.search(text):
        config = _latex.NormalizationConfig(basic_latex=False, boxed="last")
        return _latex.normalize_latex(text.replace("\\fbox", "\\boxed"), config)
    text = read_connectives(text)
    if is_prose(text) and not _WORD_LIST.fullmatch(text):
        return value_in_prose(text, first=bool(found))
    return _DELIMITER.sub(" ", text)


def same_part(gold: str, answer: str) -> bool:
    """Whether two formulas without structure are the same: as numbers, words, quantities, numerals, expressions."""
    if tidy(gold) == tidy(answer) != "" or _same_number(gold, answer) or (plain(gold) == plain(answer) != ""):
        return True
    if _primes(gold) != _primes(answer):
        return False
    if _CUT_OFF.search(gold) or _CUT_OFF.search(answer):
        return False
    if _CLOCK.fullmatch(gold) and _CLOCK.fullmatch(answer):
        return False
    based = _same_numeral(gold, answer)
    if based is not None:
        return based
    ours, theirs = split_unit(answer), split_unit(gold)
    a, g = converted(ours, theirs), theirs.value
    if a is None:
        return False
    if (g, a) != (gold, answer) and (_same_number(g, a) or plain(g) == plain(a) != ""):
        return True
    if _is_words(g) and _is_words(a):
        return False
    return _equal(expression(g), expression(a))


def _same_number(gold: str, answer: str) -> bool:
    ours, theirs = parse_number(answer), parse_number(gold)
    return ours is not None and theirs is not None and same_number(ours, theirs)


def _primes(text: str) -> list[tuple[str, int]]:
    """The letters with primes, which the grammar drops: `f'` is not f."""
    return sorted((found[1], len(found[3]) if found[3] else found[2].count("p")) for found in _PRIMED.finditer(text))


def _is_words(text: str) -> bool:
    """Whether a text is a word or more, or a name of points such as ABC: never a product of letters."""
    return _TEXT_ONLY.fullmatch(text) is not None and (len(text) > 3 or text.isupper()) and len(text) > 1


def _same_numeral(gold: str, answer: str) -> bool | None:
    """Whether two numerals are the same, one of them with its base; the other may leave it out."""
    ours, theirs = _BASED.fullmatch(answer), _BASED.fullmatch(gold)
    if ours is None and theirs is None:
        return None
    digits = [found["digits"] if found else text for found, text in ((ours, answer), (theirs, gold))]
    bases = [_base(found) for found in (ours, theirs) if found]
    return digits[0].strip("() ").casefold() == digits[1].strip("() ").casefold() and len(set(bases)) == 1


def _base(found: re.Match[str]) -> int:
    name = (found["base"] or found["said"]).lower()
    return _BASES.get(name) or int(name)


@lru_cache(maxsize=512)
def expression(latex: str) -> Any:
    """The expression that a formula stands for; None if it cannot be read."""
    config = _latex.NormalizationConfig(basic_latex=True, units=False, malformed_operators=False, boxed="none")
    text = _latex.normalize_latex(latex, config)
    try:
        return _latex.latex2sympy(
            text, is_real=not _is_complex(latex), normalization_config=None, conversion_config=_CASED
        )
    except MemoryError:
        raise
    except Exception:
        # Whatever the grammar does not know.
        return None


def _is_complex(latex: str) -> bool:
    return re.search(r"(?<![A-Za-z\\])i(?![A-Za-z])", latex) is not None


def _equal(gold: Any, answer: Any) -> bool:
    if gold is None or answer is None:
        return False
    gold, answer = _with_imaginary(gold), _with_imaginary(answer)
    if isinstance(gold, _sympy.Symbol) and isinstance(answer, _sympy.Symbol):
        # math-verify takes capital Greek letters for small ones.
        return gold.name == answer.name
    # A set and the relation that describes it are the same answer: x in [-2, 7] and -2 <= x <= 7.
    return bool(_verify.verify(gold, answer, allow_set_relation_comp=True, timeout_seconds=None))


def _with_imaginary(value: Any) -> Any:
    """The letter i as the imaginary unit, unless it counts something."""
    letters = [s for s in getattr(value, "free_symbols", ()) if str(s) == "i"]
    return value.subs({letter: _sympy.I for letter in letters}) if letters else value
