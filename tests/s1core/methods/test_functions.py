"""Conditional control, rejection sampling and majority vote over a scripted engine."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from s1core.budget import Budget
from s1core.engines.base import Chunk, Request
from s1core.engines.scripted import ScriptedEngine
from s1core.errors import EngineFailed, InvalidSetting
from s1core.methods import (
    Control,
    amajority_vote,
    arejection_sampling,
    controlled,
    majority,
    majority_vote,
    rejection_sampling,
)
from s1core.types import Event, Sampling, Trace


class Dice(ScriptedEngine):
    """Sample i thinks `lengths[i]` letters and answers `answers[i]`."""

    def __init__(self, lengths: list[int], answers: str = "1") -> None:
        super().__init__(self._play, context_length=500)
        self._lengths, self._answers = lengths, answers
        self._index = 0

    def _chunks(self, request: Request):  # type: ignore[no-untyped-def]
        self._index = request.sampling.sample_index
        return super()._chunks(request)

    def _play(self, text: str, _request: int) -> str:
        if "<|im_start|>answer" in text:
            return ("" if text.endswith(":") else "\nFinal Answer:") + f" {self._answers[self._index]}<|im_end|>"
        return "x" * self._lengths[self._index] + "<|im_start|>"


@pytest.mark.parametrize(
    ("control", "words"),
    [
        (Control.tokens(64), "Think for up to 64 tokens."),
        (Control.steps(4), "Think for up to 4 steps."),
        (Control.thinking("long"), "Answer after a long amount of thinking."),
    ],
)
def test_what_is_asked_stands_in_the_prompt(control: Control, words: str) -> None:
    engine = Dice([3])
    controlled(engine, "How many?", control)
    assert f"How many?\n\n{words}" in engine.codec.decode(engine.requests[0].prompt_ids)


def test_asking_is_not_keeping_and_forcing_is() -> None:
    free = controlled(Dice([30]), "q", Control.tokens(10))
    assert (free.measured, free.kept) == (30, False)
    forced = controlled(Dice([30]), "q", Control.tokens(10), Budget(max_thinking_tokens=10))
    assert (forced.measured, forced.kept, forced.trace.answer) == (10, True, "1")


def test_steps_are_the_lines_of_the_thinking() -> None:
    engine = ScriptedEngine(lambda text, _: " 1<|im_end|>" if "answer" in text else "\na\n\nb\nc\n<|im_start|>")
    result = controlled(engine, "q", Control.steps(2))
    assert (result.measured, result.kept) == (3, False)
    assert controlled(engine, "q", Control.thinking("short")).kept is None


def test_rejection_takes_the_first_sample_that_fits_and_counts_the_others() -> None:
    result = rejection_sampling(Dice([30, 20, 10, 5], "9876"), "q", 10)
    assert (result.answer, result.attempts) == ("7", 3)
    assert result.trace is not None and result.trace.receipt.thinking_tokens == 10
    assert result.sampled_tokens == 11 + 11 + 10 + len("\nFinal Answer: 7")


def test_rejection_gives_up_after_its_attempts() -> None:
    result = rejection_sampling(Dice([30] * 4, "1111"), "q", 10, attempts=4)
    assert (result.answer, result.trace, result.attempts) == (None, None, 4)


def test_an_attempt_that_is_given_up_is_not_asked_for_an_answer() -> None:
    engine = Dice([30] * 3, "111")
    result = rejection_sampling(engine, "q", 10, attempts=3)
    assert result.sampled_tokens == 3 * 11
    assert len(engine.requests) == 3


def test_spellings_of_one_number_vote_together() -> None:
    assert majority(["7", "023", "0.5", "23", "1/2", "23"]) == "023"
    assert majority([None, None]) is None
    assert majority(["a", "b", "b"], k=1) == "a"


def test_the_majority_wins_and_ties_go_to_the_first_seen() -> None:
    vote = majority_vote(Dice([1] * 5, "45454"), "q", 5)
    assert vote.answer == "4"
    assert [vote.at(k) for k in (1, 2, 3, 4, 5)] == ["4", "4", "4", "4", "4"]
    assert majority_vote(Dice([1] * 3, "211"), "q", 3).answer == "1"


def test_samples_share_the_seed_and_differ_in_their_index() -> None:
    engine = Dice([1] * 3, "123")
    majority_vote(engine, "q", 3, sampling=Sampling(temperature=0.7, seed=9))
    drawn = {(r.sampling.seed, r.sampling.sample_index) for r in engine.requests}
    assert drawn == {(9, 0), (9, 1), (9, 2)}


def test_requests_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InvalidSetting, match="temperature 0"):
        majority_vote(Dice([1]), "q", 3, sampling=Sampling())
    with pytest.raises(InvalidSetting, match="1 or more"):
        rejection_sampling(Dice([1]), "q", 3, attempts=0)
    for make in (lambda: Control.tokens(0), lambda: Control(unit="class"), lambda: Control(unit="steps")):
        with pytest.raises(InvalidSetting):
            make()
    with pytest.raises(InvalidSetting, match="empty"):
        controlled(Dice([1]), " ", Control.tokens(3))


async def test_a_listener_hears_every_sample_as_it_comes() -> None:
    heard: dict[int, list[Event]] = {}
    vote = await amajority_vote(
        Dice([3, 4], "12"), "q", 2, on_event=lambda number, event: heard.setdefault(number, []).append(event)
    )
    assert [Trace.from_events(heard[number]) for number in (0, 1)] == list(vote.traces)
    heard.clear()
    await arejection_sampling(
        Dice([30, 5], "98"), "q", 10, on_event=lambda number, event: heard.setdefault(number, []).append(event)
    )
    closed_by = [Trace.from_events(events).receipt.closed_by for events in heard.values()]
    assert closed_by == ["budget", "model"]


async def test_a_sample_that_fails_frees_the_others() -> None:
    class Breaks(Dice):
        async def agenerate(self, request: Request) -> AsyncGenerator[Chunk, None]:
            self.running += 1
            try:
                await asyncio.sleep(0.01 if request.sampling.sample_index else 0)
                if not request.sampling.sample_index:
                    raise EngineFailed("gone")
                await asyncio.sleep(60)
                yield Chunk(token_ids=(), finish="stop")
            finally:
                self.running -= 1

    engine = Breaks([3, 3], "11")
    with pytest.raises(EngineFailed):
        await amajority_vote(engine, "q", 2)
    assert engine.running == 0
