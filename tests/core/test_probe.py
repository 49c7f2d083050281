"""The answer track of a run."""

import pytest

from s1core.budget import Budget
from s1core.engines.scripted import ScriptedEngine
from s1core.errors import InvalidSetting
from s1core.probe import WaitEffect, probe
from s1core.solve import solve


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
    assert len(model.requests) - before == len(track.points)
    assert track.points == probe(engine(), "q", budget=Budget(waits=1)).points


def test_a_run_cut_by_its_budget_ends_in_its_own_answer() -> None:
    track = probe(engine(), "q", every=4, budget=Budget(max_thinking_tokens=7))
    assert track.points[-1].thinking_tokens == 7
    assert track.points[-1].answer == track.trace.answer == "2"
    assert track.settled_at == 0


def test_probing_needs_a_step() -> None:
    with pytest.raises(InvalidSetting, match="every"):
        probe(engine(), "q", every=0)
