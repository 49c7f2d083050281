"""The question families: honest splits, answers checked by brute force, questions that visitors can type."""

from __future__ import annotations

import random
import re
import subprocess
import sys

import pytest

from s1core.nano import detect_family, families, make_questions
from s1core.nano.make import FAMILIES, draw_puzzle
from s1core.nano.question import split_of

NAMES = list(FAMILIES)


def brute_force(question: str) -> str:
    """Each family's answer, computed another way than by its steps."""
    numbers = [int(n) for n in re.findall(r"\d+", question)]
    if question.startswith("How many"):
        words = re.findall(r"[a-z]+", question)
        return str(words[-1].count(re.findall(r"many ([a-z])", question)[0]))
    if "mod" in question:
        return str(pow(numbers[0], numbers[1], numbers[2]))
    if "digits" in question:
        return str(sum(map(int, str(numbers[0]))))
    if "o'clock" in question:
        return str(sum(numbers) % 12 or 12)
    if question.startswith("Map"):
        arrows = dict(re.findall(r"([a-z])>([a-z])", question))
        place = re.findall(r"From ([a-z])", question)[0]
        for _ in range(numbers[-1]):
            place = arrows[place]
        return place
    cups = ["empty"] * 10
    cups[numbers[0]] = "ball"
    for a, b in zip(numbers[1::2], numbers[2::2], strict=True):
        cups[a], cups[b] = cups[b], cups[a]
    return str(cups.index("ball"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("split", ["train", "test"])
def test_chain_ends_in_the_answer_that_brute_force_finds(name: str, split: str) -> None:
    rng = random.Random(name)
    family = FAMILIES[name]
    for _ in range(300):
        puzzle = draw_puzzle(rng, family, "test" if split == "test" else "train")
        answer = family.answer(puzzle)
        assert answer == brute_force(puzzle.question), puzzle.question
        assert family.chain(puzzle)[-1].endswith(answer)
        assert len(family.chain(puzzle)) == puzzle.steps


@pytest.mark.parametrize("name", NAMES)
def test_every_question_is_recognised_and_read_back(name: str) -> None:
    for question in make_questions(100, seed=3, family=name):
        assert detect_family(question.question) == name
        puzzle = FAMILIES[name].parse(question.question)
        assert puzzle is not None
        assert FAMILIES[name].answer(puzzle) == question.answer
        assert puzzle.steps == question.difficulty


def test_splits_share_no_question_and_no_word_or_combination() -> None:
    keys: dict[str, set[str]] = {}
    questions: dict[str, set[str]] = {}
    for split in ("train", "test"):
        rng = random.Random(1)
        puzzles = [draw_puzzle(rng, FAMILIES[n], split) for n in NAMES for _ in range(1_500)]  # type: ignore[arg-type]
        keys[split] = {f"{p.family}:{p.key}" for p in puzzles}
        questions[split] = {p.question for p in puzzles}
    assert keys["train"].isdisjoint(keys["test"])
    assert questions["train"].isdisjoint(questions["test"])


@pytest.mark.parametrize("word", ["raspberry", "strawberry"])
def test_words_that_visitors_try_are_held_out(word: str) -> None:
    assert split_of("letters", word) == "test"
    train = make_questions(3_000, seed=5, split="train", family="letters")
    assert not any(word in q.question for q in train)


def test_same_seed_same_questions_and_a_larger_set_begins_with_a_smaller() -> None:
    assert make_questions(60, seed=7) == make_questions(60, seed=7)
    assert make_questions(60, seed=7)[:20] == make_questions(20, seed=7)
    assert make_questions(20, seed=7) != make_questions(20, seed=8)


def test_a_thousand_questions_are_different_and_from_every_family() -> None:
    questions = make_questions(1_200)
    assert len({q.id for q in questions}) == len({q.question for q in questions}) == 1_200
    assert {q.family for q in questions} == set(NAMES)


def test_about_half_of_the_questions_are_checked_unasked() -> None:
    puzzles = [FAMILIES[q.family].parse(q.question) for q in make_questions(1_200)]
    share = sum(FAMILIES[p.family].goes_on(p) for p in puzzles if p) / len(puzzles)
    assert 0.4 < share < 0.6


def test_an_exhausted_family_and_unknown_names_say_so() -> None:
    with pytest.raises(ValueError, match="different questions"):
        make_questions(5_000, family="powers")
    with pytest.raises(ValueError, match="unknown family"):
        make_questions(1, family="poetry")
    with pytest.raises(ValueError, match="unknown split"):
        make_questions(1, split="dev")  # type: ignore[arg-type]


def test_examples_are_recognised_and_other_questions_are_not() -> None:
    for name, info in families().items():
        assert all(detect_family(example) == name for example in info.examples)
    for text in (
        "What is the capital of France?",
        "",
        "What is 7^8?",
        "Ball under cup 9. Swap 1-2.",
        "Map a>b. From a, 2 hops.",
    ):
        assert detect_family(text) is None


@pytest.mark.parametrize("name", NAMES)
def test_wrong_guesses_are_wrong(name: str) -> None:
    rng = random.Random(2)
    family = FAMILIES[name]
    for _ in range(100):
        puzzle = draw_puzzle(rng, family, "train")
        assert family.wrong_guess(rng, puzzle) != family.answer(puzzle)


def test_importing_the_package_loads_no_model_library() -> None:
    code = "import s1core.nano, sys; sys.exit(any(m in sys.modules for m in ('torch', 'transformers')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
