"""The benchmark of vLLM where there is none: one sentence, and the parts that need neither vLLM nor a GPU."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from evals import bench_vllm
from evals.bench_limit import bandwidth, weights_bytes
from s1core.models import NANO_WEIGHTS


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
    size = weights_bytes(str(NANO_WEIGHTS), torch.float32)
    stored = sum(file.stat().st_size for file in NANO_WEIGHTS.glob("*.safetensors"))
    assert 0.95 * stored < size <= stored
    assert weights_bytes(str(NANO_WEIGHTS), torch.bfloat16) == size / 2
    assert bandwidth(torch.device("cpu"), gib=0.01, repeats=2) > 1e6
