"""Recordings with commands: repeated on s1-nano where they were obeyed, they give the same ids.

`S1_STEERING_CASES=10000` tries more than a usual run does.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s1core import Budget, Sampling, Steering, Trace, astream, load_engine
from s1core.commands import Command
from s1core.engines.base import Engine
from s1core.nano import make_questions
from s1core.types import Tokens

TOGETHER = 8
"""Cases of one example: they share the engine's steps."""
CASES = int(os.environ.get("S1_STEERING_CASES", "240"))
QUESTIONS = [q.question for q in make_questions(n=24, seed=5, split="test")]

words = st.sampled_from([None, "Wait", "Hmm", ", no: é漢", "", "<|im_start|>answer"])
commands = st.one_of(
    st.just(Command(kind="answer")),
    st.builds(lambda word, at_end: Command(kind="wait", word=word, at_end=at_end), words, st.booleans()),
    st.builds(
        lambda kind, tokens: Command(kind=kind, tokens=tokens), st.sampled_from(["more", "less"]), st.integers(1, 40)
    ),
    st.sampled_from([Command(kind="pause"), Command(kind="resume"), Command(kind="step", tokens=3)]),
)
presses = st.lists(st.tuples(st.integers(0, 90), commands), max_size=8)
cases = st.tuples(
    st.sampled_from(QUESTIONS),
    st.builds(
        lambda most, waits, accounting: Budget(max_thinking_tokens=most, waits=waits, accounting=accounting),
        st.none() | st.integers(0, 70),
        st.integers(0, 2),
        st.sampled_from(["total", "total", "per_round"]),
    ),
    st.builds(lambda heat, seed: Sampling(temperature=heat, seed=seed), st.sampled_from([0.0, 0.8]), st.integers(0, 9)),
    presses,
)


@pytest.fixture(scope="module")
def nano() -> Iterator[Engine]:
    engine = load_engine("s1-nano", device="cpu", dtype="float32")
    yield engine
    engine.close()


async def pressed(
    engine: Engine, question: str, budget: Budget, sampling: Sampling, presses: list[tuple[int, Command]]
) -> Trace:
    """Run with a person who presses when so many tokens are there; nothing is held for longer than a look."""
    steering, waiting = Steering(longest_pause_s=0), sorted(presses, key=lambda each: each[0])
    events, seen = [], 0
    async for event in astream(engine, question, budget, sampling, steering=steering):
        events.append(event)
        seen += len(event.token_ids) if isinstance(event, Tokens) else 0
        while waiting and waiting[0][0] <= seen:
            steering.press(waiting.pop(0)[1])
    return Trace.from_events(events)


async def repeated(engine: Engine, question: str, budget: Budget, sampling: Sampling, trace: Trace) -> Trace:
    steering = Steering(script=trace.receipt.steered)
    return Trace.from_events([e async for e in astream(engine, question, budget, sampling, steering=steering)])


@settings(max_examples=max(1, CASES // TOGETHER), suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(cases, min_size=TOGETHER, max_size=TOGETHER))
def test_a_recording_with_commands_replays_to_the_same_ids(
    nano: Engine, batch: list[tuple[str, Budget, Sampling, list[tuple[int, Command]]]]
) -> None:
    async def both() -> list[tuple[Trace, Trace]]:
        traces = await asyncio.gather(*(pressed(nano, *case) for case in batch))
        again = await asyncio.gather(
            *(repeated(nano, *case[:3], trace) for case, trace in zip(batch, traces, strict=True))
        )
        return list(zip(traces, again, strict=True))

    for trace, again in asyncio.run(both()):
        assert again.token_ids == trace.token_ids
        assert again.segments == trace.segments and again.answer == trace.answer
        assert again.receipt.steered == trace.receipt.steered
        assert (again.receipt.closed_by, again.receipt.max_thinking_tokens) == (
            trace.receipt.closed_by,
            trace.receipt.max_thinking_tokens,
        )
        for segment in trace.segments:
            assert nano.codec.decode(segment.token_ids) == segment.text
        most = trace.receipt.max_thinking_tokens
        assert most is None or trace.receipt.thinking_tokens <= most
