"""Grading against cases by kind: notations, exact values, structures, units, labels and options of many languages.

The files of `grading_cases` hold one case a line, `answer ~ gold`; `# kind` heads a kind, `⏎` is a line break.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s1core.grading import Kind, grade

CASES = Path(__file__).with_name("grading_cases")
REPORTS = Path(__file__).parents[3].parent / "shared" / "data" / "reports"
FORMS = ("The answer is {}.", "\\boxed{{{}}}", "We add and find it.\n#### {}")


def cases(name: str) -> Iterator[tuple[str, str, str]]:
    """Kind, answer and gold of every case of a file."""
    kind = ""
    for line in (CASES / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            kind = line[2:]
        elif line:
            answer, _, gold = line.rpartition(" ~ ")
            yield kind, answer.replace("⏎", "\n"), gold


def by_kind(name: str) -> list[Any]:
    kinds: dict[str, list[tuple[str, str]]] = {}
    for kind, answer, gold in cases(name):
        kinds.setdefault(kind, []).append((answer, gold))
    return [pytest.param(pairs, id=kind) for kind, pairs in kinds.items()]


def right(text: str, gold: str, kind: Kind = "math") -> bool:
    return grade(text, gold, kind).correct


@pytest.mark.parametrize("pairs", by_kind("equal.txt"))
def test_equal_values_are_right_both_ways_round(pairs: list[tuple[str, str]]) -> None:
    wrong = [pair for pair in pairs if not right(f"Final Answer: {pair[0]}", pair[1])]
    wrong += [(gold, answer) for answer, gold in pairs if not right(f"\\boxed{{{gold}}}", answer)]
    assert wrong == []


@pytest.mark.parametrize("pairs", by_kind("equal.txt"))
def test_equal_values_are_right_in_any_form(pairs: list[tuple[str, str]]) -> None:
    # Every fourth pair, each in another form: all in every form would take a minute.
    texts = [(FORMS[i % 3].format(answer), gold) for i, (answer, gold) in enumerate(pairs[::4])]
    assert [(text, gold) for text, gold in texts if not right(text, gold)] == []


@pytest.mark.parametrize("pairs", by_kind("different.txt"))
def test_different_values_are_wrong_both_ways_round(pairs: list[tuple[str, str]]) -> None:
    texts = [(FORMS[i % 3].format(answer), gold) for i, (answer, gold) in enumerate(pairs)]
    texts += [(f"Final Answer: {gold}", answer) for answer, gold in pairs]
    assert [(text, gold) for text, gold in texts if right(text, gold)] == []


def test_texts_give_their_answer() -> None:
    misread = [
        (text, gold)
        for _, text, gold in cases("texts.txt")
        if right(text.removeprefix("-"), gold) == text.startswith("-")
    ]
    assert misread == []


def test_texts_choose_their_option_in_many_languages() -> None:
    misread = [
        (text, gold)
        for _, text, gold in cases("choices.txt")
        if right(text.removeprefix("-"), gold, "choice") == text.startswith("-")
    ]
    assert misread == []


@pytest.mark.parametrize(
    "file",
    [
        *("math-false-positives", "math-plain-text-formulas", "choice-boxed-formula"),
        *("choice-labels-in-other-languages", "number-labels-in-other-languages"),
    ],
)
def test_reports_are_judged_right(file: str) -> None:
    path = REPORTS / f"{file}.jsonl"
    if not path.exists():
        pytest.skip(f"needs ../shared/data/reports/{file}.jsonl")
    reports = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    misjudged = [row for row in reports if right(row["text"], row["gold"], row["kind"]) != row["right"]]
    assert misjudged == []


@pytest.mark.parametrize("gold", ["", "  ", "nan", "NaN", "<NA>"])
@pytest.mark.parametrize("kind", ["math", "integer", "text", "choice"])
def test_nothing_equals_a_missing_gold(gold: str, kind: Kind) -> None:
    for text in ("Final Answer: nan", f"Final Answer: {gold}", "\\boxed{NaN}", "None", "5"):
        assert not grade(text, gold, kind).correct
