"""The families: chains that are true statement by statement, honest splits, correct English."""

from __future__ import annotations

import ast
import random
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s1core.problems import (
    FAMILIES,
    draw_problems,
    expected_answer,
    find_problem,
    make,
    make_problems,
    paraphrases,
    solution,
)
from s1core.problems.english import a, count, in_words, numbers_in_words, ordinal, plural, verb
from s1core.problems.families import coins, conversions, sharing
from s1core.problems.families.logic_words import KINDS
from s1core.problems.make import draw_problem
from s1core.problems.problem import Problem, is_test_only, split_of
from s1core.problems.words import BOYS, DAYS, FOODS, GIRLS, MONTHS, NAMES, OBJECTS, spelling_words

SPLITS = ("train", "test")
ARITHMETIC = re.compile(r"(\d+) (plus|minus|times|divided by) (\d+) is (\d+)\b")
SIGNS = {"plus": "+", "minus": "-", "times": "*", "divided by": "/"}
seeds = st.integers(0, 10**6)
families = st.sampled_from(sorted(FAMILIES))
splits = st.sampled_from(SPLITS)


def value(expression: str) -> float:
    """A sum of whole numbers, worked out without running anything."""

    def work(node: ast.expr) -> float:
        if isinstance(node, ast.Constant):
            return float(node.value)  # type: ignore[arg-type]
        assert isinstance(node, ast.BinOp)
        left, right = work(node.left), work(node.right)
        return {
            ast.Add: left + right,
            ast.Sub: left - right,
            ast.Mult: left * right,
            ast.Mod: left % right if right else 0,
            ast.Div: left / right if right else 0,
        }[type(node.op)]

    return work(ast.parse(expression, mode="eval").body)


@pytest.fixture(scope="module")
def many() -> dict[str, list[Problem]]:
    return {split: draw_problems(5_100, 11, split) for split in SPLITS}  # type: ignore[arg-type]


@given(families, splits, seeds)
@settings(max_examples=400, deadline=None)
def test_chain_ends_in_the_answer_and_its_sums_are_true(name: str, split: str, seed: int) -> None:
    problem = draw_problem(FAMILIES[name], split, seed, 0)  # type: ignore[arg-type]
    family, chain = FAMILIES[name], solution(problem)
    answer = family.answer(problem)
    assert chain.endswith(f" So the answer is {answer}.")
    for left, word, right, result in ARITHMETIC.findall(chain):
        assert value(f"{left}{SIGNS[word]}{right}") == int(result), chain
    assert re.fullmatch(r"\d{1,3}|[A-Za-z]+(-[a-z]+)*", answer), answer
    assert len(problem.items) == problem.difficulty >= 1


@given(families, seeds)
@settings(max_examples=300, deadline=None)
def test_numbers_stay_small_and_every_operand_was_seen(name: str, seed: int) -> None:
    problem = draw_problem(FAMILIES[name], "train", seed, 0)
    chain, seen = solution(problem), numbers_of(problem)
    for left, word, right, result in ARITHMETIC.findall(chain):
        assert {left, right} <= seen, chain
        assert int(result) < 1_000
        assert word != "times" or min(int(left), int(right)) <= 12
        seen.add(result)


def numbers_of(problem: Problem) -> set[str]:
    """The numbers that the question gives, and those that the chain states otherwise."""
    asked = re.sub(r"[a-z]+(?:-[a-z]+)?", lambda m: WORDS.get(m[0], m[0]), problem.question.lower())
    stated = re.findall(r"\d+", re.sub(ARITHMETIC, "", solution(problem)))
    whole = [item[2] for item in problem.items if item[0] == "without"]
    coin_values = [str(worth) for _, worth in coins.COINS]
    return {*re.findall(r"\d+", asked), *stated, *whole, *coin_values, "2", "3", "4"}


WORDS = {in_words(n): str(n) for n in range(100)}


def brute_force(problem: Problem) -> str | None:
    """The answer from the key, another way than by steps; None for families whose key says too little."""
    key = problem.key
    match problem.family:
        case "shopping":
            return str(int(value(key)))
        case "sums":
            start, *rest = re.findall(r"[+x-]?\d+", key)
            total = int(start)
            for change in rest:
                total = total * int(change[1:]) if change[0] == "x" else total + int(change)
            return str(total)
        case "clock":
            return str((int(value(key)) - 1) % 12 + 1)
        case "days" | "months":
            cycle = DAYS if problem.family == "days" else MONTHS
            first, move = re.fullmatch(r"([A-Za-z]+)([+-]\d+)", key).groups()  # type: ignore[union-attr]
            return cycle[(cycle.index(first) + int(move)) % len(cycle)]
        case "cups":
            at, pairs = key.split(":")
            places = {at: "it"}
            for pair in pairs.split():
                x, y = pair.split("-")
                places[x], places[y] = places.get(y, ""), places.get(x, "")
            return next(place for place, what in places.items() if what)
        case "sequences":
            first, by, shown, on = map(int, key.split(":"))
            return str(first + by * (shown + on - 1))
        case _:
            return None


