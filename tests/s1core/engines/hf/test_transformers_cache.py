"""What the engine computes and what it takes from its cache."""

from __future__ import annotations

import asyncio
from pathlib import Path

import torch
from engine_helpers import Answer, Load, arun, ask, folded, prompts, run

from s1core.engines.hf.engine import TransformersEngine
from s1core.engines.hf.kv_cache import LayerShape, SlotCache

WAIT = (1, 2, 3)


def test_a_forced_close_costs_only_its_own_tokens(engine: TransformersEngine) -> None:
    (prompt,) = prompts(1)
    first = run(engine, ask(prompt, 20))
    assert (first.computed, first.reused) == (len(prompt), 0)
    text = prompt + first.ids
    closed = run(engine, ask(text + WAIT, 5))
    assert (closed.computed, closed.reused) == (len(WAIT), len(text))


def test_continuing_gives_the_same_as_starting_afresh(
    engine: TransformersEngine, qwen2_folder: Path, load: Load
) -> None:
    (prompt,) = prompts(1)
    text = prompt + run(engine, ask(prompt, 20)).ids + WAIT
    assert run(engine, ask(text)).ids == run(load(qwen2_folder), ask(text)).ids


def test_a_fork_from_a_live_text_copies_what_is_shared(
    engine: TransformersEngine, qwen2_folder: Path, load: Load
) -> None:
    (prompt,) = prompts(1)
    live = engine.generate(ask(prompt, 400))
    begun = next(live)
    while len(begun.token_ids) < 10:
        more = next(live)
        begun = type(begun)(token_ids=begun.token_ids + more.token_ids)
    text = prompt + begun.token_ids[:9]
    fork = run(engine, ask(text + WAIT, 20))
    assert (fork.computed, fork.reused) == (len(WAIT), len(text))
    rest = folded([begun, *live])
    fresh = load(qwen2_folder)
    assert fork.ids == run(fresh, ask(text + WAIT, 20)).ids
    assert rest.ids == run(fresh, ask(prompt, 400)).ids


def test_several_samples_of_one_question_prefill_it_once(engine: TransformersEngine) -> None:
    (prompt,) = prompts(1, lengths=(60, 60))

    async def samples() -> list[Answer]:
        return list(
            await asyncio.gather(*(arun(engine, ask(prompt, temperature=1.0, sample_index=n)) for n in range(6)))
        )

    answers = asyncio.run(samples())
    assert sorted(answer.computed for answer in answers) == [1] * 5 + [60]
    assert len({answer.ids for answer in answers}) == 6


def test_more_requests_than_slots_all_finish(qwen2_folder: Path, load: Load) -> None:
    engine, alone = load(qwen2_folder, max_live=3), load(qwen2_folder)
    requests = [ask(p, 20) for p in prompts(20)]

    async def everyone() -> list[Answer]:
        return list(await asyncio.gather(*(arun(engine, r) for r in requests)))

    assert [a.ids for a in asyncio.run(everyone())] == [run(alone, r).ids for r in requests]
    stats = engine.stats()
    assert (stats.live, stats.waiting) == (0, 0)
    assert stats.slots == stats.free <= 6


def test_the_least_recently_used_text_is_evicted_first(engine: TransformersEngine) -> None:
    asked = prompts(30, lengths=(40, 40))
    for prompt in asked:
        run(engine, ask(prompt, 2))
    slots = engine.stats().slots
    assert slots < len(asked)
    assert run(engine, ask(asked[-1] + WAIT, 1)).reused >= 40
    assert run(engine, ask(asked[0] + WAIT, 1)).reused < 40


def test_a_full_cache_makes_the_newest_wait_and_changes_nothing(qwen2_folder: Path, load: Load) -> None:
    # Room for about 600 tokens of this model: two texts of 300, not four.
    bytes_per_token = 2 * 2 * 2 * 16 * 4
    engine = load(qwen2_folder, cache_gib=1100 * bytes_per_token / 2**30)
    alone = load(qwen2_folder)
    requests = [ask(p, 280) for p in prompts(4, lengths=(20, 20))]

    async def everyone() -> list[Answer]:
        return list(await asyncio.gather(*(arun(engine, r) for r in requests)))

    assert [a.ids for a in asyncio.run(everyone())] == [run(alone, r).ids for r in requests]
    assert engine.stats().cache_bytes <= 1100 * bytes_per_token


def test_packing_moves_texts_with_their_contents() -> None:
    place = {"dtype": torch.float32, "device": torch.device("cpu")}
    cache = SlotCache([LayerShape(1, 2, 2)], **place, max_slots=16, max_length=8, max_bytes=2**20)
    claims = [cache.claim([n, n]) for n in range(12)]
    slots = [claim.slot for claim in claims if claim is not None]
    for number, slot in enumerate(slots):
        slot.ids.append(number)
        cache.keys[0][slot.index, :, 0] = number
    chosen = [slots[n] for n in (0, 5, 11)]
    start, stop = cache.pack(chosen)
    assert stop - start == 3
    assert {slot.index for slot in chosen} == set(range(start, stop))
    assert all(cache.keys[0][slot.index, 0, 0, 0] == number for number, slot in enumerate(slots))
    assert all(cache.slots[slot.index] is slot for slot in slots)
