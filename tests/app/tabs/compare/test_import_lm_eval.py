"""Samples that lm-eval logged open as races."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.runs.questions import same_answer
from app.tabs.compare import import_lm_eval, recording_file
from app.tabs.compare.tape import tape
from s1core.types import Finished, Tokens
from tests.app.tabs.compare.lm_eval_log import ANSWERS, QUESTIONS, line, log

REAL = Path(__file__).parents[5] / "shared" / "data" / "s1.1_budget_samples" / "fork"


def test_a_question_is_raced_over_the_budgets_of_the_log() -> None:
    found = import_lm_eval.read(log(1000, None, 500), question=1, tokens_s=100)
    assert found.questions == QUESTIONS and found.race.question == QUESTIONS[1]
    assert [lane.asked.budget.max_thinking_tokens for lane in found.race.lanes] == [500, 1000, None]
    shown = tape(found.race, same_answer)
    ends = [lane["frames"][-1][3] for lane in shown["lanes"]]
    assert [end["answer"]["text"] for end in ends] == [ANSWERS[1]] * 3
    assert {end["answer"]["verdict"] for end in ends} == {"right"}
    assert ["Not kept", import_lm_eval.NOTE] in ends[0]["receipt"] or import_lm_eval.NOTE in str(ends[0]["receipt"])


def test_all_of_the_text_comes_at_the_chosen_pace() -> None:
    for pace in (1.0, 60.0, 2_000.0):
        lane = import_lm_eval.read(log(500), tokens_s=pace).race.lanes[0]
        text = "".join(each.event.text for each in lane.happened if isinstance(each.event, Tokens))
        assert text == json.loads(line(0, 500))["resps"][0][0].removeprefix("<|im_start|>think")
        words = sum(len(each.event.token_ids) for each in lane.happened if isinstance(each.event, Tokens))
        assert lane.happened[-1].at_s == pytest.approx(words / pace)
        assert [each.at_s for each in lane.happened] == sorted(each.at_s for each in lane.happened)


def test_it_can_be_saved_as_a_recording() -> None:
    race = import_lm_eval.read(log(500)).race
    again = recording_file.read("".join(recording_file.write(race)).splitlines())
    assert tape(again, same_answer) == tape(race, same_answer)


def test_a_recording_is_no_log() -> None:
    assert import_lm_eval.is_log(log(500)[0])
    for other in ("", "[1]", "[" * 100_000, '{"format": "s1-race"}'):
        assert not import_lm_eval.is_log(other)


@pytest.mark.parametrize(
    ("lines", "question", "tokens_s", "says"),
    [
        ([], 0, 60.0, "holds no samples"),
        (log(500), 2, 60.0, "has 2 questions"),
        (log(500), 0, 0.0, "Tokens per second"),
        (log(500), 0, float("nan"), "Tokens per second"),
        ([*log(500), "{"], 0, 60.0, "damaged in line 3"),
        ([line(0, 500, target="")], 0, 60.0, "damaged in line 1: no target"),
        ([line(0, 500, resps=7)], 0, 60.0, "damaged in line 1"),
        ([line(0, 500, arguments=[])], 0, 60.0, "damaged in line 1"),
        ([line(0, 500, doc={}, arguments={})], 0, 60.0, "it has no question"),
    ],
)
def test_what_cannot_be_played_is_one_sentence(lines: list[str], question: int, tokens_s: float, says: str) -> None:
    with pytest.raises(recording_file.BadRecording, match=says):
        import_lm_eval.read(lines, question=question, tokens_s=tokens_s)


def test_the_real_models_traces_play() -> None:
    files = [next((REAL / f"s1.1-32B-fork_{budget}").rglob("samples_*.jsonl"), None) for budget in (500, 1000, 2000)]
    if None in files:
        pytest.skip("the real samples of s1.1-32B are not here")
    lines = [text for path in files if path for text in path.read_text(encoding="utf-8").splitlines()]
    found = import_lm_eval.read(lines)
    assert len(found.questions) == 184 and len(found.race.lanes) == 3
    assert all(lane["frames"][-1][3]["answer"]["text"] for lane in tape(found.race, same_answer)["lanes"])


def test_a_log_of_v1_is_raced_with_its_budgets_and_says_what_it_does_not_tell() -> None:
    chat = ['[{"role": "user", "content": "What is 2 + 3?"}]']
    rows = [
        line(
            0, None, arguments={"gen_args_0": {"arg_0": chat, "arg_1": asked}}, resps=[["\nFinal Answer: 5"]], filter=of
        )
        for asked in ({"thinking_budget": 16}, {"extra_body": {"thinking": {"budget_tokens": 64}}})
        for of in ("strict", "flexible")
    ]
    found = import_lm_eval.read(rows)
    assert found.race.question == "What is 2 + 3?"
    assert [lane.asked.budget.max_thinking_tokens for lane in found.race.lanes] == [16, 64]
    receipts = [
        each.event.receipt for lane in found.race.lanes for each in lane.happened if isinstance(each.event, Finished)
    ]
    assert [receipt.unsupported for receipt in receipts] == [(import_lm_eval.NOTE, import_lm_eval.UNKNOWN)] * 2


def test_thinking_that_cannot_be_told_apart_is_said_on_the_lane() -> None:
    race = import_lm_eval.read([line(0, 64, resps=[["<think>a</think>b<think>c</think>Final Answer: 5"]])]).race
    (receipt,) = [each.event.receipt for each in race.lanes[0].happened if isinstance(each.event, Finished)]
    assert receipt.unsupported == (import_lm_eval.NOTE, import_lm_eval.UNKNOWN)
