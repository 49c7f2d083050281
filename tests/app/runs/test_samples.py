"""Votes and attempts: several runs as one text and one receipt. No Gradio."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.runs import render
from app.runs.request import RunRequest, read_settings
from app.runs.runner import Outcome, drive
from app.runs.samples import LiveSamples
from s1core.engines.base import Request
from s1core.engines.scripted import ScriptedEngine

ASKED: dict[str, Any] = {"question": "q", "model": "m", "budget": 64, "waits": 0, "wait_text": "Wait"}


class Samples(ScriptedEngine):
    """Sample i thinks `lengths[i]` letters and answers `answers[i]`; an answer of `-` is none."""

    def __init__(self, lengths: list[int], answers: str) -> None:
        super().__init__(self._play, context_length=600)
        self._lengths, self._answers, self._index = lengths, answers, 0

    def _chunks(self, request: Request):  # type: ignore[no-untyped-def]
        self._index = request.sampling.sample_index
        return super()._chunks(request)

    def _play(self, text: str, _request: int) -> str:
        if "<|im_start|>answer" not in text:
            return "x" * self._lengths[self._index] + "<|im_start|>"
        answer = self._answers[self._index]
        start = "" if text.endswith(":") else "\nFinal Answer:"
        return "hm<|im_end|>" if answer == "-" else f"{start} {answer}<|im_end|>"


def run(engine: ScriptedEngine, **settings: Any) -> tuple[LiveSamples, Outcome]:
    asked: RunRequest = read_settings(**ASKED | settings)
    live = LiveSamples(asked)
    return live, asyncio.run(drive(engine, asked, live, asyncio.Event()))


def test_a_vote_shows_every_sample_and_counts() -> None:
    live, outcome = run(Samples([5, 3, 4], "121"), method="vote", count=3)
    assert live.text == "".join(
        f"{render.SAMPLE}Sample {n} of 3{render.LABEL_END}{render.MODEL}{'x' * length}"
        f"{render.CLOSE_BY_MODEL}model stopped on its own · token {length}{render.LABEL_END}"
        f"{render.MODEL}Final Answer: {answer}"
        for n, length, answer in ((1, 5, 1), (2, 3, 2), (3, 4, 1))
    )
    assert (outcome.answer, outcome.note, outcome.complete) == ("1", "2 of 3 samples said so", True)
    rows = {name: value for name, value in outcome.rows}
    assert rows["Votes"] == "1 × 2, 2 × 1"
    assert rows["Thinking"] == "12 tokens, 4 a sample"
    assert rows["Sampling"] == "temperature 1, seed 0"
    assert live.meter()["spent"] == 12 and live.meter()["limit"] == 192


def test_a_vote_without_any_answer_says_so() -> None:
    _, outcome = run(Samples([5, 3], "--"), method="vote", count=2)
    assert (outcome.answer, outcome.note) == (None, "No sample gave one.")
    assert ["Votes", "no answer × 2"] in outcome.rows


def test_a_later_sample_waits_for_its_turn_on_the_page() -> None:
    asked = read_settings(**ASKED, method="vote", count=2)
    live = LiveSamples(asked)
    events: list[tuple[int, Any]] = []
    asyncio.run(drive(Samples([2, 2], "12"), asked, _Recorder(asked, events), asyncio.Event()))
    shown = ""
    for number, event in [e for e in events if e[0] == 1] + [e for e in events if e[0] == 0]:
        live.take(number, event)
        assert live.text.startswith(shown), "the text only grows"
        shown = live.text
        assert ("Sample 2" in shown) == (live.traces[0].finished is not None)


class _Recorder(LiveSamples):
    def __init__(self, asked: RunRequest, events: list[tuple[int, Any]]) -> None:
        super().__init__(asked)
        self._events = events

    def take(self, number: int, event: Any) -> None:
        self._events.append((number, event))


def test_rejected_attempts_are_marked_and_the_first_that_fits_answers() -> None:
    live, outcome = run(Samples([30, 10, 5], "123"), method="rejection", budget=10, count=8)
    assert (outcome.answer, outcome.note) == ("2", "accepted: attempt 2")
    assert f"{render.CLOSE_FORCED}rejected, longer than 10{render.LABEL_END}{render.SAMPLE}Attempt 2 of 8" in live.text
    rows = {name: value for name, value in outcome.rows}
    assert (rows["Attempts"], rows["Accepted"]) == ("2 of at most 8", "10 of 10 tokens")
    assert live.meter() | {"spent": 10, "limit": 10} == live.meter()


def test_when_no_attempt_fits_the_card_says_what_to_do() -> None:
    live, outcome = run(Samples([30, 20], "12"), method="rejection", budget=10, count=2)
    assert (outcome.answer, outcome.complete) == (None, False)
    assert outcome.note == "None of 2 attempts stayed within 10 tokens. Raise the budget or the attempts."
    assert live.meter()["spent"] == 10


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"method": "tokens", "budget": 10}, "at most 10 tokens; took 30, not kept"),
        ({"method": "tokens", "budget": 10, "force_too": True}, "at most 10 tokens; took 10, kept"),
        ({"method": "steps", "count": 2}, "at most 2 steps; took 1, kept"),
        ({"method": "long"}, "long thinking; took 30 tokens"),
    ],
)
def test_what_was_asked_for_stands_beside_what_came(settings: dict[str, Any], says: str) -> None:
    _, outcome = run(Samples([30], "1"), **settings)
    assert outcome.rows[0] == ["Asked for", says]


def test_no_forcing_forces_nothing() -> None:
    live, outcome = run(Samples([30], "1"), method="none", budget=4, waits=3)
    assert render.WAIT not in live.text and outcome.trace and outcome.trace.receipt.thinking_tokens == 30
