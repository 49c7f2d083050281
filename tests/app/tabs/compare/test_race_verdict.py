"""Verdict sentences of races: each is true of the lanes, and the presets show a wrong lane and a right one."""

from __future__ import annotations

from typing import Any

import pytest

from app.models.registry import EngineRegistry
from app.runs.questions import same_answer
from app.tabs.compare import recording_file
from app.tabs.compare.opening import is_lesson, opening
from app.tabs.compare.record import record
from app.tabs.compare.request import QUESTIONS, presets
from app.tabs.compare.tape import tape
from s1core.models import S1_NANO
from tests.app.tabs.compare.test_compare import loads, race
from tests.browser.playground import PacedEngine, think


async def verdict(*lanes: dict[str, Any], **asked: Any) -> str:
    ran = race(*lanes, **asked)
    async for _ in ran.views(loads(m=PacedEngine(think), n=PacedEngine(think))):
        pass
    return tape(ran.recorded(), same_answer)["verdict"]


async def test_budgets_that_change_the_answer_are_named() -> None:
    said = await verdict({"budget": 8}, {"budget": 64})
    assert said == "Budget 8: 2, wrong. Budget 64: 3, right, for 7 more tokens."


async def test_budgets_that_no_lane_reaches_say_why_all_agree() -> None:
    said = await verdict({"budget": 64}, {"budget": 128}, expected="4")
    assert said == (
        "All budgets gave 3, which is wrong: it is 4. No lane reached its budget: "
        "the model stopped on its own at token 15. Add a Wait."
    )


async def test_a_question_that_needs_no_wait_says_so() -> None:
    said = await verdict({"waits": 0}, {"waits": 1})
    assert said == "All lanes, with or without a Wait, gave 3, which is right. This question needs no Wait."


async def test_lanes_that_differ_in_several_settings_are_listed() -> None:
    said = await verdict({"budget": 8}, {"method": "vote", "count": 3}, {"waits": 1})
    assert said == "Right: majority of 3, one Wait with budget 256. Wrong: no Wait with budget 8."
    assert (await verdict({"model": "m"}, {"model": "n"})) == "All lanes gave 3, which is right."


async def test_without_a_known_answer_only_the_difference_is_said() -> None:
    said = await verdict({"budget": 8}, {"budget": 64}, question="What is it?")
    assert said == "The answers differ: budget 8: 2; budget 64: 3."


@pytest.mark.parametrize(("name", "says"), [
    ("race-waits", "No Wait: 2, wrong. One Wait: 3, right, for 40 more tokens."),
    ("race-words", "Right: “Wait”, “Hmm”, “Alternatively”. Wrong: no Wait."),
    ("race-budgets", "Budget 32: 2, wrong. Budget 128: 4, right, for 24 more tokens."),
])  # fmt: skip
def test_bundled_recordings_begin_with_their_lesson(name: str, says: str) -> None:
    assert tape(recording_file.read_bundled(name), same_answer)["verdict"].startswith(says)


@pytest.mark.parametrize("model", [S1_NANO, "s1.1-7B"])
def test_the_page_opens_on_a_wrong_answer_that_a_wait_makes_right(model: str) -> None:
    made = opening(model, same_answer)
    assert made["recording"] == "opening-s1-nano", "a model without a pair shows s1-nano's"
    assert is_lesson(recording_file.read_bundled(made["recording"]), same_answer)
    assert made["says"] == "One word, 40 more tokens, and the answer changed."
    stopped, waited = made["lanes"]
    assert (stopped["setting"]["waits"], waited["setting"]["waits"]) == (0, 1)


def test_a_race_in_which_nothing_changes_is_no_lesson() -> None:
    assert not is_lesson(recording_file.read_bundled("race-words"), same_answer)


@pytest.mark.parametrize("place", range(4))
async def test_every_preset_of_s1_nano_shows_a_wrong_lane_and_a_right_one(place: int) -> None:
    preset = presets(S1_NANO, "weak-2")[place]
    assert preset["question"] == QUESTIONS[S1_NANO][place]
    raced = await record(EngineRegistry(S1_NANO), preset["question"], preset["lanes"])
    made = tape(raced, same_answer)
    verdicts = {lane["frames"][-1][3]["answer"]["verdict"] for lane in made["lanes"]}
    assert verdicts == {"right", "wrong"} and made["verdict"]
