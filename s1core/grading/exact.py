"""Compare values exactly where math-verify compares them to 15 digits.

math-verify subtracts, evaluates and cuts off what is below 2^-54, so that 2^-60 equals 2^-61. Here rationals are
compared as such and other numbers by as many digits as it takes; only decimals, which are rounded when they are
written, agree to six places. `install` puts these comparisons in the place of math-verify's own, so that they hold for
the elements of sets, tuples, matrices and relations as well. The only file that touches math-verify's inner parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

# Through Any: neither library ships types.
_sympy: Any = import_module("sympy")
_grader: Any = import_module("math_verify.grader")

_PLACES = _sympy.Rational(1, 2_000_000)
_PARTS = 100_000
_FEW_DIGITS, _MANY_DIGITS, _MOST_DIGITS = 60, 1_500, 5_000
"""Digits that are tried one after another until a difference shows; equal numbers go through all of them, and roots,
which are cheap, through the most."""
_ELEMENTARY = (_sympy.exp, _sympy.log, _sympy.sin, _sympy.cos, _sympy.tan, _sympy.atan, _sympy.asin, _sympy.acos)
_POINTS = {
    _FEW_DIGITS: (_sympy.Rational(-7_654_321, 2_345_677), _sympy.Rational(-913, 1_117)),
    _FEW_DIGITS + 1: (_sympy.Rational(271_829, 7_919), _sympy.Rational(57_721, 1_009)),
    _MANY_DIGITS: (_sympy.Rational(1_234_577, 1_000_003), _sympy.Rational(3_577, 2_713)),
}
"""Where expressions with unknowns are compared, by digits: a start for the first unknown, a step for the next ones."""


def install() -> None:
    """Let math-verify compare numbers, sets and intervals by the functions of this module."""
    _grader.sympy_numeric_eq = numeric_equal
    _grader.sympy_deep_compare_set_and_tuple = elements_equal
    _grader.sympy_compare_sets = _with_unions(_grader.sympy_compare_sets)


def numeric_equal(a: Any, b: Any, float_rounding: int, numeric_precision: int) -> bool:
    """Whether two expressions or matrices have the same value; the signature is math-verify's."""
    if isinstance(a, _sympy.MatrixBase | _sympy.MatrixExpr) or isinstance(b, _sympy.MatrixBase | _sympy.MatrixExpr):
        a, b = _done(a), _done(b)
        same_shape = isinstance(a, _sympy.MatrixBase) and isinstance(b, _sympy.MatrixBase) and a.shape == b.shape
        return same_shape and all(
            _grader.sympy_expr_eq(x, y, float_rounding, numeric_precision)
            for x, y in zip(a.flat(), b.flat(), strict=True)
        )
    if not isinstance(a, _sympy.Expr) or not isinstance(b, _sympy.Expr):
        return False
    return values_equal(_done(a), _done(b))


def values_equal(a: Any, b: Any) -> bool:
    """Whether two expressions have the same value, wherever their unknowns are."""
    if a == b:
        return True
    if a.has(_sympy.nan, _sympy.zoo, _sympy.oo, -_sympy.oo) or b.has(_sympy.nan, _sympy.zoo, _sympy.oo, -_sympy.oo):
        return False
    unknowns = sorted(a.free_symbols | b.free_symbols, key=str)
    if not unknowns:
        return _numbers_equal(a, b) or _numbers_equal(_with_real_roots(a), _with_real_roots(b))
    a, b = _rational(a), _rational(b)
    for digits, (start, step) in _POINTS.items():
        point = {unknown: start + step * i for i, unknown in enumerate(unknowns)}
        if not _numbers_equal(_done(a.xreplace(point)), _done(b.xreplace(point)), most_digits=digits):
            return False
    return True


def _numbers_equal(a: Any, b: Any, most_digits: int = _MOST_DIGITS) -> bool:
    if a.has(_sympy.Float) or b.has(_sympy.Float):
        return _decimals_equal(_rational(a), _rational(b))
    if a.is_Rational and b.is_Rational:
        return a == b
    difference = a - b
    if difference.is_Rational:
        return difference == 0
    most_digits = min(most_digits, _affordable_digits(difference))
    return not any(_differs(difference, digits) for digits in sorted({_FEW_DIGITS, most_digits}))


