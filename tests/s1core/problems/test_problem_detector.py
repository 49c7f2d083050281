"""The detector accepts what the families ask, in any wording, and leaves everything else alone."""

from __future__ import annotations

import pytest
from detector_questions import OTHER, TAUGHT
from hypothesis import given
from hypothesis import strategies as st

from s1core.problems import FAMILIES, draw_problems, family_of, paraphrases


def test_lists_are_long_and_share_nothing() -> None:
    known = {p.question for p in draw_problems(1_700, 1, "train")} | {q.question for q in paraphrases()}
    assert len(set(TAUGHT)) >= 60 and len(set(OTHER)) >= 60
    assert known.isdisjoint([*TAUGHT, *OTHER])


def test_questions_of_the_families_are_accepted() -> None:
    missed = [question for question in TAUGHT if family_of(question) is None]
    assert len(missed) <= 0.05 * len(TAUGHT), missed


def test_questions_of_other_kinds_are_refused() -> None:
    taken = [question for question in OTHER if family_of(question) is not None]
    assert len(taken) <= 0.05 * len(OTHER), taken


@pytest.mark.parametrize("split", ["train", "test"])
def test_generated_questions_are_accepted_in_every_family(split: str) -> None:
    for name in FAMILIES:
        asked = [p.question for p in draw_problems(200, 9, split, name)]  # type: ignore[arg-type]
        missed = [question for question in asked if family_of(question) is None]
        assert len(missed) <= 0.05 * len(asked), missed


def test_paraphrases_are_accepted() -> None:
    missed = [q.question for q in paraphrases() if family_of(q.question) is None]
    assert len(missed) <= 0.05 * len(paraphrases()), missed


def test_the_family_is_mostly_named_right() -> None:
    problems = draw_problems(1_700, 9, "test")
    assert sum(family_of(p.question) == p.family for p in problems) > 0.9 * len(problems)


def test_examples_of_the_families_are_accepted() -> None:
    for family in FAMILIES.values():
        assert all(family_of(example) is not None for example in family.examples)


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("What is 17+25?", "sums"),
        ("HOW MANY R IN RASPBERRY", "letters"),
        ("  how many r in\nraspberry?  ", "letters"),
        ("Why is the sky blue?", None),
        ("", None),
        ("   ", None),
        ("17", None),
        ("What is 17+25? " * 200, None),
    ],
)
def test_well_known_questions(text: str, family: str | None) -> None:
    assert family_of(text) == family


@given(st.text(max_size=300))
def test_any_text_is_taken(text: str) -> None:
    assert family_of(text) in {None, *FAMILIES}
