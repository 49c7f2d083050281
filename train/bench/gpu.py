"""Measure fine-tuning on a GPU: `python -m train.bench_gpu`, one row of 20,000 tokens through a 7B shape with adapters.

Weights are random numbers in the shape of Qwen2.5-7B: their speed is that of the real ones, and nothing is downloaded.

    MFU = floating-point operations that the step needs / (seconds x the GPU's peak in bfloat16)

Needed are 2 for each weight and token forward and 2 backward (frozen weights get no gradient of their own; adapters,
a hundredth of the weights, get 6), and the half of attention that is not masked, twice as much backward. What is
computed again because its activations were dropped is not needed: it lowers the figure.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import torch

from s1core.errors import S1Error
from train.finetune.batches import collate, whole_weight
from train.finetune.config import TrainConfig, with_settings
from train.finetune.data import IGNORED, Row
from train.finetune.model import Placement, Trained, clip, prepare, trainable
from train.finetune.recipes import recipe
from train.preflight.estimate import memory
from train.preflight.hardware import GIB, Machine, machine_here
from train.preflight.model_shapes import Shape, shape_of
from train.sft import join, leave

MODEL = "Qwen/Qwen2.5-7B-Instruct"
BAR = 0.40
QUESTION_TOKENS = 200
"""Tokens of a row that are not learned."""


def needed_flops(config: TrainConfig, shape: Shape, tokens: int) -> float:
    """Floating-point operations that one step over one row needs."""
    weights = shape.parameters - (0 if shape.tied else shape.vocab * shape.width)
    adapters = shape.adapter_parameters(config.lora_rank) if config.lora else 0
    products = 2 * tokens * ((2 if config.lora else 3) * weights + 3 * adapters)
    attention = 3 * 2 * 2 * shape.layers * shape.heads * shape.head_dim * tokens**2 / 2
    return products + attention


def random_model(shape: Shape, device: torch.device, dtype: torch.dtype, attention: str) -> Any:
    """A Qwen2 of this shape, made where it is to run."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    settings: dict[str, Any] = dict(
        vocab_size=shape.vocab,
        hidden_size=shape.width,
        intermediate_size=shape.ffn,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=shape.positions,
        tie_word_embeddings=shape.tied,
        attn_implementation=attention,
    )
    config = Qwen2Config(**settings)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            return Qwen2ForCausalLM(config)
    finally:
        torch.set_default_dtype(before)


def step(trained: Trained, optimizer: torch.optim.Optimizer, config: TrainConfig, row: Row, place: Placement) -> float:
    """One optimizer step as `train.finetune.loop` takes it; returns the loss."""
    batch = collate(config, [row], (0,), 0).to(place.device)
    loss = trained(batch) / whole_weight(config, [row], [0])
    loss.backward()
    clip(trainable(trained), config.clip_norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def measure(config: TrainConfig, shape: Shape, place: Placement, tokens: int, steps: int) -> dict[str, float]:
    """Seconds of a step (the median, after two that warm up), and the peak of allocated memory, GiB."""
    torch.manual_seed(0)
    dtype = torch.bfloat16 if config.compute == "bfloat16" else torch.float32
    trained = prepare(random_model(shape, place.device, dtype, "sdpa"), config, place)
    optimizer = torch.optim.AdamW(trainable(trained), lr=config.lr)
    ids = torch.randint(0, shape.vocab, (tokens,)).tolist()
    labels = [IGNORED] * min(QUESTION_TOKENS, tokens // 2) + ids[min(QUESTION_TOKENS, tokens // 2) :]
    row = Row(ids=tuple(ids), labels=tuple(labels))
    on_gpu = place.device.type == "cuda"
    seconds: list[float] = []
    losses: list[float] = []
    for _ in range(steps + 2):
        began = time.perf_counter()
        losses.append(step(trained, optimizer, config, row, place))
        if on_gpu:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    peak = torch.cuda.max_memory_allocated() / GIB if on_gpu else float("nan")
    return {"seconds": median(seconds[2:]), "peak_gib": peak, "first": seconds[0], "loss": losses[-1]}


def table(
    config: TrainConfig, shape: Shape, machine: Machine, tokens: int, found: dict[str, float]
) -> tuple[str, float]:
    """The figures as Markdown, and the MFU."""
    flops = needed_flops(config, shape, tokens)
    mfu = flops / found["seconds"] / (machine.tflops * 1e12) if machine.tflops else float("nan")
    planned = sum(memory(replace(config, max_length=tokens), shape, machine, tokens).values())
    rows = [
        ("tokens of the row", f"{tokens:,}"),
        ("seconds of a step (the first, with compiling)", f"{found['seconds']:.2f} ({found['first']:.1f})"),
        ("tokens/s", f"{tokens / found['seconds']:,.0f}"),
        (f"MFU of {machine.tflops:,.0f} TFLOP/s (bar {BAR:.0%})", f"{mfu:.1%}"),
        ("peak memory, GiB (preflight with its reserve)", f"{found['peak_gib']:.1f} ({planned:.1f})"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)]), mfu


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; exit with 1 if the bar is missed, with 2 if this machine cannot measure."""
    p = argparse.ArgumentParser(
        prog="python -m train.bench_gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--shape", default=MODEL, metavar="MODEL", help="whose shape it has (default %(default)s)")
    p.add_argument("--tokens", type=int, default=20_000, help="of the row (default %(default)s)")
    p.add_argument("--steps", type=int, default=5, help="that are timed, after two that warm up (default %(default)s)")
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings", help="of `train.sft`")
    args = p.parse_args(argv)
    try:
        shape = shape_of(args.shape)
        config = replace(recipe("qwen2.5-1.5b-lora"), model=args.shape, max_length=max(8, args.tokens))
        config = with_settings(config, args.settings)
        if config.device == "auto" and not torch.cuda.is_available():
            raise S1Error("train.bench_gpu needs a GPU that torch can use; try it on a CPU with --set device=cpu and a "
                          "small --shape and --tokens")  # fmt: skip
        machine = machine_here(config)
        place = join(config)
    except S1Error as error:
        print(error, file=sys.stderr)
        return 2
    try:
        found = measure(config, shape, place, args.tokens, args.steps)
    finally:
        leave()
    kept = (
        f"{config.kept_layers} of {shape.layers} layers kept" if config.activation_checkpointing else "all layers kept"
    )
    print(f"{args.shape}, random weights, adapters of rank {config.lora_rank}, {kept}, compile {config.compile}: "
          f"{machine.name}, torch {torch.__version__}, n = {args.steps}")  # fmt: skip
    text, mfu = table(config, shape, machine, args.tokens, found)
    print(text)
    return 0 if not machine.gpu or mfu >= BAR else 1
