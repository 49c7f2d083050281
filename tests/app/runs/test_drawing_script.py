"""The drawing beside a terse trace holds what the trace says, step by step, and nothing where it has no steps."""

from __future__ import annotations

from typing import Any

import pytest

from app.runs.render import CLOSE_BY_MODEL, LABEL_END, MODEL, WAIT
from s1core.nano import families
from s1core.nano.teacher import teach
from tests.scripts import evaluate

SCRIPTS = ["runs/drawing.js"]
LOOK = f"{MODEL}Maybe 2.\n"


def read(question: str, text: str) -> Any:
    return evaluate(SCRIPTS, "readTrace(question, text)", question=question, text=text)


def test_letters_light_up_as_they_are_counted() -> None:
    text = f"{LOOK}{WAIT}1{LABEL_END}Wait{MODEL}, r1 a1 s1"
    found = read("How many r in raspberry?", text)
    assert found["kind"] == "letters"
    assert "".join(tile["name"] for tile in found["tiles"]) == "raspberry"
    assert [tile["value"] for tile in found["tiles"]][:4] == ["1", "1", "1", ""]
    assert [tile["hit"] for tile in found["tiles"]].count(True) == 3
    assert not any(tile["wrong"] for tile in found["tiles"])


def test_a_step_that_reads_another_letter_is_marked() -> None:
    found = read("How many r in raspberry?", f"{MODEL}r1 a1 z1")
    assert [tile["wrong"] for tile in found["tiles"]][:3] == [False, False, True]


def test_after_another_wait_the_drawing_begins_anew() -> None:
    text = f"{MODEL}r1 a1 s1{WAIT}1{LABEL_END}Wait{MODEL}, r1"
    assert [tile["value"] for tile in read("How many r in raspberry?", text)["tiles"]][:2] == ["1", ""]


def test_the_answer_is_no_step() -> None:
    assert read("How many r in raspberry?", f"{LOOK}{CLOSE_BY_MODEL}stopped{LABEL_END}{MODEL}Final Answer: r2") is None


def test_its_places_may_be_there_before_the_first_step() -> None:
    found = evaluate(SCRIPTS, "readTrace(question, text, true)", question="How many r in raspberry?", text=LOOK)
    assert {tile["value"] for tile in found["tiles"]} == {""} and len(found["tiles"]) == 9


@pytest.mark.parametrize("question", ["Who wrote Faust?", "", "How many r in raspberry", "<img src=x>"])
def test_other_questions_have_no_drawing(question: str) -> None:
    assert read(question, f"{MODEL}r1 a1 s1") is None


@pytest.mark.parametrize("name", list(families()))
def test_every_family_of_s1_nano_has_one_whose_last_value_is_the_answer(name: str) -> None:
    lessons = [(question, teach(question, seed)) for question in families()[name].examples for seed in range(4)]
    read_at_all = 0
    for question, lesson in lessons:
        assert lesson is not None
        found = read(question, f"{MODEL}{lesson.thinking}")
        if found is None:  # a quick look without a check
            continue
        read_at_all += 1
        values = [tile["value"] for tile in found["tiles"]]
        assert "" not in values, f"a step is missing of {lesson.thinking!r}"
        assert values[-1] == lesson.answer or name == "letters", lesson.thinking
    assert read_at_all
