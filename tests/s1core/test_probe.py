"""The answer track of a run."""

import math
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from s1core.budget import Budget
from s1core.engines.base import Capabilities, Chunk, Request
from s1core.engines.scripted import ScriptedEngine
from s1core.errors import InvalidSetting
from s1core.probe import TrackPoint, WaitEffect, aprobes, places, probe
from s1core.solve import astream, solve
from s1core.types import Trace


class HalfSure(ScriptedEngine):
    """Gives every token half of the probability."""

    capabilities = Capabilities(logprobs="enforced")

    def _chunks(self, request: Request) -> Iterator[Chunk]:
        for chunk in super()._chunks(request):
            told = (math.log(0.5),) * len(chunk.token_ids) if request.logprobs else ()
            yield replace(chunk, logprobs=told)


def engine() -> ScriptedEngine:
    """Believes 2 until it has written `r3`, tries to end once before that and once after."""

    def script(text: str, _request: int) -> str:
        thinking = text.rpartition("<|im_start|>think")[2]
        if "<|im_start|>answer" in thinking:
            start = " " if thinking.endswith(":") else "\nFinal Answer: "
            return start + ("3" if "r3" in thinking else "2") + "<|im_end|>"
        tape = "\nMaybe 2.\n" if "Wait" not in thinking else ", check: r1 r2 r3.\n"
        return tape + "<|im_start|>"

    return ScriptedEngine(script)


def test_the_track_tells_when_the_answer_settled() -> None:
    track = probe(engine(), "q", every=8, budget=Budget(waits=1))
    assert track.trace.answer == "3"
    text = track.trace.thinking_text
    first_right = next(p.thinking_tokens for p in track.points if p.answer == "3")
    assert track.settled_at == first_right
    assert text.index("r3") < first_right <= text.index("r3") + 2 + 8
    assert [p.thinking_tokens for p in track.points] == sorted({*range(0, len(text), 8), 10, len(text)})
    assert {p.answer for p in track.points} == {"2", "3"}


def test_each_wait_has_its_before_and_after() -> None:
    track = probe(engine(), "q", budget=Budget(waits=1))
    assert track.waits == (WaitEffect(number=1, before="2", after="3"),)
    assert track.waits[0].verdict({"3": True}) == "fixed"
    assert track.waits[0].verdict({"2": True}) == "broke"
    assert track.waits[0].verdict({}) == "kept wrong"
    assert track.waits[0].verdict({"2": True, "3": True}) == "kept right"


def test_a_finished_trace_is_probed_without_thinking_again() -> None:
    model = engine()
    trace = solve(model, "q", Budget(waits=1))
    before = len(model.requests)
    track = probe(model, "q", budget=Budget(waits=1), trace=trace)
    assert len(model.requests) - before == len(track.points) - 1, "the last point is the run's own answer"
    assert track.points == probe(engine(), "q", budget=Budget(waits=1)).points


def test_a_run_cut_by_its_budget_ends_in_its_own_answer() -> None:
    track = probe(engine(), "q", every=4, budget=Budget(max_thinking_tokens=7))
    assert track.points[-1].thinking_tokens == 7
    assert track.points[-1].answer == track.trace.answer == "2"
    assert track.settled_at == 0


def test_probing_needs_a_step() -> None:
    with pytest.raises(InvalidSetting, match="every"):
        probe(engine(), "q", every=0)


def test_the_probability_is_that_of_the_answers_own_tokens() -> None:
    model = HalfSure(lambda text, _: "so\nFinal Answer: 12.\n<|im_end|>" if "answer" in text else "\nhm<|im_start|>")
    track = probe(model, "q", every=2, budget=Budget())
    assert [point.probability for point in track.points] == [0.25, 0.25, 0.25]
    assert track.points[-1].sampled == 0, "the run's own answer was not asked for again"


async def test_a_run_can_tell_how_sure_it_was_of_its_answer() -> None:
    model = HalfSure(lambda text, _: " 7<|im_end|>" if "answer" in text else "\nhm<|im_start|>")
    trace = Trace.from_events([event async for event in astream(model, "q", Budget(), answer_logprobs=True)])
    assert trace.receipt.answer_probability is None, "no answer was given"
    trace = Trace.from_events(
        [e async for e in astream(model, "q", Budget(max_thinking_tokens=1), answer_logprobs=True)]
    )
    assert (trace.answer, trace.receipt.answer_probability) == ("7", 0.5)
    assert solve(model, "q", Budget(max_thinking_tokens=1)).receipt.answer_probability is None


async def test_points_come_in_order_and_leaving_frees_the_engine() -> None:
    model = engine()
    trace = solve(model, "q", Budget(waits=1))
    seen: list[int] = []
    async with aclosing(aprobes(model, "q", trace, 2, Budget(waits=1), at_once=3)) as points:
        async for point in points:
            assert model.running <= 3
            seen.append(point.thinking_tokens)
            if len(seen) == 5:
                break
    assert seen == list(places(trace, 2)[:5])
    assert model.running == 0


def test_a_wait_that_the_cut_took_away_has_no_effect() -> None:
    model = ScriptedEngine(lambda text, _: " 1<|im_end|>" if "answer" in text else "\nab<|im_start|>")
    track = probe(model, "q", every=3, budget=Budget(max_thinking_tokens=8, waits=2, accounting="per_round"))
    assert track.trace.receipt.waits_used == 1
    assert [wait.number for wait in track.waits] == [1]


def test_spellings_of_one_number_are_one_answer() -> None:
    a, b = (TrackPoint(thinking_tokens=0, answer=answer, probability=None) for answer in ("023", "23"))
    assert a.agrees(b) and not WaitEffect(number=1, before="0.5", after="1/2").changed
    assert not a.agrees(TrackPoint(thinking_tokens=0, answer=None, probability=None))