def _affordable_digits(value: Any) -> int:
    """How many digits of a number can be had in a fraction of a second."""
    if not value.atoms(_sympy.Function) <= value.atoms(*_ELEMENTARY):
        return _FEW_DIGITS
    return _MOST_DIGITS if value.is_algebraic else _MANY_DIGITS


def _with_real_roots(value: Any) -> Any:
    """The cube root of -8 as -2, where sympy takes the principal one."""

    def is_odd_root(power: Any) -> bool:
        odd = power.is_Pow and power.exp.is_Rational and power.exp.q % 2 == 1 and power.exp.q > 1
        return odd and power.base.is_number and power.base.is_extended_negative

    def real_root(power: Any) -> Any:
        return _sympy.Pow(-1, power.exp.p) * (-power.base) ** power.exp

    return value.replace(is_odd_root, real_root)


def _differs(difference: Any, digits: int) -> bool:
    """Whether a number shows to be other than zero within so many digits."""
    value = difference.evalf(digits, maxn=digits)
    if not value.is_number or value.has(_sympy.nan, _sympy.zoo):
        return True
    return any(map(_is_not_zero, value.as_real_imag()))


def _is_not_zero(value: Any) -> bool:
    # A value that may be zero comes with a precision of one bit, or as zero.
    return bool(value != 0) and not (value.is_Float and value._prec <= 1)


def _decimals_equal(a: Any, b: Any) -> bool:
    gap, size = abs((a - b).evalf(30)), max(abs(a.evalf(30)), abs(b.evalf(30)))
    return bool(gap <= _PLACES and gap * _PARTS <= size)


def _rational(value: Any) -> Any:
    """The value with every decimal as the fraction that was written."""
    return value.xreplace({number: _sympy.Rational(str(number)) for number in value.atoms(_sympy.Float)})


def _done(value: Any) -> Any:
    try:
        return value.doit()
    except MemoryError:
        raise  # a verdict of its own: `out_of_memory`
    except Exception:
        # What sympy cannot evaluate stays as it is.
        return value


def elements_equal(gold: Any, answer: Any, float_rounding: int, numeric_precision: int) -> bool:
    """Whether two tuples have the same elements in order, or a set and another in any order."""

    def same(x: Any, y: Any) -> bool:
        return _grader.sympy_expr_eq(x, y, float_rounding, numeric_precision)

    if len(gold) != len(answer):
        return False
    if isinstance(gold, _sympy.FiniteSet) and isinstance(answer, _sympy.FiniteSet):
        return _same_in_any_order(gold.args, answer.args, same)
    ordered = [getattr(group, "_unsorted_args", group.args) for group in (gold, answer)]
    return all(same(x, y) for x, y in zip(*ordered, strict=True))


def _same_in_any_order(gold: Sequence[Any], answer: Sequence[Any], same: Callable[[Any, Any], bool]) -> bool:
    left = list(answer)
    for wanted in gold:
        match = next((i for i, other in enumerate(left) if same(wanted, other)), None)
        if match is None:
            return False
        del left[match]
    return True


def _with_unions(compare_sets: Callable[..., bool]) -> Callable[..., bool]:
    r"""Unions of intervals whose ends are rounded, and sets that are still to be evaluated, as `A \cap B` is."""

    def compare(gold: Any, answer: Any, float_rounding: int, numeric_precision: int) -> bool:
        if isinstance(gold, _sympy.Union) and isinstance(answer, _sympy.Union) and len(gold.args) == len(answer.args):
            pairs = _same_in_any_order(
                gold.args, answer.args, lambda x, y: compare(x, y, float_rounding, numeric_precision)
            )
            if pairs:
                return True
        gold, answer = (_done(value) if isinstance(value, _sympy.Set) else value for value in (gold, answer))
        return compare_sets(gold, answer, float_rounding, numeric_precision)

    return compare
