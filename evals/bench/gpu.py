"""Measure the transformers engine on a GPU: `make bench-gpu`. One text is bound by memory: a token reads all weights.

Without --model the weights are random numbers in the shape of Qwen2.5-7B: their speed is that of the real ones, and
nothing is downloaded. Texts end where the benchmark wants, as in `evals.bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, cast

import torch
from tokenizers import Tokenizer

from evals.bench.bandwidth import bandwidth, weights_bytes
from evals.bench.result import Result, machine, report
from evals.bench.transformers import FixedLength, new_question
from s1core import Budget, S1Error, Trace, astream
from s1core.engines.hf import loading
from s1core.engines.hf.engine import TransformersEngine
from s1core.models import PRESETS, ModelPreset, resolve
from s1core.thinking import Codec

QWEN_7B = {
    "vocab_size": 152_064,
    "hidden_size": 3_584,
    "intermediate_size": 18_944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "max_position_embeddings": 32_768,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1_000_000.0,
    "tie_word_embeddings": False,
}
"""Qwen2.5-7B's published configuration."""
CROWDS = (8, 32)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What all measurements share."""

    preset: ModelPreset
    loaded: loading.Loaded
    tokens: int
    repeats: int

    def everything(self) -> Generator[Result, None, None]:
        """Yield the results one by one."""
        most = bandwidth(self.loaded.device) / weights_bytes(self.loaded.model)
        library = self._generate()
        with closing(self._engine(graphs=True)) as engine:
            fast = self._speed(engine, 1)
            yield self._limit("recorded / bandwidth limit", fast, most, bar=0.7)
            yield Result(
                what="recorded / generate",
                measured=fast / library,
                bar="none",
                passed=True,
                detail=f"{fast:.1f} against {library:.1f} tokens/s of transformers",
            )
            for count in CROWDS:
                many = self._speed(engine, count)
                detail = f"{many:.0f} against {fast:.1f} tokens/s"
                yield Result(what=f"{count} at once / 1", measured=many / fast, bar="none", passed=True, detail=detail)
        with closing(self._engine(graphs=False)) as engine:
            yield self._limit("step by step / limit", self._speed(engine, 1), most)

    def _limit(self, what: str, speed: float, most: float, bar: float | None = None) -> Result:
        reached = speed / most
        size = weights_bytes(self.loaded.model) / 1e9
        detail = f"{speed:.1f} of {most:.1f} tokens/s, weights of {size:.1f} GB, n = {self.repeats}"
        told = "none" if bar is None else f">= {bar}"
        return Result(what=what, measured=reached, bar=told, passed=bar is None or reached >= bar, detail=detail)

    def _engine(self, *, graphs: bool) -> TransformersEngine:
        engine = TransformersEngine(self.preset, self.loaded, graphs=graphs)
        if graphs and engine.step != "CudaGraphStep":
            print(f"decoding is not recorded here: {engine.step}", file=sys.stderr)
        return engine

    def _speed(self, engine: TransformersEngine, count: int) -> float:
        """Tokens per second of `count` texts at once, prefill included; the median, after one run that warms up."""
        budget = Budget(max_thinking_tokens=self.tokens, max_answer_tokens=16)

        async def one() -> int:
            events = [event async for event in astream(FixedLength(engine), new_question(), budget)]
            return sum(len(s.token_ids) for s in Trace.from_events(events).segments if s.source == "model")

        async def everyone() -> float:
            began = time.perf_counter()
            written = await asyncio.gather(*(one() for _ in range(count)))
            return sum(written) / (time.perf_counter() - began)

        return median([asyncio.run(everyone()) for _ in range(self.repeats + 1)][1:])

    def _generate(self) -> float:
        """The same by transformers' own loop, as many tokens."""
        model = self.loaded.model
        prompt = torch.randint(0, 1000, (1, 64), device=self.loaded.device)
        speeds: list[float] = []
        for _ in range(min(self.repeats, 2) + 1):
            torch.cuda.synchronize()
            began = time.perf_counter()
            model.generate(
                prompt, do_sample=False, max_new_tokens=self.tokens, min_new_tokens=self.tokens, pad_token_id=0
            )
            torch.cuda.synchronize()
            speeds.append(self.tokens / (time.perf_counter() - began))
        return median(speeds[1:])


def random_model(device: torch.device, shape: dict[str, Any]) -> tuple[ModelPreset, loading.Loaded]:
    """A Qwen2 of this shape with random weights; s1-nano's tokens, and names for the rest of the vocabulary."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with device:
            model = Qwen2ForCausalLM(Qwen2Config(**shape))
    finally:
        torch.set_default_dtype(before)
    nano = loading.load_codec(PRESETS["s1-nano"])[0]
    written = json.loads(Path(PRESETS["s1-nano"].location, "tokenizer.json").read_text(encoding="utf-8"))
    # The markers too: what is not in the vocabulary proper would be numbered anew, after it.
    written["model"]["vocab"] |= {token["content"]: token["id"] for token in written["added_tokens"]}
    known = nano.known_ids
    written["model"]["vocab"] |= {f"filler {i}": i for i in range(shape["vocab_size"]) if i not in known}
    codec = Codec(Tokenizer.from_str(json.dumps(written)), cast("Any", nano)._render_chat, eos_ids=nano.eos_ids)
    preset = ModelPreset(name="random weights", location="", format="s1", default_answer_tokens=64)
    loaded = loading.Loaded(
        model=model.eval(),
        codec=codec,
        context_length=shape["max_position_embeddings"],
        device=device,
        dtype=torch.bfloat16,
    )
    return preset, loaded


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; exit with 1 if a bar is missed, with 2 if this machine cannot measure."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.bench_gpu",
        description="Speed of the transformers engine on a GPU, against what its memory allows.",
        epilog="examples: make bench-gpu  |  make bench-gpu ARGS='--model simplescaling/s1.1-7B'",
    )
    parser.add_argument("--model", help="preset, folder or hub id (default: random weights, Qwen2.5-7B's shape)")
    parser.add_argument("--tokens", type=int, default=512, help="thinking tokens of a run (512)")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each measurement (5)")
    args = parser.parse_args(argv)
    if not torch.cuda.is_available():
        print("make bench-gpu needs a GPU that torch can use, and there is none here; make bench measures on a CPU",
              file=sys.stderr)  # fmt: skip
        return 2
    device = torch.device("cuda")
    try:
        if args.model is None:
            preset, loaded = random_model(device, QWEN_7B)
        else:
            preset = resolve(args.model)
            loaded = loading.load(preset, dtype="bfloat16", device="cuda")
    except S1Error as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{preset.name} in bfloat16 on {torch.cuda.get_device_name()}, {machine()}")
    bench = Bench(preset=preset, loaded=loaded, tokens=args.tokens, repeats=args.repeats)
    return 1 if report(bench.everything()) else 0
