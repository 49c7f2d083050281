"""The benchmark of vLLM where there is none: one sentence, and the parts that need neither vLLM nor a GPU."""

from __future__ import annotations

import importlib.util
from contextlib import closing

import pytest
import torch

from evals.bench import gpu as bench_gpu
from evals.bench import vllm as bench_vllm
from evals.bench.bandwidth import bandwidth, weights_bytes
from s1core import Budget, solve
from s1core.engines.hf import loading
from s1core.engines.hf.engine import TransformersEngine
from s1core.models import NANO_WEIGHTS, PRESETS


def test_without_a_gpu_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert bench_vllm.main(["--gpu"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "needs a GPU" in said and "make bench-vllm" in said


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vLLM is installed here")
def test_without_vllm_it_names_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_vllm.main([]) == 2
    assert "make vllm" in capsys.readouterr().err


def test_the_limit_counts_every_weight_once_and_copies_both_ways() -> None:
    model = loading.load(PRESETS["s1-nano"], dtype="float32", device="cpu").model
    stored = sum(file.stat().st_size for file in NANO_WEIGHTS.glob("*.safetensors"))
    assert 0.95 * stored < weights_bytes(model) <= stored
    assert weights_bytes(model.to(torch.bfloat16)) * 2 == weights_bytes(model.float())
    assert bandwidth(torch.device("cpu"), gib=0.01, repeats=2) > 1e6


def test_random_weights_have_the_shape_and_the_whole_vocabulary() -> None:
    small = {"hidden_size": 56, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 14}
    preset, loaded = bench_gpu.random_model(torch.device("cpu"), bench_gpu.QWEN_7B | small | {"num_key_value_heads": 2})
    assert loaded.codec.known_ids == frozenset(range(152_064))
    assert loaded.model.lm_head.weight.shape == (152_064, 56)
    with closing(TransformersEngine(preset, loaded)) as engine:
        trace = solve(engine, "How many?", Budget(max_thinking_tokens=4, max_answer_tokens=4))
    assert trace.receipt.thinking_tokens <= 4


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_the_benchmark_of_a_gpu_needs_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_gpu.main([]) == 2
    assert "needs a GPU" in capsys.readouterr().err
