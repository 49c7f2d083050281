"""The teacher of s1-135M: its rows are those of the families, and worked solutions take the same form."""

from __future__ import annotations

import random
from typing import Any

import pytest

from curate.rows import Row, question_key
from curate.sources import parse_spec, read
from curate.stages.problems_teacher import CannotTeach, ProblemsTeacher, worked
from s1core.problems import TraceMix, find_problem, teach, to_row

SOLUTION = """\
Tim has 3 * 4 = <<3*4=12>>12 red cards
He gives away half of them:  12 / 2 = <<12/2=6>>6 cards.
#### 6"""


def traced(*rows: Row) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    ProblemsTeacher().trace(rows, lambda *facts: kept.extend(facts))
    return kept


def solved(solution: str, number: int = 0) -> Row:
    question = f"How many cards are left? ({number})"
    return Row(key=question_key(question), id=str(number), source="x", question=question, solution=solution)


def test_problems_are_taught_as_their_families_teach_them() -> None:
    rows = [row for _, row in read(parse_spec("problems:34")) if isinstance(row, Row)]
    for row, fact in zip(rows, traced(*rows), strict=True):
        problem = find_problem(row.id)
        made = to_row(problem, teach(problem, random.Random(f"0/{row.uid}"), TraceMix()))
        assert fact["failed"] is None
        assert (fact["assistant"], fact["no_loss"]) == (made["assistant"], made["no_loss"])
        assert fact["attempt"] == f"Final Answer: {row.answer}"
        assert row.phrasing and row.subject == problem.family


def test_a_problem_of_another_version_is_refused_by_name() -> None:
    row = next(row for _, row in read(parse_spec("problems:1")) if isinstance(row, Row))
    changed = Row(**{**row.as_dict(), "question": "How many?"})
    unknown = Row(**{**row.as_dict(), "id": "none-train-0-1"})
    assert [fact["failed"].split(";")[0] for fact in traced(changed, unknown)] == [
        "another version of the families made this problem",
        "'none-train-0-1' is no id of a problem",
    ]


def test_worked_solutions_lose_their_calculator() -> None:
    text, answer = worked(SOLUTION)
    assert text == "Tim has 3 * 4 = 12 red cards. He gives away half of them: 12 / 2 = 6 cards."
    assert answer == "6"


@pytest.mark.parametrize(
    ("solution", "why"),
    [
        ("6", "no worked solution"),
        ("So it is 6.\n#### 6", "shows no calculation"),
        ("1 / 2 = <<1/2=0.5>>0.5\n#### 2", "with decimals, or beyond 999"),
        ("600 + 600 = <<600+600=1200>>1200\n#### 2", "with decimals, or beyond 999"),
        ("1 + 1 = <<1+1=2>>2\n#### 1,200", "with decimals, or beyond 999"),
        ("1 + 1 = <<1+1=2>>2\n#### two", "no worked solution"),
    ],
)
def test_what_the_base_cannot_follow_is_refused(solution: str, why: str) -> None:
    with pytest.raises(CannotTeach, match=why):
        worked(solution)
    assert why in traced(solved(solution))[0]["failed"]


def test_worked_solutions_are_glanced_at_and_worked_out() -> None:
    facts = traced(*(solved(SOLUTION, n) for n in range(60)))
    wrong = 0
    for fact in facts:
        turn = fact["assistant"]
        assert turn.startswith("<|im_start|>think\n")
        assert ".\nWait, let me work it out. Tim has 3 * 4 = 12 red cards. He gives away" in turn
        assert turn.endswith("6 cards. So the answer is 6.\n<|im_start|>answer\nFinal Answer: 6")
        for start, end in fact["no_loss"]:
            # The wrong glance alone, with the blank before it.
            assert turn[start:end].strip().isdigit() and turn[start:end] != " 6"
        wrong += bool(fact["no_loss"])
    assert 30 < wrong < 55
