"""Properties of grading: values in many notations, their neighbours, structures in any order, options of any script."""

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s1core.grading import canonical, extract_answer, grade
from s1core.grading.denials import BOTH_WORDS, DENIALS, OR_WORDS
from s1core.grading.labels import ANSWER_WORDS, OPTION_SIGNS
from s1core.grading.literal import parse_number
from s1core.grading.notation import to_latex
from s1core.grading.words import fold

rationals = st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**6)
huge = st.builds(Fraction, st.integers(-(10**60), 10**60), st.integers(1, 10**60))
ARABIC, DEVANAGARI, THAI, FULL_WIDTH = "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "๐๑๒๓๔๕๖๗๘๙", "０１２３４５６７８９"


def in_digits(digits: str) -> Callable[[Fraction], str]:
    return lambda value: str(value).translate(str.maketrans("0123456789", digits))


def mixed(value: Fraction) -> str:
    whole, rest = divmod(abs(value), 1)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}\\frac{{{rest.numerator}}}{{{rest.denominator}}}" if whole and rest else str(value)


def repeating(value: Fraction) -> str:
    """The decimal with its period under a line, as long as that is short."""
    sign, value = ("-" if value < 0 else ""), abs(value)
    whole, rest = divmod(value.numerator, value.denominator)
    digits, seen = "", dict[int, int]()
    while rest and rest not in seen and len(digits) < 60:
        seen[rest] = len(digits)
        digit, rest = divmod(rest * 10, value.denominator)
        digits += str(digit)
    if rest not in seen:
        return f"{sign}{whole}.{digits}" if not rest else str(Fraction(f"{sign}{value}"))
    start = seen[rest]
    return f"{sign}{whole}.{digits[:start]}\\overline{{{digits[start:]}}}"


NOTATIONS: dict[str, Callable[[Fraction], str]] = {
    "slash": str,
    "LaTeX": lambda v: f"\\frac{{{v.numerator}}}{{{v.denominator}}}",
    "sign before": lambda v: f"{'-' if v < 0 else ''}\\dfrac{{{abs(v.numerator)}}}{{{v.denominator}}}",
    "sign below": lambda v: f"\\frac{{{-v.numerator}}}{{-{v.denominator}}}",
    "mixed": mixed,
    "repeating": repeating,
    "percent": lambda v: f"\\frac{{{v.numerator * 100}}}{{{v.denominator}}}\\%",
    "Python": lambda v: f"Rational({v.numerator}, {v.denominator})",
    "expanded": lambda v: f"\\frac{{{v.numerator * 6}}}{{{v.denominator * 6}}}",
    "minus sign": lambda v: str(v).replace("-", "−"),
    "spaced": lambda v: f"\\left( \\frac {{{v.numerator}}} {{{v.denominator}}} \\right)",
    "Arabic": in_digits(ARABIC),
    "Devanagari": in_digits(DEVANAGARI),
    "Thai": in_digits(THAI),
    "full width": in_digits(FULL_WIDTH),
}
notations = st.sampled_from(sorted(NOTATIONS))
FORMS = ("{}", "Final Answer: {}", "\\boxed{{{}}}", "$x = {}$", "The answer is ${}$.", "답: {}", "#### {}")
forms = st.sampled_from(FORMS)
SUMS = ("{}", "\\sqrt{{2}}+{}", "x+{}", "({}, 1)")


@settings(max_examples=60)
@given(rationals, notations, notations, forms)
def test_equal_rationals_are_right_in_any_notation(value: Fraction, ours: str, theirs: str, form: str) -> None:
    assert grade(form.format(NOTATIONS[ours](value)), NOTATIONS[theirs](value)).correct


@settings(max_examples=60)
@given(st.one_of(rationals, huge), st.integers(1, 10**40), notations, notations, forms)
def test_neighbours_of_a_rational_are_wrong(value: Fraction, part: int, ours: str, theirs: str, form: str) -> None:
    near = value + Fraction(1, part)
    # The repeating notation of a long period is cut, and a percent sign may mean either of two values.
    if "percent" not in (ours, theirs) and "repeating" not in (ours, theirs):
        assert not grade(form.format(NOTATIONS[ours](near)), NOTATIONS[theirs](value)).correct


@settings(max_examples=40)
@given(st.integers(2, 9), st.integers(40, 900), st.integers(1, 3), st.sampled_from(SUMS))
def test_high_powers_differ_from_their_neighbours(base: int, exponent: int, step: int, form: str) -> None:
    small, smaller = f"{base}^{{-{exponent}}}", f"{base}^{{-{exponent + step}}}"
    again = f"\\frac{{{base**step}}}{{{base}^{{{exponent + step}}}}}"
    assert not grade(f"\\boxed{{{form.format(small)}}}", form.format(smaller)).correct
    assert grade(f"\\boxed{{{form.format(small)}}}", form.format(again)).correct


