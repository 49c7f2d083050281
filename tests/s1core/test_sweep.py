"""Every point of a sweep equals an independent run."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1core.budget import Budget
from s1core.engines.scripted import ScriptedEngine
from s1core.errors import InvalidSetting
from s1core.solve import solve
from s1core.sweep import sweep


def engine_of(thoughts: list[str]) -> ScriptedEngine:
    """A model whose next token is a function of its text so far: it plays one long tape of thoughts and ends."""

    def script(text: str, _request: int) -> str:
        thinking = text.rpartition("<|im_start|>think")[2]
        if "<|im_start|>answer" in thinking:
            return f" {len(thinking)}<|im_end|>"
        for number, thought in enumerate(thoughts):
            done = "".join(t + "Wait" for t in thoughts[:number]) + thought
            if done.startswith(thinking):
                return done[len(thinking) :] + "<|im_start|>"
        return "<|im_start|>"

    return ScriptedEngine(script, context_length=300)


@given(
    thoughts=st.lists(st.text(alphabet="ab é\n", min_size=0, max_size=12), min_size=1, max_size=4),
    budgets=st.lists(st.none() | st.integers(0, 60), min_size=1, max_size=4),
    waits=st.lists(st.integers(0, 4), min_size=1, max_size=3),
)
def test_each_point_equals_an_independent_run(thoughts: list[str], budgets: list[int | None], waits: list[int]) -> None:
    grid = sweep(engine_of(thoughts), "q", budgets, waits)
    assert [(p.max_thinking_tokens, p.waits) for p in grid.points] == [(b, w) for b in budgets for w in waits]
    independent = 0
    for point in grid.points:
        alone = solve(
            engine_of(thoughts), "q", Budget(max_thinking_tokens=point.max_thinking_tokens, waits=point.waits)
        )
        assert point.trace.token_ids == alone.token_ids
        assert point.trace.text == alone.text
        assert point.trace.answer == alone.answer
        for name in ("thinking_tokens", "waits", "waits_used", "closed_by", "max_thinking_tokens", "answer_tokens"):
            assert getattr(point.trace.receipt, name) == getattr(alone.receipt, name), name
        independent += sum(len(s.token_ids) for s in alone.segments if s.source == "model")
    assert grid.cost.independent == independent
    assert grid.cost.answers <= len(grid.points) + 1


def test_the_trajectory_is_thought_once() -> None:
    engine = engine_of(["a" * 20, "b" * 20, "c" * 20])
    grid = sweep(engine, "q", [0, 10, 30, None], [0, 1, 2])
    long_requests = [r for r in engine.requests if r.max_tokens > engine.default_answer_tokens]
    assert len(long_requests) == 3  # one per round of the longest trajectory
    assert grid.cost.decoded < grid.cost.independent / 2


async def test_sweep_works_inside_a_running_loop() -> None:
    await asyncio.sleep(0)
    assert len(sweep(engine_of(["ab"]), "q", [None], [0]).points) == 1


def test_an_empty_grid_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="at least one budget"):
        sweep(engine_of(["a"]), "q", [])
