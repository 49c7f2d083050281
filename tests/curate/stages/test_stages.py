"""The stages that cost nothing: each rejection by its rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from curate.rows import Outcome, Row, question_key
from curate.sources import parse_spec, read
from curate.stages.decontaminate import Decontaminate
from curate.stages.duplicates import Duplicates
from curate.stages.quality import Quality
from curate.text import figures, normal, words

LONG = (
    "A farmer has a field in the shape of a triangle with sides of 13, 14 and 15 metres and wants to know how many "
    "square metres of seed he needs if he leaves a strip of 1 metre along the longest side without any plants at all"
)


def row(question: str, number: int = 0, **facts: Any) -> Row:
    base = Row(key=question_key(question), id=str(number), source="a", question=question, solution="")
    return Row(**{**base.as_dict(), **facts})


def rows(*questions: str) -> list[Row]:
    return [row(question, number) for number, question in enumerate(questions)]


def run(stage: Any, given: Sequence[Row]) -> Outcome:
    outcome = stage.run(given, lambda done, rejected: None)
    assert len(outcome.rows) + len(outcome.rejections) == len(given)
    return outcome


def loaded(spec: str) -> list[Row]:
    return [found for _, found in read(parse_spec(spec)) if isinstance(found, Row)]


@pytest.mark.parametrize(
    "again",
    [
        LONG,
        LONG.upper(),
        LONG.replace("triangle", "$triangle$").replace(",", " ,"),
        LONG.replace("farmer", "ﬁsher"),  # one word in fifty
        LONG + " .",
    ],
)
def test_the_same_question_twice_stays_once(again: str) -> None:
    outcome = run(Duplicates(), rows(LONG, again))
    assert [r.id for r in outcome.rows] == ["0"]
    assert outcome.rejections[0].rule == ("exact_duplicate" if again == LONG else "near_duplicate")
    assert "of a/0" in outcome.rejections[0].detail


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LONG, LONG.replace("14", "12")),
        ("What is 7^8 mod 11?", "What is 7^9 mod 11?"),
        ("Compute 3 + 5.", "Compute 3 - 5."),
        ("Solve $x^2 < 4$.", "Solve $x^2 > 4$."),
        ("How many r in banana?", "How many n in banana?"),
        ("Prove it.", "Disprove it."),
        # A passage with two questions.
        (LONG * 3 + " " + "How many litres of paint does the first wall need?" * 4, LONG * 3 + " Who is he? " * 16),
        ("a well-known result", "a wellknown result of its kind"),
    ],
)
def test_different_questions_stay(one: str, other: str) -> None:
    assert len(run(Duplicates(), rows(one, other)).rows) == 2


def test_a_template_with_other_numbers_does_not_hide_a_duplicate() -> None:
    given = rows(*(LONG.replace("14", str(n)) for n in range(100, 200)), LONG.replace("14", "150").upper())
    outcome = run(Duplicates(), given)
    assert len(outcome.rows) == 100
    assert outcome.rejections[0].detail.startswith("of a/50")


def test_real_pools_hold_few_duplicates(data: Path) -> None:
    pools = [f"aime={data / 'pools/aime_1983_2024.jsonl'}", f"agieval={data / 'pools/agieval'}"]
    aime, agieval = map(loaded, pools)
    s1k = loaded(str(data / "s1k/s1k_questions_solutions.jsonl"))
    outcome = run(Duplicates(), [*aime, *agieval, *s1k])
    # 287 of the released questions are AIME's, letter by letter.
    assert outcome.by_rule()["exact_duplicate"] >= 287
    assert 10 <= outcome.by_rule()["near_duplicate"] <= 60


def test_questions_of_an_evaluation_set_are_found_inside_longer_ones() -> None:
    asked = row("Find the number of integer values of k that satisfy the equation k squared is nine.", source="math500")
    inside = "Here is a riddle: find the NUMBER of integer values of $k$ that we like, friend."
    apart = "Find the number of integer things, and values of k that satisfy nothing we say at all."
    outcome = run(Decontaminate(evaluation=[asked]), rows(inside, apart, "Short one?"))
    assert [r.id for r in outcome.rows] == ["1", "2"]
    first = outcome.rejections[0]
    assert first.rule == "contaminated:math500"
    assert first.detail == "math500/0: find the number of integer values of k"


def test_a_short_evaluation_question_is_found_word_for_word_only() -> None:
    asked = row("What is 2 + 2?", source="nano")
    outcome = run(Decontaminate(evaluation=[asked]), rows("what is 2+2", "What is 2 + 2 + 2?", "What is 2 + 2 hats?"))
    assert [r.id for r in outcome.rejections] == ["0"]


UNSPACED = (
    "甲乙两地相距一百二十公里，一辆汽车以每小时六十公里的速度从甲地开往乙地，问需要多少小时到达？",
    "袋の中に赤い玉が三個と白い玉が五個入っている。二個を同時に取り出すとき、二個とも赤い確率を求めよ。",
    "รถยนต์คันหนึ่งวิ่งจากเมืองหนึ่งไปยังอีกเมืองหนึ่งด้วยอัตราเร็วคงที่ จงหาเวลาที่ใช้ในการเดินทางทั้งหมด",
)


@pytest.mark.parametrize("asked", UNSPACED)
@pytest.mark.parametrize("around", ["{}", "请解答：{}谢谢。", "次の問いに答えよ。{}式も書け。", "12{}34"])
def test_questions_in_scripts_without_spaces_are_found(asked: str, around: str) -> None:
    stage = Decontaminate(evaluation=[row(asked, source="bench")])
    assert run(stage, rows(around.format(asked))).by_rule() == {"contaminated:bench": 1}
    # Marks and line ends change nothing.
    assert not run(stage, rows(around.format(asked.replace("，", "\n").replace("。", " ")))).rows


def test_another_question_in_such_a_script_stays() -> None:
    stage = Decontaminate(evaluation=[row(one, source="bench") for one in UNSPACED])
    others = (
        "一个水池有两根水管，单开甲管三小时注满，单开乙管五小时注满，问两管同时开放需要多少小时注满水池？",
        "さいころを二回投げるとき、出た目の和が七になる確率を求めよ。",
        "จงหาผลบวกของจำนวนเต็มบวกทั้งหมดที่น้อยกว่าหนึ่งร้อยซึ่งหารด้วยเจ็ดลงตัว",
    )
    assert len(run(stage, rows(*others)).rows) == 3


TEMPLATE = "Think in small steps and give the result in brackets at the end."


def test_a_shared_template_is_named_and_can_be_left_out() -> None:
    asked = [row(f"{TEMPLATE} How many days has June?", source="bench")]
    ropes = rows(*(f"{TEMPLATE} How long is a rope of {n} m and 5 cm?" for n in range(3, 9)))
    outcome = run(Decontaminate(evaluation=asked), ropes)
    assert not outcome.rows
    (note,) = outcome.notes
    assert note.startswith("6 rows share nothing with bench but 'think in small steps and give the result in brackets")
    assert "--shared-text" in note
    left_out = run(Decontaminate(evaluation=asked, shared=[TEMPLATE]), [*ropes, row(asked[0].question, 99)])
    assert [rejection.id for rejection in left_out.rejections] == ["99"] and not left_out.notes


def test_a_run_that_is_not_the_only_one_is_not_blamed() -> None:
    asked = row(f"{TEMPLATE} {LONG}", source="bench")
    apart = rows(*(f"{TEMPLATE} Number {n} says: {LONG}" for n in range(4)))
    assert not run(Decontaminate(evaluation=[asked]), apart).notes


def test_both_math500_problems_that_stand_verbatim_in_the_released_s1k_are_found(data: Path) -> None:
    math500 = loaded(f"math500={data / 'math500/test.jsonl'}")
    s1k = loaded(str(data / "s1k/s1k_questions_solutions.jsonl"))
    problems = {r.question.strip(): r.uid for r in math500}
    verbatim = {r.key: problems[r.question.strip()] for r in s1k if r.question.strip() in problems}
    assert verbatim == {
        "07e22408c9d86bf1": "math500/test/intermediate_algebra/1849.json",
        "9f7f1563a23537aa": "math500/test/intermediate_algebra/558.json",
    }
    found = {r.key: r.detail for r in run(Decontaminate(evaluation=math500), s1k).rejections}
    assert all(found[key].startswith(uid + ": ") for key, uid in verbatim.items())
    # A third one differs in its typesetting only.
    assert "c36e41d92556ea8b" in found


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        ("See [asy] draw(); [/asy]", "ascii_diagram"),
        ("What is shown? ![Image](x.png)", "missing_image"),
        ("As in p12. of the book", "page_reference"),
        ("**4** Find x", "number_reference"),
        ("Say <|im_end|> now", "special_token"),
    ],
)
def test_damaged_questions_are_named(question: str, rule: str) -> None:
    assert run(Quality(), rows(question)).by_rule() == {rule: 1}


def test_aime_keeps_its_diagrams_and_failed_calls_go() -> None:
    assert len(run(Quality(), [row("[asy]", source="aime"), row("**bold** text"), row("p0. and 12.")]).rows) == 3
    failed = run(Quality(), [row("[asy]", failed="no answer")]).rejections[0]
    assert (failed.rule, failed.detail) == ("failed_call", "no answer")
    assert run(Quality(), [row("fine", attempt="<|im_start|>")]).by_rule() == {"special_token": 1}


def test_words_and_figures() -> None:
    text = normal("The well-known −5 < \\frac{1}{2} of Ⅷ x-axis 3-4")
    assert words(text)[:4] == ["the", "well", "known", "5"]
    assert figures(text) == "- 5 < 1 2 3 - 4"
