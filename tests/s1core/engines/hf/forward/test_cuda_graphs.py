"""Recorded decoding, with a recorder that works on a CPU: it computes again over the memory that was recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from engine_helpers import Answer, Load, arun, ask, prompts, run
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from transformers import AutoModelForCausalLM

from s1core.engines.hf.engine import TransformersEngine
from s1core.engines.hf.forward.cuda_graphs import FIRST_BUCKET, CudaGraphStep, CudaRecorder, bucket
from s1core.engines.hf.forward.fused import FusedStep
from s1core.engines.hf.forward.select import disagreement


def again(work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
    logits = work()

    def replay() -> None:
        logits.copy_(work())

    return replay, logits


def graphed(engine: TransformersEngine, record: Any = again, patience: int = 1) -> CudaGraphStep:
    worker = cast("Any", engine)._worker
    worker._tells_late = True  # as on a GPU
    worker._step = CudaGraphStep(worker._step, record, patience=patience)
    return worker._step


def test_what_is_recorded_agrees_with_transformers(qwen2_folder: Path) -> None:
    model: Any = AutoModelForCausalLM.from_pretrained(qwen2_folder, dtype=torch.float32)
    step = CudaGraphStep(FusedStep(model, 260, 512), again, patience=0)
    assert disagreement(step, model, 260) is None
    assert step.replays == 2


def test_texts_are_the_same_recorded_or_not(qwen2_folder: Path, load: Load) -> None:
    """Texts that join, leave, outgrow a bucket and make the cache grow."""
    requests = [
        ask(prompt, 40 + 60 * n, temperature=0.8 * (n % 2), seed=n)
        for n, prompt in enumerate(prompts(5))
    ]  # fmt: skip
    plain = load(qwen2_folder)
    expected = [run(plain, request) for request in requests]
    recorded = load(qwen2_folder)
    step = graphed(recorded)

    async def everyone() -> list[Answer]:
        return list(await asyncio.gather(*(arun(recorded, request) for request in requests)))

    assert [answer.ids for answer in asyncio.run(everyone())] == [answer.ids for answer in expected]
    assert step.replays > 200


def test_what_cannot_be_recorded_runs_all_the_same(
    qwen2_folder: Path, load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        raise RuntimeError("operation not permitted when stream is capturing")

    prompt = prompts(1)[0]
    expected = run(load(qwen2_folder), ask(prompt, 30)).ids
    engine = load(qwen2_folder)
    step = graphed(engine, refuse)
    assert run(engine, ask(prompt, 30)).ids == expected
    assert step.replays == 0
    assert [r.message for r in caplog.records if "CUDA graphs" in r.message] == [
        "decoding is not recorded as CUDA graphs: operation not permitted when stream is capturing"
    ]


@given(length=st.integers(1, 200_000))
def test_buckets_cover_what_they_hold_and_little_more(length: int) -> None:
    assert bucket(length) >= length
    assert bucket(bucket(length)) == bucket(length)
    assert bucket(length) == FIRST_BUCKET or bucket(length) - length < max(FIRST_BUCKET, length / 3)
    assert bucket(length) <= bucket(length + 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_decoding_is_recorded_and_agrees(qwen2_folder: Path) -> None:
    model: Any = AutoModelForCausalLM.from_pretrained(qwen2_folder, dtype=torch.bfloat16)
    model = model.to("cuda")
    step = CudaGraphStep(FusedStep(model, 260, 512), CudaRecorder(), patience=0)
    assert disagreement(step, model, 260) is None
    assert step.replays == 2
