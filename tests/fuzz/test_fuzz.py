"""A few cases for every parser; `make fuzz` feeds them many."""

from __future__ import annotations

import pytest

from tests.fuzz.__main__ import TARGETS
from tests.fuzz.target import Target, run

CASES = 16


@pytest.mark.parametrize("target", TARGETS, ids=[target.name.replace(" ", "-") for target in TARGETS])
def test_ends_with_a_value_or_a_documented_error(target: Target) -> None:
    assert run(target, CASES, 0).cases >= 1


def test_names_are_told_apart() -> None:
    assert len({target.name for target in TARGETS}) == len(TARGETS)
