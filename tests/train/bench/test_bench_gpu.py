"""The benchmark of fine-tuning: its arithmetic, and the same measurement on a CPU."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from s1core.nano import BASE
from train.bench.gpu import main, needed_flops
from train.finetune.recipes import recipe
from train.preflight.model_shapes import shape_of


def test_what_a_step_needs_is_counted_as_for_full_fine_tuning_or_for_adapters() -> None:
    shape = shape_of("Qwen/Qwen2.5-7B-Instruct")
    whole = recipe("qwen2.5-7b")
    # 6 per weight and token, and per layer 12 x width x length of attention, of which causal masks leave half.
    weights = shape.parameters - shape.vocab * shape.width
    expected = 6 * weights * 1000 + 12 * shape.layers * shape.width * 1000**2 / 2
    assert needed_flops(whole, shape, 1000) == pytest.approx(expected)
    adapters = needed_flops(replace(whole, lora_rank=16), shape, 1000)
    assert 4 * weights * 1000 < adapters < 0.7 * expected


def test_it_measures_on_a_cpu_too(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--shape", str(BASE), "--tokens", "64", "--steps", "1", "--set", "device=cpu", "--set", "compute=float32"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "| tokens of the row | 64 |" in said and "tokens/s" in said


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_how_to_try_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "needs a GPU" in capsys.readouterr().err
