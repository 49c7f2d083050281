"""The teacher: right as a rule, wrong now and then, and always in the words that s1-nano knows."""

from __future__ import annotations

import re

import pytest

from s1core.nano import make_questions
from s1core.nano.teacher import TeacherHabits, teach

QUESTIONS = make_questions(n=600, seed=3, split="train")


def test_lessons_do_not_depend_on_what_was_asked_before() -> None:
    lessons = [teach(q.question, seed=1) for q in QUESTIONS[:50]]
    assert [teach(q.question, seed=1) for q in reversed(QUESTIONS[:50])] == lessons[::-1]
    assert [teach(q.question, seed=2) for q in QUESTIONS[:50]] != lessons


def test_most_lessons_end_right_and_a_few_do_not() -> None:
    right = sum(lesson.answer == q.answer for q in QUESTIONS if (lesson := teach(q.question)))
    assert 0.9 < right / len(QUESTIONS) < 1


def test_slips_are_noticed_by_a_second_check() -> None:
    habits = TeacherHabits(checks=(0.0, 1.0), slip=1.0, final_slip=0.0)
    for q in QUESTIONS[:100]:
        lesson = teach(q.question, habits=habits)
        assert lesson is not None
        first, second = re.findall(r"So (\w+)\.\n", lesson.thinking)
        assert second == lesson.answer == q.answer
        assert len(first) > 0


@pytest.mark.parametrize("text", ["", "What is love?", "Map a>b. From c, 3 hops."])
def test_other_questions_are_not_taught(text: str) -> None:
    assert teach(text) is None
