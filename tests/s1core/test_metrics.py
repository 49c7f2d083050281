"""The metrics against values worked out by hand or by an independent formula."""

import math
from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1core.errors import InvalidSetting
from s1core.metrics import (
    avg_at_k,
    control,
    g_pass_at_k,
    maj_at_k,
    mcnemar,
    mean_g_pass_at_k,
    pass_at_k,
    performance,
    scaling,
    tokens_per_correct_answer,
    wilson,
)


def test_wilson_agrees_with_the_textbook() -> None:
    share = wilson(9, 10)
    assert (round(share.percent, 1), round(share.low, 2), round(share.high, 2)) == (90.0, 59.58, 98.21)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_contains_the_share_and_stays_in_range(case: tuple[int, int]) -> None:
    share = wilson(*case)
    assert 0 <= share.low <= share.percent + 1e-9 and share.percent - 1e-9 <= share.high <= 100


def test_mcnemar_is_the_exact_binomial_test() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 5) == 1.0
    assert mcnemar(0, 10) == pytest.approx(2 / 2**10)
    assert mcnemar(2, 8) == pytest.approx(2 * (1 + 10 + 45) / 2**10)
    assert mcnemar(8, 2) == mcnemar(2, 8)


def test_control_is_the_share_inside_the_asked_range() -> None:
    assert control([10, 20, 30, 40], 15, 30) == 50.0


def test_scaling_is_the_mean_slope_over_all_pairs() -> None:
    assert scaling([(1000, 10), (2000, 30)]) == 20.0
    assert scaling([(0, 0), (1000, 10), (2000, 40)]) == pytest.approx((10 + 30 + 20) / 3)
    assert scaling([(2000, 40), (0, 0), (1000, 10)]) == pytest.approx(20.0)


def test_performance_is_the_best_run() -> None:
    assert performance([(1, 30.0), (2, 57.0), (3, 50.0)]) == 57.0


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_counts_draws(case: tuple[int, int, int]) -> None:
    n, correct, k = case
    draws = list(combinations([True] * correct + [False] * (n - correct), k))
    assert math.isclose(pass_at_k(n, correct, k), sum(map(any, draws)) / len(draws))


def test_majority_goes_to_the_first_seen_on_a_tie() -> None:
    assert maj_at_k(["b", "a", "a", "b"]) == "b"
    assert maj_at_k([None, None, "a"]) == "a"
    assert maj_at_k(["a", "b", "b"], k=1) == "a"
    assert maj_at_k([None]) is None


def test_average_is_over_the_first_k() -> None:
    assert avg_at_k([True, False, False]) == pytest.approx(1 / 3)
    assert avg_at_k([True, False, False], k=2) == 0.5


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_g_pass_at_k_counts_draws_with_enough_hits(case: tuple[int, int, int]) -> None:
    n, correct, k = case
    draws = list(combinations([True] * correct + [False] * (n - correct), k))
    for threshold in (0, 0.25, 0.5, 0.75, 1):
        enough = [sum(draw) >= max(1, threshold * k) for draw in draws]
        assert math.isclose(g_pass_at_k(n, correct, k, threshold), sum(enough) / len(draws))
    assert math.isclose(g_pass_at_k(n, correct, k, 0), pass_at_k(n, correct, k), abs_tol=1e-12)
    assert 0 <= mean_g_pass_at_k(n, correct, k) <= 1 + 1e-12


def test_wrong_answers_cost_tokens_too() -> None:
    assert tokens_per_correct_answer([100, 300, 200], [True, False, True]) == 300
    assert tokens_per_correct_answer([100, 300], [False, False]) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: wilson(0, 0),
        lambda: mcnemar(-1, 0),
        lambda: control([], 0, 1),
        lambda: scaling([(1, 1)]),
        lambda: performance([]),
        lambda: pass_at_k(2, 1, 3),
        lambda: avg_at_k([]),
        lambda: avg_at_k([True], k=2),
        lambda: g_pass_at_k(2, 1, 1, 1.5),
        lambda: tokens_per_correct_answer([], []),
        lambda: tokens_per_correct_answer([1], [True, False]),
    ],
)
def test_metrics_of_nothing_or_nonsense_say_so(call: Callable[[], object]) -> None:
    with pytest.raises(InvalidSetting):
        call()
