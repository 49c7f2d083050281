"""Loops: what counts as one, and that a run closes there however its tokens come."""

from __future__ import annotations

import pytest
from babbler import Babbler
from hypothesis import given
from hypothesis import strategies as st

from s1core import Budget, solve
from s1core.engines.scripted import ScriptedEngine
from s1core.errors import InvalidSetting
from s1core.loops import LoopDetector


def loops(ids: list[int], repeats: int, longest: int) -> bool:
    """By hand: whether the ids end in so many copies of a block."""
    return any(
        len(ids) >= length * repeats and ids[-length * repeats :] == ids[-length:] * repeats
        for length in range(1, longest + 1)
    )


@given(st.lists(st.integers(0, 2), max_size=40), st.integers(2, 4), st.integers(1, 6))
def test_the_first_loop_is_found_where_it_is_complete(ids: list[int], repeats: int, longest: int) -> None:
    expected = next((n for n in range(1, len(ids) + 1) if loops(ids[:n], repeats, longest)), None)
    assert LoopDetector(repeats=repeats, longest=longest).first_loop(tuple(ids)) == expected


@given(st.lists(st.integers(0, 1), max_size=40), st.lists(st.integers(1, 5), max_size=20))
def test_how_the_tokens_come_changes_nothing(ids: list[int], sizes: list[int]) -> None:
    whole = LoopDetector(repeats=3, longest=4).first_loop(tuple(ids))
    detector, taken, found = LoopDetector(repeats=3, longest=4), 0, None
    for size in [*sizes, len(ids)]:
        if (at := detector.first_loop(tuple(ids[taken : taken + size]))) is not None:
            found = taken + at
            break
        taken += size
    assert found == whole


def test_nobody_looks_unless_it_is_asked_for() -> None:
    assert LoopDetector(repeats=0, longest=64).first_loop((7,) * 500) is None


def circling(text: str, _request: int) -> str:
    if "<|im_start|>answer" in text:
        return " 3<|im_end|>"
    return "\nab:" + "So 3, so 4. " * 9 + "<|im_start|>"


@pytest.mark.parametrize("per_chunk", [1, 4, 50])
def test_a_run_closes_where_its_loop_is_complete(per_chunk: int) -> None:
    engine = ScriptedEngine(circling, tokens_per_chunk=per_chunk)
    trace = solve(engine, "q", Budget(max_thinking_tokens=200, waits=3, loop_repeats=3))
    assert trace.thinking_text == "\nab:" + "So 3, so 4. " * 3
    assert (trace.receipt.closed_by, trace.receipt.waits_used, trace.answer) == ("loop", 0, "3")
    assert next(s.note for s in trace.segments if s.source == "close") == "loop"
    assert solve(engine, "q", Budget(loop_repeats=3, loop_tokens=11)).receipt.closed_by == "model"


def test_what_a_wait_makes_the_model_say_again_is_a_loop_too() -> None:
    def script(text: str, _request: int) -> str:
        return " 3<|im_end|>" if "<|im_start|>answer" in text else ", so 3.\n<|im_start|>"

    trace = solve(ScriptedEngine(script), "q", Budget(waits=8, loop_repeats=3))
    assert trace.receipt.closed_by == "loop" and trace.receipt.waits_used == 3
    assert trace.thinking_text == ", so 3.\nWait" * 3 + ","


@given(seed=st.integers(0, 255), per_chunk=st.tuples(st.integers(1, 9), st.integers(1, 9)), waits=st.integers(0, 3))
def test_chunks_of_any_size_close_a_run_at_the_same_token(seed: int, per_chunk: tuple[int, int], waits: int) -> None:
    budget = Budget(max_thinking_tokens=150, waits=waits, loop_repeats=2, loop_tokens=6)
    first, second = (solve(Babbler(seed, per_chunk=size), "q", budget) for size in per_chunk)
    assert first.segments == second.segments and first.receipt.closed_by == second.receipt.closed_by
    thinking = [i for s in first.segments if s.phase == "thinking" for i in s.token_ids]
    assert (first.receipt.closed_by == "loop") == loops(thinking, 2, 6)


@pytest.mark.parametrize(
    "settings", [{"loop_repeats": 1}, {"loop_repeats": -2}, {"loop_tokens": 0}, {"loop_tokens": 257}]
)
def test_settings_that_find_no_loop_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(InvalidSetting, match="loop_"):
        Budget(**settings)  # type: ignore[arg-type]
