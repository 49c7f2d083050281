"""What every engine that runs a model owes: the same tests on each of them, with a small random model."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_helpers import arun, ask, eventually, preset, prompts, run

from s1core import Budget, astream, solve
from s1core.engines.base import Engine
from s1core.engines.hf.engine import TransformersEngine
from s1core.engines.llamacpp import has_llamacpp
from s1core.engines.llamacpp.engine import LlamaCppEngine
from s1core.errors import EngineFailed, InvalidSetting, QuestionTooLong
from tests.s1core.tiny_gguf import write_tiny_gguf

WAIT = (101, 102, 103)
LONG = 200
_NO_LLAMACPP = pytest.mark.skipif(not has_llamacpp(), reason="xllamacpp is not installed")
Loader = Callable[[], Engine]


@pytest.fixture(scope="module", params=["transformers", pytest.param("llamacpp", marks=_NO_LLAMACPP)])
def loader(request: pytest.FixtureRequest, qwen2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Loader:
    if request.param == "transformers":
        return lambda: TransformersEngine.load(preset(qwen2_folder), device="cpu")
    file = write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf", spread=0.5)
    return lambda: LlamaCppEngine.load(preset(file), threads=1, max_live=4)


@pytest.fixture(scope="module")
def engine(loader: Loader) -> Iterator[Engine]:
    loaded = loader()
    yield loaded
    loaded.close()


def live(engine: Any) -> int:
    """Requests that the model is still busy with."""
    if isinstance(engine, TransformersEngine):
        return engine.stats().live + engine.stats().waiting
    return sum(slot["is_processing"] for slot in engine._ask("GET", "/slots"))


def test_stop_ids_end_the_text_and_are_not_part_of_it(engine: Engine) -> None:
    (prompt,) = prompts(1)
    free = run(engine, ask(prompt))
    stop_id = free.ids[10]
    stopped = run(engine, ask(prompt, stop_ids=frozenset({stop_id})))
    assert free.finish == "length" and len(free.ids) == 40
    assert (stopped.finish, stopped.stop_id) == ("stop", stop_id)
    assert stopped.ids == free.ids[: free.ids.index(stop_id)]


def test_forbidden_ids_are_barred_from_the_first_place_only(engine: Engine) -> None:
    (prompt,) = prompts(1)
    first = run(engine, ask(prompt, 1)).ids[0]
    barred = run(engine, ask(prompt, 1, forbid_first=frozenset({first}))).ids[0]
    assert barred != first
    after = prompt + (first,)
    second = run(engine, ask(after, 1)).ids[0]
    ids = run(engine, ask(prompt, 2, forbid_first=frozenset({second}) - {first})).ids
    assert ids[0] == first if second != first else ids[0] != first
    if second != first:
        assert ids[1] == second


def test_a_small_top_p_is_greedy(engine: Engine) -> None:
    (prompt,) = prompts(1)
    assert run(engine, ask(prompt, temperature=1.0, top_p=1e-6)).ids == run(engine, ask(prompt)).ids


def test_another_seed_gives_another_text(engine: Engine) -> None:
    (prompt,) = prompts(1)
    texts = {run(engine, ask(prompt, 20, temperature=1.0, seed=seed)).ids for seed in range(4)}
    assert len(texts) == 4


def test_logprobs_do_not_depend_on_how_a_token_was_drawn(engine: Engine) -> None:
    (prompt,) = prompts(1)
    chunks = list(engine.generate(ask(prompt, 5, temperature=1.5, seed=2, logprobs=True)))
    ids = tuple(i for chunk in chunks for i in chunk.token_ids)
    told = [p for chunk in chunks for p in chunk.logprobs]
    assert len(told) == len(ids) == 5
    for n, token_id in enumerate(ids):
        others = engine.codec.known_ids - {token_id}
        forced = ask(prompt + ids[:n], 1, logprobs=True, forbid_first=others)
        (again,) = (p for chunk in engine.generate(forced) for p in chunk.logprobs)
        assert again == pytest.approx(told[n], abs=2e-3)


def test_the_context_ends_a_text(engine: Engine) -> None:
    length = engine.context_length
    (prompt,) = prompts(1, lengths=(length - 12, length - 12))
    answer = run(engine, ask(prompt, 100))
    assert (len(answer.ids), answer.finish) == (12, "length")
    assert len(run(engine, ask(prompt + answer.ids[:11], 100)).ids) == 1
    with pytest.raises(QuestionTooLong, match="shorten it by 1"):
        run(engine, ask(prompt + answer.ids, 1))


def test_odd_requests(engine: Engine) -> None:
    (prompt,) = prompts(1)
    nothing = run(engine, ask(prompt, 0))
    assert (nothing.ids, nothing.finish) == ((), "length")
    with pytest.raises(InvalidSetting, match="empty"):
        run(engine, ask(()))
    with pytest.raises(InvalidSetting, match="270"):
        run(engine, ask((1, 270)))


def test_a_forced_wait_costs_only_its_own_tokens(engine: Engine) -> None:
    (prompt,) = prompts(1, seed=1)
    stop = frozenset({run(engine, ask(prompt)).ids[12]})
    thought = run(engine, ask(prompt, stop_ids=stop))
    text = prompt + thought.ids
    forced = run(engine, ask(text + WAIT, stop_ids=stop))
    assert (forced.computed, forced.reused) == (len(WAIT), len(text))


def test_after_a_text_that_was_left_a_wait_costs_its_own_tokens(engine: Engine) -> None:
    """As after an end marker of several tokens, at which the run leaves while the model writes on."""
    (prompt,) = prompts(1, seed=2)
    chunks = engine.generate(ask(prompt, LONG))
    ids: tuple[int, ...] = ()
    while len(ids) < 8:
        ids += next(chunks).token_ids
    chunks.close()
    text = prompt + ids[:6]
    forced = run(engine, ask(text + WAIT, 4))
    assert (forced.computed, forced.reused) == (len(WAIT), len(text))


def test_the_same_question_again_computes_its_last_token_only(engine: Engine) -> None:
    (prompt,) = prompts(1, seed=3)
    first, again = run(engine, ask(prompt)), run(engine, ask(prompt))
    assert again.ids == first.ids
    assert (again.computed, again.reused) == (1, len(prompt) - 1)


def test_sync_and_async_drivers_agree(engine: Engine) -> None:
    budget = Budget(max_thinking_tokens=30, waits=1)

    async def tokens() -> tuple[int, ...]:
        events = [event async for event in astream(engine, "How many?", budget)]
        return tuple(i for e in events for i in getattr(e, "token_ids", ()))

    assert asyncio.run(tokens()) == solve(engine, "How many?", budget).token_ids


def test_more_requests_than_places_all_finish(engine: Engine) -> None:
    async def everyone() -> list[int]:
        answers = await asyncio.gather(*(arun(engine, ask(prompt, 10)) for prompt in prompts(12)))
        return [len(answer.ids) for answer in answers]

    assert asyncio.run(everyone()) == [10] * 12
    assert eventually(lambda: live(engine) == 0)


def test_what_a_user_writes_stays_text(engine: Engine) -> None:
    text = "<|im_end|> and ünï 字 🦙"
    ids = engine.codec.encode_user(text)
    assert engine.codec.decode(ids) == text
    assert not engine.codec.control_ids & set(ids)
    assert engine.codec.control_ids & set(engine.codec.encode_template("<|im_end|>"))


def test_closing_the_iterator_frees_the_model(engine: Engine) -> None:
    chunks = engine.generate(ask(prompts(1)[0], LONG))
    next(chunks)
    chunks.close()
    assert eventually(lambda: live(engine) == 0)


def test_dropping_the_iterator_frees_the_model(engine: Engine) -> None:
    chunks = engine.generate(ask(prompts(1)[0], LONG))
    next(chunks)
    del chunks
    gc.collect()
    assert eventually(lambda: live(engine) == 0)


async def test_cancelling_the_task_frees_the_model(engine: Engine) -> None:
    started = asyncio.Event()

    async def read() -> None:
        async with contextlib.aclosing(engine.agenerate(ask(prompts(1)[0], LONG))) as chunks:
            async for _ in chunks:
                started.set()

    task = asyncio.create_task(read())
    await started.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(eventually, lambda: live(engine) == 0)


def test_closing_the_engine_fails_running_and_later_requests(loader: Loader) -> None:
    engine = loader()
    chunks = engine.generate(ask(prompts(1)[0], LONG))
    next(chunks)
    engine.close()
    with pytest.raises(EngineFailed, match="closed"):
        list(chunks)
    with pytest.raises(EngineFailed, match="closed"):
        run(engine, ask(prompts(1)[0]))
    engine.close()
