"""Verdict sentences: each says what the receipt says, and what to change."""

from __future__ import annotations

from typing import Any

import pytest

from app.runs.request import read_settings
from app.runs.runner import drive
from app.runs.samples import LiveSamples
from app.runs.verdicts import run_verdict, times, words
from s1core.probe import WaitEffect
from tests.browser.playground import PacedEngine, endless, think

FIRST_LOOK = 15
"""Tokens, which are bytes here, before the model first tries to stop."""
FIXED = WaitEffect(number=1, before="2", after="3")
KEPT = WaitEffect(number=1, before="3", after="3")


class Never:
    """A run that nobody stops."""

    def is_set(self) -> bool:
        return False


class Always:
    """A run that is stopped at once."""

    def is_set(self) -> bool:
        return True


async def verdict(
    script: Any = think,
    *,
    expected: str | None = "3",
    effects: tuple[WaitEffect, ...] = (),
    context: int = 4096,
    stop: Any = None,
    **asked: Any,
) -> str:
    settings = {"question": "q", "model": "m", "budget": 256, "waits": 0, "wait_text": "Wait"} | asked
    request = read_settings(**settings)
    live = LiveSamples(request)
    outcome = await drive(PacedEngine(script, context_length=context), request, live, stop or Never())
    correct = None if expected is None else outcome.answer == expected
    room = live.current.limit_tokens
    return run_verdict(request, outcome, expected=expected, correct=correct, room=room, waits=effects)


async def test_a_run_that_stopped_on_its_own_says_where_and_what_to_add() -> None:
    stopped = f"It stopped on its own at token {FIRST_LOOK} and answered 3"
    assert await verdict(expected="4") == f"{stopped}, which is wrong: it is 4. Add a Wait."
    assert await verdict() == f"{stopped}, which is right."
    assert await verdict(expected=None) == f"{stopped}."


async def test_a_budget_that_ended_the_thinking_is_named() -> None:
    said = await verdict(budget=8)
    assert said.startswith("The budget ended its thinking at token 8, and it answered 2, which is wrong: it is 3.")
    assert said.endswith("Raise the budget.")
    assert (await verdict(budget=0)).startswith("Without thinking it answered 2, which is wrong")


async def test_a_wait_that_changed_the_answer_is_the_sentence() -> None:
    changed = "more tokens, and the answer changed from 2 to 3, which is right."
    assert (await verdict(waits=1, effects=(FIXED,))) == f"One word, 54 {changed}"
    assert (await verdict(waits=1, wait_text="Are you sure?", effects=(FIXED,))).startswith("One Wait, ")
    kept = await verdict(waits=1, effects=(KEPT,))
    assert kept == "Made to wait once, it thought 54 more tokens and still answered 3, which is right."
    assert (await verdict(waits=2)).startswith("Made to wait twice, it thought ")


async def test_samples_say_how_many_agree() -> None:
    assert await verdict(method="vote", count=3) == "3 of 3 samples said so: 3, which is right."
    few = await verdict(method="rejection", count=2, budget=4)
    assert few == "None of 2 attempts stayed within 4 tokens. Raise the budget or the attempts."


async def test_a_budget_beyond_the_context_is_said() -> None:
    said = await verdict(endless, budget=5000, context=600, expected=None)
    assert "The context ended its thinking at token" in said
    assert "of the 5,000 tokens asked for." in said


async def test_a_stopped_run_says_how_far_it_came() -> None:
    assert await verdict(endless, stop=Always()) in (
        "You stopped it after 0 tokens of thinking.",
        "You stopped it after 1 token of thinking.",
    )


@pytest.mark.parametrize(("number", "said"), [(1, "once"), (2, "twice"), (4, "four times"), (30, "30 times")])
def test_small_numbers_are_words(number: int, said: str) -> None:
    assert times(number) == said
    assert words(0) == "no"
