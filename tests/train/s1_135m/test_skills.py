"""Every statement that the base is taught is true, and the same seed gives the same rows."""

from __future__ import annotations

import re
from itertools import islice

import pytest

from s1core.problems import make_problems
from train.s1_135m.skills import SKILLS, count_letters, long_plus, rows

SAMPLE = list(rows(4_000, seed=5))


def test_every_statement_about_numbers_is_true() -> None:
    operations = {"plus": int.__add__, "minus": int.__sub__, "times": int.__mul__, "divided by": int.__floordiv__}
    found = 0
    for row in SAMPLE:
        for a, word, b, c in re.findall(r"(\d+) (plus|minus|times|divided by) (\d+) is (\d+)", row["assistant"]):
            assert operations[word](int(a), int(b)) == int(c) and int(c) >= 0
            found += 1
        for more, hour, then in re.findall(r"(\d+) hours? after (\d+) is (\d+)", row["assistant"]):
            assert (int(hour) + int(more) - int(then)) % 12 == 0 and 1 <= int(then) <= 12
    assert found > 10_000


def test_words_are_spelled_letter_by_letter() -> None:
    for row in SAMPLE:
        for word, letters in re.findall(r"(\w+): ((?:\w(?: \(\d+\))?, )+\w(?: \(\d+\))?)\.", row["assistant"]):
            assert re.sub(r"[^a-z]", "", letters) == word
    assert count_letters("raspberry", "r") == "r (1), a, s, p, b, e, r (2), r (3), y"


def test_long_sums_end_in_the_sum() -> None:
    assert long_plus(347, 285).endswith("620 plus 12 is 632.")


def test_rows_depend_on_the_seed_alone_and_cover_every_skill() -> None:
    assert SAMPLE[:50] == list(islice(rows(50, seed=5), 50)) != list(rows(50, seed=6))
    assert sum(weight for weight, _ in SKILLS) == pytest.approx(1)
    assert all("<|" not in row["user"] + row["assistant"] for row in SAMPLE)


def test_worked_problems_are_of_the_training_split_and_two_in_three_rows() -> None:
    worked = [row for row in SAMPLE if " So the answer is " in row["assistant"]]
    assert 0.6 < len(worked) / len(SAMPLE) < 0.7
    assert not {row["user"] for row in worked} & {problem.question for problem in make_problems(1_000, split="test")}
