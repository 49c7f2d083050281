"""What the page is told of an answer track. No Gradio."""

from __future__ import annotations

import pytest

from app.runs.answer_track import CELLS, LiveTrack, at_once, no_track, step, wait_words
from s1core import Budget, solve
from s1core.engines.scripted import ScriptedEngine
from s1core.probe import TrackPoint, WaitEffect, places
from s1core.types import Trace


def second_look(text: str, _request: int) -> str:
    if "<|im_start|>answer" in text:
        return " 3<|im_end|>" if "again" in text else " 2<|im_end|>"
    return ", again: 3.<|im_start|>" if text.endswith("Wait") else "\nIt is 2.<|im_start|>"


def trace_of(waits: int = 1) -> Trace:
    return solve(ScriptedEngine(second_look), "q", Budget(waits=waits))


def point(at: int, answer: str | None, probability: float | None = 0.5, sampled: int = 2) -> TrackPoint:
    return TrackPoint(
        thinking_tokens=at, answer=answer, probability=probability, sampled=sampled, computed=20, reused=100
    )


def filled(answers: dict[int, str | None], *, right: str | None = "3", trace: Trace | None = None) -> LiveTrack:
    """A track whose answer changes at the given tokens."""
    trace = trace or trace_of()
    live = LiveTrack(trace, is_right=None if right is None else lambda a: a == right, tells_probability=True)
    answer = None
    for at in places(trace, live.every):
        answer = answers.get(at, answer)
        live.take(point(at, answer))
    return live


@pytest.mark.parametrize("tokens", [0, 1, 50, 96, 97, 2048, 32_768])
def test_a_track_has_as_many_cells_as_a_phone_can_show(tokens: int) -> None:
    assert tokens / step(tokens) <= CELLS
    assert step(tokens) == 2 or tokens / (step(tokens) // 2) > CELLS


@pytest.mark.parametrize(("tokens", "width"), [(0, 16), (50, 16), (2048, 16), (8192, 4), (32_768, 1), (100_000, 1)])
def test_long_traces_are_probed_by_few_at_a_time(tokens: int, width: int) -> None:
    assert at_once(tokens) == width


def test_letters_follow_first_appearance_and_verdicts_the_right_answer() -> None:
    view = filled({0: "2", 10: "5", 14: "2", 18: "3"}).view()
    assert [(a["text"], a["verdict"]) for a in view["answers"]] == [("2", "wrong"), ("5", "wrong"), ("3", "right")]
    letters = [letter for _, letter, _ in view["cells"]]
    assert letters == sorted(letters[:6]) + letters[6:] and letters[0] == 0 and letters[-1] == 2
    assert (view["state"], view["words"], view["settled_at"]) == ("done", "Answer settled at token 18 of 24", 18)


def test_without_a_known_answer_nothing_is_judged() -> None:
    view = filled({0: "2", 18: "3"}, right=None).view()
    assert {answer["verdict"] for answer in view["answers"]} == {""}
    assert view["waits"] == [{"number": 1, "before": "2", "after": "3", "words": "changed", "kind": ""}]


def test_a_wait_stands_after_the_cell_of_the_try_that_it_ignored() -> None:
    live = filled({0: "2", 18: "3"})
    view = live.view()
    [[cell, number]] = view["tries"]
    assert number == 1 and view["cells"][cell][0] == 9, "the model wanted to stop after 9 tokens"
    assert [(wait["words"], wait["kind"]) for wait in view["waits"]] == [("fixed", "good")]


def test_no_answer_is_no_letter() -> None:
    view = filled({0: None, 18: "3"}).view()
    assert view["cells"][0][1] == -1 and [answer["text"] for answer in view["answers"]] == ["3"]
    assert view["waits"][0]["before"] == "no answer"


def test_the_track_fills_and_may_break_off() -> None:
    trace = trace_of()
    live = LiveTrack(trace, is_right=None, tells_probability=False)
    live.take(point(0, "2", None))
    view = live.view()
    assert (view["state"], view["words"]) == ("filling", f"Probing: 1 of {view['total']}")
    assert "reports no probabilities" in view["height"]
    live.broke_off("Stopped.")
    view = live.view()
    assert (view["state"], view["words"]) == ("stopped", "")
    assert view["note"] == f"Stopped. 1 of {view['total']} cells are there."


def test_the_cost_leaves_out_the_runs_own_answer() -> None:
    trace = trace_of(waits=0)
    live = LiveTrack(trace, is_right=None, tells_probability=True)
    for at in places(trace, live.every):
        live.take(point(at, "2", sampled=0 if at == 9 else 2))
    assert live.view()["cost"] == "5 probes: 10 tokens sampled, 100 processed, 500 from cache."


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("2", "3", "fixed"),
        ("3", "2", "broken"),
        ("3", "3", "kept, right"),
        ("2", "2", "kept, wrong"),
        ("2", "4", "changed, still wrong"),
        (None, "3", "fixed"),
    ],
)
def test_the_verdict_on_a_wait_is_in_words(before: str | None, after: str, words: str) -> None:
    assert wait_words(WaitEffect(number=1, before=before, after=after), lambda answer: answer == "3")[0] == words


def test_marks_of_provenance_cannot_be_forged_in_an_answer() -> None:
    view = filled({0: "\ue001Wait", 18: "3"}).view()
    assert view["answers"][0]["text"] == "Wait" and view["waits"][0]["before"] == "Wait"


def test_no_track_has_the_same_fields_as_a_track() -> None:
    assert no_track("why").keys() == filled({0: "2"}).view().keys()
