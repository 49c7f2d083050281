"""The held-out paraphrases: enough of each family, rightly answered, in words of their own."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from test_problem_families import value

from s1core.problems import FAMILIES, draw_problems, paraphrases
from s1core.problems.paraphrases import FILE
from s1core.problems.words import DAYS, MONTHS, NAMES

LINES = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
COMPASS = ("north", "east", "south", "west")


def test_at_least_ten_of_each_family_and_none_twice() -> None:
    questions = paraphrases()
    assert len(questions) == len({q.question for q in questions}) == len({q.id for q in questions}) >= 150
    counts = Counter(q.family for q in questions)
    assert set(counts) == set(FAMILIES) and min(counts.values()) >= 10


def worked_out(row: dict[str, str]) -> str | None:
    """The answer from the noted way to it; None where the question itself is all there is."""
    family, work = row["family"], row["work"]
    if not work:
        return None
    if family == "letters":
        if work.startswith("length of "):
            return str(len(work.removeprefix("length of ")))
        letters, word = work.split(" in ")
        return str(sum(letter in letters for letter in word))
    if family in ("days", "months"):
        cycle = DAYS if family == "days" else MONTHS
        first, move = re.fullmatch(r"([A-Za-z]+)([+-]\d+)", work).groups()  # type: ignore[union-attr]
        return cycle[(cycle.index(first) + int(move)) % len(cycle)]
    if family == "ordering":
        order, place = work.split(" ")
        people = order.split(">")
        return {"first": people[0], "second": people[1], "last": people[-1]}[place]
    if ":" in work:
        at, steps = work.split(": ")
        for step in steps.split():
            if family == "walks":
                at = COMPASS[(COMPASS.index(at) + {"right": 1, "around": 2, "left": 3}[step]) % 4]
            else:
                x, y = step.split("-")
                at = y if at == x else x if at == y else at
        return at
    return str(int(value(work)))


@pytest.mark.parametrize("row", LINES, ids=lambda row: row["id"])
def test_answer_is_what_its_work_says(row: dict[str, str]) -> None:
    assert re.fullmatch(r"\d{1,3}|[A-Za-z]+", row["answer"])
    expected = worked_out(row)
    assert expected is None or expected == row["answer"]
    if expected is None:
        assert row["family"] in ("kinship", "logic")
    elif row["family"] in ("days", "months", "ordering", "cups", "letters"):
        named = re.findall(r"[A-Za-z]{3,}", row["work"].replace("length of", ""))
        said = row["question"].lower()
        assert all(name.lower() in said for name in named if name not in ("first", "second", "last", "aeiou"))


def shape(question: str) -> str:
    """A question without what varies in a phrasing: numbers, names, case and marks."""
    text = re.sub(r"\d+", "#", question)
    text = re.sub(rf"\b(?:{'|'.join(NAMES)})\b", "@", text)
    return re.sub(r"[^a-z#@ ]", "", text.lower())


def test_no_generator_has_one_of_these_wordings() -> None:
    generated = {shape(p.question) for split in ("train", "test") for p in draw_problems(8_500, 21, split)}  # type: ignore[arg-type]
    assert generated.isdisjoint(shape(q.question) for q in paraphrases())
