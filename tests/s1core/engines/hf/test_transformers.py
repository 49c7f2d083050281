"""What the engine writes: the same as transformers, whatever else runs, and nothing it may not write."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
import torch
from engine_helpers import Answer, Load, arun, ask, prompts, reference, run
from transformers import AutoModelForCausalLM

from s1core.engines.base import Engine, Request
from s1core.engines.hf.engine import TransformersEngine
from s1core.models import NANO_WEIGHTS, PRESETS


def at_once(engine: Engine, requests: list[Request]) -> list[Answer]:
    async def all_of_them() -> list[Answer]:
        return list(await asyncio.gather(*(arun(engine, request) for request in requests)))

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("fused_step", [True, False])
@pytest.mark.parametrize("folder", ["qwen2_folder", "llama_folder", "padded_folder"])
def test_greedy_equals_generate(folder: str, fused_step: bool, load: Load, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(folder)
    engine = load(path, fused_step=fused_step)
    assert engine.step == ("FusedStep" if fused_step else "GenericStep")
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    for prompt in prompts(6):
        assert run(engine, ask(prompt)).ids == reference(model, prompt, 40, engine.codec.vocab_size)


@pytest.mark.skipif(not (NANO_WEIGHTS / "model.safetensors").is_file(), reason="the bundled weights are not there")
def test_greedy_equals_generate_on_the_bundled_model() -> None:
    engine = TransformersEngine.load(PRESETS["s1-nano"], device="cpu", dtype="float32")
    model = AutoModelForCausalLM.from_pretrained(NANO_WEIGHTS, dtype=torch.float32)
    texts = [f"<|im_start|>user\nWhat is {n} + {3 * n}?<|im_end|>\n<|im_start|>assistant\n" for n in range(50)]
    asked = [engine.codec.encode_template(text) for text in texts]
    found = at_once(engine, [ask(prompt, 32) for prompt in asked])
    assert [a.ids for a in found] == [reference(model, p, 32, engine.codec.vocab_size) for p in asked]
    engine.close()


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_a_request_is_the_same_alone_and_in_company(engine: TransformersEngine, temperature: float) -> None:
    requests = [ask(p, 50, temperature=temperature, top_p=0.9, seed=7) for p in prompts(8)]
    alone = [run(engine, request).ids for request in requests]
    assert [answer.ids for answer in at_once(engine, requests)] == alone


def test_ids_outside_the_tokenizer_are_never_sampled(padded_folder: Path, load: Load) -> None:
    engine = load(padded_folder)
    for temperature in (0.0, 1.5):
        answers = at_once(engine, [ask(p, 30, temperature=temperature) for p in prompts(5)])
        assert all(set(answer.ids) <= engine.codec.known_ids for answer in answers)


def test_noise_is_a_function_of_seed_sample_and_step(engine: TransformersEngine) -> None:
    (prompt,) = prompts(1)
    whole = run(engine, ask(prompt, 40, temperature=0.9, seed=3, sample_index=2)).ids
    middle = run(engine, ask(prompt + whole[:15], 25, temperature=0.9, seed=3, sample_index=2, first_step=15)).ids
    assert middle == whole[15:]
    for other in ({"seed": 4, "sample_index": 2}, {"seed": 3, "sample_index": 3}):
        assert run(engine, ask(prompt, 40, temperature=0.9, **other)).ids != whole


def test_logprobs_are_the_models_own(qwen2_folder: Path, engine: TransformersEngine) -> None:
    (prompt,) = prompts(1)
    chunks = list(engine.generate(ask(prompt, 5, temperature=0.7, logprobs=True)))
    ids = tuple(i for chunk in chunks for i in chunk.token_ids)
    told = [p for chunk in chunks for p in chunk.logprobs]
    model = AutoModelForCausalLM.from_pretrained(qwen2_folder, dtype=torch.float32)
    with torch.inference_mode():
        logits = model(torch.tensor([[*prompt, *ids]])).logits[0, len(prompt) - 1 : -1, : engine.codec.vocab_size]
    expected = logits.log_softmax(-1)[range(5), list(ids)]
    assert told == pytest.approx(expected.tolist(), abs=1e-4)


def test_long_prompts_are_prefilled_in_parts(qwen2_folder: Path, load: Load) -> None:
    long, short = prompts(2, lengths=(300, 300))
    whole, parts = load(qwen2_folder), load(qwen2_folder, prefill_tokens=17)
    expected = [run(whole, ask(p, 20)).ids for p in (long, short)]
    assert [a.ids for a in at_once(parts, [ask(p, 20) for p in (long, short)])] == expected


@pytest.mark.parametrize("seed", range(3))
def test_any_schedule_of_joins_and_leaves_gives_what_each_would_get_alone(
    qwen2_folder: Path, load: Load, seed: int
) -> None:
    draw = random.Random(seed)
    stems = prompts(3, seed=seed)
    requests = [
        ask(draw.choice(stems) + tuple(draw.randrange(256) for _ in range(draw.randint(1, 30))), draw.randint(1, 60),
            temperature=draw.choice([0.0, 0.8]), seed=number)
        for number in range(24)
    ]  # fmt: skip
    leaves = [draw.randint(1, 20) if draw.random() < 0.3 else None for _ in requests]
    delays = [draw.random() * 0.05 for _ in requests]
    one_by_one = load(qwen2_folder)
    expected = [run(one_by_one, request).ids for request in requests]
    crowded = load(qwen2_folder, max_live=5, prefill_tokens=24)

    async def reader(request: Request, leave: int | None, delay: float) -> tuple[int, ...]:
        await asyncio.sleep(delay)
        ids: tuple[int, ...] = ()
        chunks = crowded.agenerate(request)
        async for chunk in chunks:
            ids += chunk.token_ids
            if leave is not None and len(ids) >= leave:
                break
        await chunks.aclose()
        return ids

    async def everyone() -> list[tuple[int, ...]]:
        return list(await asyncio.gather(*map(reader, requests, leaves, delays)))

    for found, whole, leave in zip(asyncio.run(everyone()), expected, leaves, strict=True):
        assert found == whole if leave is None else found == whole[: len(found)]