@settings(max_examples=40)
@given(st.lists(rationals, min_size=2, max_size=5, unique=True), st.randoms())
def test_lists_are_right_in_any_order_and_tuples_in_one(values: list[Fraction], random: object) -> None:
    shuffled = values[:]
    random.shuffle(shuffled)  # pyright: ignore[reportAttributeAccessIssue]
    listed, other = (", ".join(map(NOTATIONS["LaTeX"], order)) for order in (values, shuffled))
    assert grade(f"\\boxed{{{other}}}", listed).correct
    assert grade(f"\\boxed{{\\{{{other}\\}}}}", listed).correct
    assert grade(f"\\boxed{{({other})}}", f"({listed})").correct == (values == shuffled)
    assert not grade(f"\\boxed{{{', '.join(map(str, values[1:]))}}}", listed).correct


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from("abcpqrxyz"), rationals, min_size=2, max_size=4), st.randoms())
def test_named_values_are_right_in_any_order(values: dict[str, Fraction], random: object) -> None:
    names = list(values)
    random.shuffle(names)  # pyright: ignore[reportAttributeAccessIssue]
    gold = ", ".join(f"{name}={value}" for name, value in values.items())
    assert grade("\\boxed{" + ", ".join(f"{name} = {values[name]}" for name in names) + "}", gold).correct
    swapped = dict(zip(values, [*list(values.values())[1:], next(iter(values.values()))], strict=True))
    answer = ", ".join(f"{name}={value}" for name, value in swapped.items())
    assert grade(f"\\boxed{{{answer}}}", gold).correct == (swapped == values)


@given(st.text(max_size=40))
def test_folding_keeps_lengths(text: str) -> None:
    assert len(fold(text)) == len(text)


@given(st.one_of(rationals, huge).map(lambda v: NOTATIONS["LaTeX"](v)))
def test_plain_latex_stays_as_it_is(latex: str) -> None:
    assert to_latex(latex) == latex


@given(rationals, notations)
def test_canonical_spellings_read_as_the_same_number(value: Fraction, notation: str) -> None:
    number = parse_number(NOTATIONS[notation](value))
    if number is not None:
        again = parse_number(canonical(NOTATIONS[notation](value)))
        assert again is not None and again.value == number.value


@pytest.mark.parametrize("form", ["Answer: {}", "({})", "उत्तर: {}.", "답: ({})"])
def test_options_of_every_script_are_read(form: str) -> None:
    read = {sign: grade(form.format(sign), option, "choice").answer for sign, option in OPTION_SIGNS.items()}
    assert read == OPTION_SIGNS


def test_labels_of_every_language_are_read() -> None:
    texts = {word: f"2 + 2 = 4\n{word}: 24\n(4 + 20)" for word in ANSWER_WORDS}
    assert {word: extract_answer(text).answer for word, text in texts.items()} == dict.fromkeys(texts, "24")
    assert [word for word, text in texts.items() if not grade(text, "24", "integer").correct] == []


@pytest.mark.parametrize(
    "form", ["Answer: A {} B", "The answer is A {} B.", "정답: (A) {} (B)", "A {} B", "\\boxed{{A {} B}}"]
)
def test_alternatives_in_every_language_choose_neither(form: str) -> None:
    words = [word for word in (*OR_WORDS, *BOTH_WORDS) if not set(word) & set("\\[(?")]
    read = {word: [grade(form.format(word), option, "choice").correct for option in "AB"] for word in words}
    assert len(words) > 100
    assert {word: right for word, right in read.items() if any(right)} == {}


@pytest.mark.parametrize("form", ["B {}", "Option B {}.", "Answer: B {}", "The answer B {}", "Answer: C and B {}"])
def test_options_denied_in_any_language_are_not_chosen(form: str) -> None:
    words = [word for word in DENIALS if not set(word) & set("\\[(?")]
    assert len(words) > 60
    assert [word for word in words if grade(form.format(word), "B", "choice").correct] == []


def test_choices_behind_labels_of_every_language_are_read() -> None:
    texts = {word: f"A, B, C, D\n{word}: D" for word in ANSWER_WORDS}
    assert {word: grade(text, "D", "choice").answer for word, text in texts.items()} == dict.fromkeys(texts, "D")
    assert [word for word in texts if grade(f"{word}: D", "A", "choice").correct] == []