def test_answers_agree_with_brute_force(many: dict[str, list[Problem]]) -> None:
    checked = Counter[str]()
    for problem in [*many["train"], *many["test"]]:
        if (expected := brute_force(problem)) is not None:
            assert FAMILIES[problem.family].answer(problem) == expected, problem.question
            checked[problem.family] += 1
    assert len(checked) == 7 and min(checked.values()) > 500


def test_letters_are_counted_as_python_counts_them(many: dict[str, list[Problem]]) -> None:
    for problem in (p for p in many["train"] if p.family == "letters"):
        counted = problem.table["counted"]
        assert FAMILIES["letters"].answer(problem) == str(sum(letter in counted for letter in problem.key))


def test_orders_and_relations_are_as_told(many: dict[str, list[Problem]]) -> None:
    for problem in (p for p in many["train"] if p.family == "ordering"):
        people = problem.table["people"].split()
        second = problem.items[-1][0] == "next"
        assert FAMILIES["ordering"].answer(problem) == people[1 if second else 0]
    for problem in (p for p in many["train"] if p.family == "kinship"):
        people = problem.table["people"].split()
        assert FAMILIES["kinship"].answer(problem) in (people[-1], problem.table["named"])
        girls = {"mother", "sister", "daughter", "wife"}
        for relation, person in problem.items[: len(people) - 1]:
            assert person in (GIRLS if relation in girls else BOYS)


def test_splits_share_no_question_key_phrasing_or_name(many: dict[str, list[Problem]]) -> None:
    train, test = many["train"], many["test"]
    assert {f"{p.family}:{p.key}" for p in train}.isdisjoint(f"{p.family}:{p.key}" for p in test)
    assert {p.question for p in train}.isdisjoint(p.question for p in test)
    assert all(split_of(p.family, p.key) == split for split in SPLITS for p in many[split])
    assert not any(is_test_only(frame) for p in train for frame in p.frames)
    held_names = {name for name in NAMES if is_test_only(name)}
    assert 5 < len(held_names) < 25
    assert not any(re.search(rf"\b(?:{'|'.join(held_names)})\b", p.question) for p in train)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_a_family_has_many_phrasings_and_some_in_test_alone(name: str) -> None:
    frames = {split: Counter(f for p in draw_problems(600, 5, split, name) for f in p.frames) for split in SPLITS}  # type: ignore[arg-type]
    asked = {frame for frame in frames["train"] if len(frame) > 3}
    assert len(asked) >= 12
    assert set(frames["test"]) - set(frames["train"])


def test_twenty_thousand_questions_are_different() -> None:
    problems = draw_problems(20_000, 0, "train")
    assert len({p.question for p in problems}) == len({p.id for p in problems}) == 20_000
    shares = Counter(p.family for p in problems)
    assert set(shares) == set(FAMILIES) and max(shares.values()) - min(shares.values()) <= 1


def test_difficulty_is_spread_and_a_third_stops_at_a_glance(many: dict[str, list[Problem]]) -> None:
    for name, family in FAMILIES.items():
        drawn = [p for p in many["train"] if p.family == name]
        assert len({p.difficulty for p in drawn}) >= 3
        assert 0.12 < sum(not family.goes_on(p) for p in drawn) / len(drawn) < 0.6


def test_same_seed_same_problems_and_an_id_makes_its_problem_again() -> None:
    assert make_problems(60, seed=7) == make_problems(60, seed=7)
    assert make_problems(90, seed=7)[:60] == make_problems(60, seed=7)
    assert make_problems(60, seed=7) != make_problems(60, seed=8)
    for problem in draw_problems(60, 3, "test"):
        assert find_problem(problem.id) == problem


@pytest.mark.parametrize(
    "wrong", ["", "shopping", "shopping-train-0", "poetry-train-0-1", "cups-dev-0-1", "cups-test-x-1"]
)
def test_an_id_of_no_problem_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no id of a problem"):
        find_problem(wrong)


def test_unknown_names_and_an_exhausted_family_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="unknown family"):
        make_problems(1, family="poetry")
    with pytest.raises(ValueError, match="unknown split"):
        make_problems(1, split="dev")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="n must be"):
        make_problems(-1)
    monkeypatch.setattr(make, "_PATIENCE", 1)
    with pytest.raises(ValueError, match="different questions"):
        make_problems(20_000, family="days")


