"""The engine that samples nothing twice, over s1-nano and over a script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from s1core import Budget, Sampling, load_engine, solve
from s1core.engines.base import Capabilities, Engine, Request
from s1core.engines.recalling import RecallingEngine
from s1core.engines.scripted import ScriptedEngine
from s1core.errors import Unsupported
from s1core.methods import EarlyExit, MajorityVote, NoWait, Rebase
from s1core.types import Message

RASPBERRY = "How many r in raspberry?"
HOT = Sampling(temperature=1.0, seed=11)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = load_engine("s1-nano")
    yield engine
    engine.close()


def test_a_run_is_written_once(engine: Engine) -> None:
    recalling = RecallingEngine(engine)
    free = solve(recalling, RASPBERRY, Budget(waits=1))
    sampled = recalling.sampled_tokens
    assert sampled > 0
    again = solve(recalling, RASPBERRY, Budget(waits=1))
    assert (again.token_ids, again.answer) == (free.token_ids, free.answer)
    assert recalling.sampled_tokens == sampled and again.receipt.prefill_computed == 0
    cut = solve(recalling, RASPBERRY, Budget(max_thinking_tokens=20, waits=1))
    assert cut.token_ids == solve(engine, RASPBERRY, Budget(max_thinking_tokens=20, waits=1)).token_ids
    assert recalling.sampled_tokens == sampled + cut.receipt.answer_tokens, "only the answer is new"


def test_methods_share_their_samples(engine: Engine) -> None:
    recalling = RecallingEngine(engine)
    methods = [MajorityVote(samples=4), MajorityVote(samples=8), Rebase(width=4), EarlyExit(every=8, equal=2), NoWait()]
    for method in methods:
        before = recalling.sampled_tokens
        shared = method.run(recalling, RASPBERRY, HOT)
        alone = method.run(engine, RASPBERRY, HOT)
        assert [t.token_ids for t in shared.runs] == [t.token_ids for t in alone.runs]
        assert shared.spent.total_tokens == alone.spent.total_tokens
        assert recalling.sampled_tokens - before <= alone.spent.total_tokens
        method.run(recalling, RASPBERRY, HOT)
    ended = recalling.sampled_tokens
    for method in methods:
        method.run(recalling, RASPBERRY, HOT)
    # A step that was cut leaves what was in flight; what was in flight may differ, what is said does not.
    assert recalling.sampled_tokens == ended


def test_probabilities_are_recalled_too(engine: Engine) -> None:
    recalling = RecallingEngine(engine)
    solve(recalling, RASPBERRY)
    sampled = recalling.sampled_tokens
    sure = EarlyExit(every=99, equal=1).run(recalling, RASPBERRY)
    alone = EarlyExit(every=99, equal=1).run(engine, RASPBERRY)
    assert sure.trace is not None and alone.trace is not None
    assert sure.trace.receipt.answer_probability == pytest.approx(alone.trace.receipt.answer_probability, abs=1e-3)
    assert recalling.sampled_tokens == sampled


def script(text: str, _request: int) -> str:
    return "abcdef"[len(text.rpartition("think")[2]) :] + "<|im_end|>"


async def test_what_is_forbidden_is_not_recalled() -> None:
    below = ScriptedEngine(script)
    recalling = RecallingEngine(below)
    prompt = below.codec.render_prompt([Message(role="user", content="q")], below.format)
    first = Request(prompt_ids=prompt, max_tokens=9, stop_ids=below.codec.eos_ids)

    async def said(request: Request) -> str:
        ids = [i async for chunk in recalling.agenerate(request) for i in chunk.token_ids]
        assert ids == [i for chunk in recalling.generate(request) for i in chunk.token_ids]
        return below.codec.decode(ids)

    assert await said(first) == "abcdef" and len(below.requests) == 1
    barred = replace(first, forbid_first=frozenset(below.codec.encode_user("a")))
    other = await said(barred)
    assert other != "abcdef" and len(below.requests) == 3, "what is forbidden is asked for, each time"
    assert await said(first) == "abcdef" and len(below.requests) == 3
    assert await said(replace(first, max_tokens=3)) == "abc" and len(below.requests) == 3
    free = replace(first, forbid_first=frozenset(below.codec.encode_user("z")))
    assert await said(free) == "abcdef" and len(below.requests) == 3
    longer = replace(first, prompt_ids=(*prompt, *below.codec.encode_user("abc")), first_step=3)
    assert await said(longer) == "def" and len(below.requests) == 3
    assert await said(replace(longer, first_step=0)) == "def" and len(below.requests) == 4, "other noise"


def test_noise_must_depend_on_the_place() -> None:
    remote = ScriptedEngine(script)
    remote.capabilities = Capabilities(seeded_noise="emulated")
    with pytest.raises(Unsupported, match="without sharing"):
        RecallingEngine(remote)
