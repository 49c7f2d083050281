"""Measure the transformers engine and the sweep against their bars: `python -m evals.bench` (or `make bench`).

Each measurement is a ratio of two things that are run in turns (`A B A B ...`); the median of the pairwise ratios
counts, so that a busy machine makes it noisier but not wrong. Both sides sample the same number of tokens: stop tokens
that the model samples count as ordinary ones, and stops are forced where the benchmark wants them. Every prompt is new,
so that none is in the prefix cache.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, TextIteratorStreamer

from evals.bench import sweep as bench_sweep
from evals.bench.result import Result, machine, report
from s1core import Budget, S1Error, Trace, astream, load_engine, stream
from s1core.engines.base import Chunk, Engine, Request
from s1core.engines.hf.engine import TransformersEngine
from s1core.models import resolve

QUESTION = "How many r in raspberry?"
AT_ONCE = 8
WAITS = 2
_asked = itertools.count(1)


def new_question() -> str:
    """A question of the same length as all others that has not been asked yet."""
    return f"{QUESTION} {next(_asked):06}"


class FixedLength:
    """The engine, but texts end where the benchmark wants: after `round_tokens`, as if the model had ended there."""

    def __init__(self, engine: Engine, round_tokens: int | None = None, *, rounds: int = WAITS + 1) -> None:
        self._engine = engine
        self._round_tokens = round_tokens
        self._rounds_left = rounds if round_tokens else 0
        self.prefills: list[tuple[int, int]] = []
        """(tokens that are new to the engine, tokens that it computed) for every request after the first."""
        self._known = 0
        self.name, self.model = engine.name, engine.model
        self.codec, self.format = engine.codec, engine.format
        self.context_length, self.default_answer_tokens = engine.context_length, engine.default_answer_tokens
        self.capabilities = engine.capabilities

    def close(self) -> None:
        """The engine is not this wrapper's to close."""

    def generate(self, request: Request) -> Generator[Chunk, None, None]:
        """Stream one request."""
        asked, ends = self._asked(request)
        with closing(self._engine.generate(asked)) as chunks:
            for chunk in chunks:
                yield self._seen(chunk, request, ends)

    async def agenerate(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Stream one request."""
        asked, ends = self._asked(request)
        async with aclosing(self._engine.agenerate(asked)) as chunks:
            async for chunk in chunks:
                yield self._seen(chunk, request, ends)

    def _asked(self, request: Request) -> tuple[Request, bool]:
        ends = self._rounds_left > 0
        self._rounds_left -= ends
        length = min(request.max_tokens, self._round_tokens or request.max_tokens) if ends else request.max_tokens
        return replace(request, max_tokens=length, stop_ids=frozenset()), ends

    def _seen(self, chunk: Chunk, request: Request, ends: bool) -> Chunk:
        if chunk.prefill_computed or chunk.prefill_reused:
            if self._known:
                self.prefills.append((len(request.prompt_ids) - self._known, chunk.prefill_computed))
            self._known = len(request.prompt_ids)
        self._known += len(chunk.token_ids)
        return replace(chunk, finish="stop") if ends and chunk.finish == "length" else chunk


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all measurements share."""

    engine: Engine
    thinking_tokens: int
    answer_tokens: int

    @property
    def sampled(self) -> int:
        """Tokens the model writes in one run."""
        return self.thinking_tokens + self.answer_tokens

    def budget(self, *, waits: int = 0) -> Budget:
        """The budget of one run; with Waits, room for them as well."""
        room = self.thinking_tokens + (64 if waits else 0)
        return Budget(max_thinking_tokens=room, waits=waits, max_answer_tokens=self.answer_tokens)


def tokens_per_s(count: int, work: Callable[[], object]) -> float:
    """Run `work` once and time it."""
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def compare(a: Callable[[], float], b: Callable[[], float], repeats: int) -> tuple[float, float, float]:
    """Measure in turns; return the medians of both and of the pairwise ratios."""
    for warm in (a, b):
        warm()
    pairs = [(a(), b()) for _ in range(repeats)]
    return median(x for x, _ in pairs), median(y for _, y in pairs), median(x / y for x, y in pairs)


def run_one(s: Setting) -> float:
    """One run through `s1core.stream`, tokens per second of wall time, prefill included."""
    budget = s.budget()

    def work() -> None:
        Trace.from_events(stream(FixedLength(s.engine), new_question(), budget))

    return tokens_per_s(s.sampled, work)


def run_forced(s: Setting, *, waits: int) -> float:
    """One run of three rounds (two Waits between them), or of one."""
    rounds = FixedLength(s.engine, -(-s.thinking_tokens // (waits + 1)), rounds=waits + 1)
    sampled = 0

    def work() -> None:
        nonlocal sampled
        trace = Trace.from_events(stream(rounds, new_question(), s.budget(waits=waits)))
        sampled = sum(len(segment.token_ids) for segment in trace.segments if segment.source == "model")

    speed = tokens_per_s(1, work)
    return speed * sampled


def run_generate(s: Setting, model: Any, tokenizer: Any) -> float:
    """The same length through `transformers.generate` with its text streamer, read by another thread."""
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": new_question()}], tokenize=False, add_generation_prompt=True
    )
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"].to(model.device)
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True)
    settings = {
        "attention_mask": torch.ones_like(ids),
        "max_new_tokens": s.sampled,
        "do_sample": False,
        "eos_token_id": None,
        "pad_token_id": 0,
        "streamer": streamer,
    }

    def work() -> None:
        thread = threading.Thread(target=model.generate, args=(ids,), kwargs=settings)
        thread.start()
        for _ in streamer:
            pass
        thread.join()

    return tokens_per_s(s.sampled, work)


def run_at_once(s: Setting) -> float:
    """Several runs on one event loop."""
    budget = s.budget()

    async def one() -> None:
        async for _ in astream(FixedLength(s.engine), new_question(), budget):
            pass

    async def everyone() -> None:
        await asyncio.gather(*(one() for _ in range(AT_ONCE)))

    return tokens_per_s(AT_ONCE * s.sampled, lambda: asyncio.run(everyone()))


def run_in_turn(s: Setting) -> float:
    """The same runs one after the other."""
    return tokens_per_s(AT_ONCE * s.sampled, lambda: [run_one(s) for _ in range(AT_ONCE)])


def measure(s: Setting, location: str, repeats: int) -> Generator[Result, None, None]:
    """Yield the results one by one."""
    assert isinstance(s.engine, TransformersEngine)
    model = AutoModelForCausalLM.from_pretrained(location, dtype=s.engine.dtype).to(s.engine.device).eval()  # pyright: ignore
    tokenizer = AutoTokenizer.from_pretrained(location)
    ours, theirs, ratio = compare(lambda: run_one(s), lambda: run_generate(s, model, tokenizer), repeats)
    detail = f"{ours:.0f} against {theirs:.0f} tokens/s"
    yield Result(what="stream / transformers.generate", measured=ratio, bar=">= 2.0", passed=ratio >= 2, detail=detail)
    once, turn, ratio = compare(lambda: run_at_once(s), lambda: run_in_turn(s), repeats)
    detail = f"{once:.0f} against {turn:.0f} tokens/s"
    yield Result(what=f"{AT_ONCE} at once / in turn", measured=ratio, bar=">= 4.0", passed=ratio >= 4, detail=detail)
    forced, free, ratio = compare(lambda: run_forced(s, waits=WAITS), lambda: run_forced(s, waits=0), 2 * repeats)
    detail = f"{forced:.0f} against {free:.0f} tokens/s"
    yield Result(what=f"{WAITS} Waits / none", measured=ratio, bar=">= 0.97", passed=ratio >= 0.97, detail=detail)
    yield recomputed(s)
    loop = bench_sweep.ReadmeLoop(s.engine, location, device=s.engine.device, dtype=s.engine.dtype)
    yield from bench_sweep.measure(s.engine, loop, repeats)


def recomputed(s: Setting) -> Result:
    """Count prompt tokens that are computed again after a Wait or a close."""
    rounds = FixedLength(s.engine, s.thinking_tokens // (WAITS + 1))
    Trace.from_events(stream(rounds, new_question(), s.budget(waits=WAITS)))
    again = sum(computed - injected for injected, computed in rounds.prefills)
    injected = sum(injected for injected, _ in rounds.prefills)
    detail = f"{len(rounds.prefills)} continuations, {injected} injected tokens, {injected + again} computed"
    return Result(what="tokens recomputed by forcing", measured=again, bar="= 0", passed=again == 0, detail=detail)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.bench",
        description="Speed of the transformers engine: against transformers.generate, 8 at once, forcing, sweeps.",
        epilog="examples: python -m evals.bench --repeats 15  |  python -m evals.bench --model simplescaling/s1.1-1.5B",
    )
    parser.add_argument("--model", default="s1-nano", help="preset, folder or hub id (default: s1-nano)")
    parser.add_argument("--repeats", type=int, default=7, help="pairs per comparison; more on a busy machine (7)")
    parser.add_argument("--tokens", type=int, default=224, help="thinking tokens of a run (224)")
    parser.add_argument("--answer-tokens", type=int, default=32, help="answer tokens of a run (32)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Print the table; exit with 1 if a bar is missed."""
    args = parse(argv)
    try:
        engine = load_engine(args.model, engine="transformers")
    except S1Error as error:
        print(error, file=sys.stderr)
        return 2
    assert isinstance(engine, TransformersEngine)
    # The baseline gets the number of threads that is best for the model, too.
    torch.set_num_threads(engine.threads)
    s = Setting(engine=engine, thinking_tokens=args.tokens, answer_tokens=args.answer_tokens)
    print(
        f"{args.model} ({engine.step}) on {engine.device}, {machine()}; "
        f"n = {args.repeats} pairs of {s.sampled} tokens, medians"
    )
    missed = report(measure(s, resolve(args.model).location, args.repeats))
    engine.close()
    return 1 if missed else 0