@given(families, seeds)
@settings(max_examples=300, deadline=None)
def test_wrong_guesses_are_wrong_and_slips_show(name: str, seed: int) -> None:
    family, rng = FAMILIES[name], random.Random(seed)
    problem = draw_problem(family, "train", seed, 0)
    assert family.wrong_guess(rng, problem) != family.answer(problem)
    if family.slips(problem):
        rest, last = family.steps_from(problem, 1, family.slip(rng, problem, problem.start, 0))
        assert len(rest) == len(problem.items) - 1 and family.final(problem, last)


NOUNS = {*FOODS, *OBJECTS, *coins.GOODS, *sharing.CONTAINERS, "hour", "day", "month", "year", "week", "dollar", "cent"}
NOUNS |= {unit.small for unit in conversions.UNITS} | {"passenger", "person", "child", "tourist", "point", "degree"}
SINGULARS = "|".join(sorted(noun for noun in NOUNS if plural(noun) != noun))
ONE_OF_MANY = re.compile(
    rf"(?<![\w-])(?:1|one) (?:{'|'.join(plural(noun) for noun in NOUNS if plural(noun) != noun)})\b"
)
MANY_OF_ONE = re.compile(rf"(?<![\w-])(?:[2-9]|[1-9]\d+|two|three|four|five) (?:{SINGULARS})\b(?!-)")
WRONG_ARTICLE = re.compile(r"\ba [aeio](?!ne\b|u)\w{2}|\ban [^aeiouhAEIOUH\W]\w\w", re.IGNORECASE)


def test_grammar_of_every_question_is_right(many: dict[str, list[Problem]]) -> None:
    for problem in [*many["train"], *many["test"]]:
        text = problem.question.lower()
        found = ONE_OF_MANY.search(text) or MANY_OF_ONE.search(text)
        assert not found, problem.question
        if problem.family not in ("letters",):
            assert not WRONG_ARTICLE.search(text), problem.question
        assert "{" not in text and "  " not in text and not text.startswith(" ") and not text.endswith(" ")
        assert not re.search(r"[.?!] [a-z]", problem.question) or problem.question == text, problem.question
        assert not re.search(r"\b(\w+) \1\b", re.sub(r"\d+|had had|cents? cents?", "", text)), problem.question


def test_examples_have_known_answers_and_other_questions_none() -> None:
    assert all(len(family.examples) >= 2 for family in FAMILIES.values())
    assert expected_answer("how many r in  raspberry") == "3"
    assert expected_answer("Why is the sky blue?") is expected_answer("") is None
    for family in FAMILIES.values():
        for question, answer in family.examples.items():
            assert expected_answer(question) == answer
    assert all(expected_answer(q.question) == q.answer for q in paraphrases())


def test_forms_of_words_are_right() -> None:
    assert [plural(noun) for noun in ("box", "cherry", "key", "child", "loaf", "fish", "red apple")] == (
        ["boxes", "cherries", "keys", "children", "loaves", "fish", "red apples"]
    )
    assert [a(noun) for noun in ("pear", "apple", "hour", "uncle", "unicorn", "hat")] == (
        ["a pear", "an apple", "an hour", "an uncle", "a unicorn", "a hat"]
    )
    assert (count(1, "egg"), count(2, "egg")) == ("1 egg", "2 eggs")
    assert [verb("buy 2", tense) for tense in ("plain", "third", "past")] == ["buy 2", "buys 2", "bought 2"]
    assert [verb(base, "third") for base in ("go", "catch", "carry", "play", "have")] == (
        ["goes", "catches", "carries", "plays", "has"]
    )
    assert [verb(base, "past") for base in ("drop", "carry", "trade", "need", "play", "order")] == (
        ["dropped", "carried", "traded", "needed", "played", "ordered"]
    )
    assert [in_words(n) for n in (0, 13, 21, 40, 105)] == [
        "zero",
        "thirteen",
        "twenty-one",
        "forty",
        "one hundred and five",
    ]
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 22)] == ["1st", "2nd", "3rd", "4th", "11th", "22nd"]
    assert numbers_in_words("3 pens and 12 cups. 2 break.") == "Three pens and twelve cups. Two break."
    assert numbers_in_words("What is 3 + 4, 3-4 or 100?") == "What is 3 + 4, 3-4 or 100?"


def test_words_and_kinds_occur_once() -> None:
    for words in (NAMES, FOODS, OBJECTS, spelling_words(), *(kinds for kinds, _ in KINDS)):
        assert len(words) == len(set(words))
    assert not set(GIRLS) & set(BOYS)
    assert len(spelling_words()) > 1_500
