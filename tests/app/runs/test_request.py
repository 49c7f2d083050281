"""What visitors and scripts may ask for."""

from __future__ import annotations

from typing import Any

import pytest

from app.runs.questions import TAUGHT, example_families, hint, method_note, same_answer, waits_note
from app.runs.request import METHODS, budget_stops, read_settings
from s1core import S1Error
from s1core.problems import expected_answer

GOOD: dict[str, Any] = {
    "question": "How many r in raspberry?",
    "model": "s1-nano",
    "budget": 128,
    "waits": 1,
    "wait_text": "Wait",
    "temperature": 0,
    "seed": 0,
    "min_tokens": 0,
    "accounting": None,
    "max_answer": 0,
}


def test_good_settings_become_a_budget() -> None:
    asked = read_settings(**GOOD | {"budget": 64.0, "accounting": "per_round", "max_answer": 9, "temperature": "0.7"})
    assert (asked.budget.max_thinking_tokens, asked.budget.accounting, asked.budget.max_answer_tokens) == (
        64,
        "per_round",
        9,
    )
    assert asked.sampling.temperature == 0.7


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"question": "  "}, "Type a question"),
        ({"question": "x" * 300_000}, "characters"),
        ({"budget": -1}, "Thinking budget must lie between 0"),
        ({"budget": "many"}, "Thinking budget must be a number"),
        ({"budget": None}, "Thinking budget must be a number"),
        ({"budget": float("nan")}, "finite"),
        ({"budget": 1.5}, "whole number"),
        ({"budget": {"a": 1}}, "must be a number"),
        ({"waits": 9}, "Waits must lie between 0 and 8"),
        ({"wait_text": "x" * 1000}, "wait text"),
        ({"temperature": 99}, "Temperature must lie between 0 and 10"),
        ({"seed": -3}, "Seed"),
        ({"min_tokens": 200}, r"“Think at least” \(200\) exceeds the thinking budget \(128\)"),
        ({"accounting": "never"}, "budget counts"),
        ({"method": "magic"}, "no method 'magic'"),
        ({"method": "vote", "count": 0}, "Samples must lie between 1 and 32"),
        ({"method": "rejection", "count": 33}, "Attempts must lie between 1 and 32"),
        ({"method": "steps", "count": None}, "Steps must be a number"),
        ({"method": "tokens", "budget": 0}, "Raise the Thinking budget"),
    ],
)
def test_bad_settings_are_one_sentence(bad: dict[str, Any], says: str) -> None:
    with pytest.raises(S1Error, match=says) as caught:
        read_settings(**GOOD | bad)
    assert len(str(caught.value)) < 300


def test_a_method_takes_what_it_needs_of_the_settings() -> None:
    asked = {name: read_settings(**GOOD | {"method": words, "count": 5}) for words, name in METHODS.items()}
    assert {name for name, each in asked.items() if each.budget.waits} == {"forcing", "vote"}
    limited = {name for name, each in asked.items() if each.budget.max_thinking_tokens is not None}
    assert limited == {"forcing", "rejection", "vote"}
    assert {name for name, each in asked.items() if each.sampling.temperature} == {"rejection", "vote"}
    assert asked["tokens"].prompt.endswith("Think for up to 128 tokens.")
    assert asked["steps"].prompt.endswith("Think for up to 5 steps.")
    assert asked["short"].prompt.endswith("Answer after a short amount of thinking.")
    assert asked["forcing"].prompt == GOOD["question"]


def test_a_request_for_a_length_can_be_forced_too() -> None:
    asked = read_settings(**GOOD | {"method": "long", "force_too": True})
    assert (asked.budget.max_thinking_tokens, asked.budget.waits) == (128, 1)


def test_a_temperature_of_ones_own_is_kept() -> None:
    assert read_settings(**GOOD | {"method": "vote", "count": 5, "temperature": 0.4}).sampling.temperature == 0.4


def test_the_page_says_what_s1_nano_was_not_trained_for() -> None:
    assert "not trained to read such a request" in method_note("steps", "s1-nano")
    assert "not trained" not in method_note("steps", "s1-32B") + method_note("vote", "s1-nano")
    assert method_note("forcing", "s1-nano") == ""
    assert "More is not always better" in waits_note(8, "s1-nano")
    assert waits_note(2, "s1-nano") == waits_note(8, "s1-32B") == waits_note(None, "s1-nano") == ""


def test_the_slider_stops_at_powers_of_two_and_at_the_context() -> None:
    assert budget_stops(100) == [0, 8, 16, 32, 64, 100]
    assert budget_stops(64) == [0, 8, 16, 32, 64]


@pytest.mark.parametrize("model", TAUGHT)
def test_every_example_is_known_and_can_be_marked(model: str) -> None:
    for family in example_families(model):
        for question in family.questions:
            assert hint(question, model) == ""
            assert expected_answer(question)


@pytest.mark.parametrize("question", ["Who wrote Faust?", "Why is the sky blue?", "Write a poem about rain."])
def test_bundled_models_say_what_they_were_not_taught(question: str) -> None:
    assert "s1-nano only knows six kinds" in hint(question, "s1-nano")
    assert "s1-135M only knows 17 kinds" in hint(question, "s1-135M")
    assert "not taught to think" in hint(question, "s1-135M-base")
    assert hint(question, "s1.1-7B") == "" == hint("  ", "s1-nano")
    assert expected_answer(question) is None


def test_what_one_bundled_model_knows_another_may_not() -> None:
    assert hint("What is 17+25?", "s1-135M") == ""
    assert "this isn't one" in hint("What is 17+25?", "s1-nano")


def test_answers_agree_up_to_spaces_case_and_a_full_stop() -> None:
    assert same_answer(" 3. ", "3")
    assert same_answer("10 O'clock", "10 o'clock")
    assert not same_answer("13", "3")
