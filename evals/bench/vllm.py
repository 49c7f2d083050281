"""Measure the vLLM engine against its bars: `make bench-vllm`, on a CPU or a GPU.

As in `evals.bench`, each measurement is a ratio of two things run in turns in one process, and the median of the
pairwise ratios counts. Both sides of forcing and of the engines sample the same number of tokens. vLLM's prefix cache
is on everywhere, and emptied before every timing, so that neither side finds what the other one left.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import torch

from evals.bench.result import Result, machine, report
from evals.bench.transformers import FixedLength, compare, new_question
from evals.bench.upstream_rounds import OriginalLoop
from s1core import Budget, S1Error, Trace, astream, load_engine
from s1core.engines.base import Engine
from s1core.engines.hf.engine import TransformersEngine
from s1core.engines.vllm.engine import VllmEngine
from s1core.nano import make_questions
from s1core.types import Event, Tokens

WAITS = 2
UNEVEN = 17
"""Lengths of a round that occur, in tokens around the mean."""
LONG = 512
"""Thinking tokens beside which a Wait, four tokens of s1-nano, counts as little as it does for large models."""
STREAMS = 256
STALL_S, STALL_STEPS = 2.0, 20.0
"""A stream that is silent for longer than both, in seconds and in its usual intervals between tokens, has stalled."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What all measurements share."""

    vllm: VllmEngine
    transformers: TransformersEngine
    questions: int
    tokens: int
    answer_tokens: int
    repeats: int

    def everything(self) -> Generator[Result, None, None]:
        """Yield the results one by one."""
        yield self.forcing(self.tokens, self.repeats)
        yield self.forcing(LONG, self.repeats)
        yield self.against_original(self.questions, one_by_one=False)
        yield self.against_original(-(-self.questions // 8), one_by_one=True)
        yield self.streams()
        yield self.engines(1)
        yield self.engines(32)

    def forcing(self, tokens: int, repeats: int) -> Result:
        """Many questions with two Waits each, against as many tokens without any."""
        forced, free, ratio = compare(
            lambda: self._speed(self.vllm, self.questions, tokens, WAITS),
            lambda: self._speed(self.vllm, self.questions, tokens, 0),
            repeats,
        )
        what = f"{WAITS} Waits / none, {tokens} tokens"
        detail = f"{forced:.0f} against {free:.0f} tokens/s, {self.questions} questions at once, n = {repeats}"
        return Result(what=what, measured=ratio, bar=">= 0.95", passed=ratio >= 0.95, detail=detail)

    def against_original(self, count: int, *, one_by_one: bool) -> Result:
        """Questions with two Waits by our driver and by the original (README or harness), in seconds."""
        asked = [q.question for q in make_questions(count, seed=11, split="test")]
        most = 2 * self.tokens
        budget = Budget(max_thinking_tokens=most, waits=WAITS, max_answer_tokens=self.answer_tokens)
        loop = OriginalLoop(self.vllm, thinking_tokens=most, waits=WAITS, answer_tokens=self.answer_tokens)
        sampled = {"ours": 0, "theirs": 0}

        async def ours() -> None:
            traces = await asyncio.gather(*(finished(self.vllm, question, budget) for question in asked))
            sampled["ours"] = sum(map(written, traces))

        async def theirs() -> None:
            sampled["theirs"] = await (loop.one_by_one(asked) if one_by_one else loop.in_rounds(asked))

        repeats = min(self.repeats, 3) if one_by_one else self.repeats
        a, b, ratio = compare(lambda: self._seconds(theirs), lambda: self._seconds(ours), repeats)
        tokens = f"{sampled['theirs']} against {sampled['ours']} tokens"
        detail = f"{a:.1f} against {b:.1f} s, {tokens}; {count} questions, n = {repeats}"
        if one_by_one:
            what, bar, passed = "README's loop / driver", ">= 1.5", ratio >= 1.5
        else:  # all texts of a round at once, as our driver has them: what is left to gain is the wait for the slowest
            what, bar, passed = "harness in rounds / driver", "none", True
        return Result(what=what, measured=ratio, bar=bar, passed=passed, detail=detail)

    def streams(self) -> Result:
        """Many streams at once: how many fell silent in their middle, or ended before their time."""
        budget = Budget(max_thinking_tokens=self.tokens, max_answer_tokens=self.answer_tokens)
        gaps: list[float] = []
        short = 0

        async def one() -> None:
            nonlocal short
            events: list[Event] = []
            seen = None
            async with aclosing(astream(FixedLength(self.vllm), new_question(), budget)) as stream:
                async for event in stream:
                    events.append(event)
                    if isinstance(event, Tokens) and event.source == "model":
                        now = time.perf_counter()
                        gaps.append(0.0 if seen is None else now - seen)
                        seen = now
            short += written(Trace.from_events(events)) < self.tokens + self.answer_tokens

        async def everyone() -> None:
            await asyncio.gather(*(one() for _ in range(STREAMS)))

        seconds = self._seconds(everyone)
        usual = sorted(gaps)[len(gaps) // 2]
        stalls = sum(gap > max(STALL_S, STALL_STEPS * usual) for gap in gaps)
        speed = STREAMS * (self.tokens + self.answer_tokens) / seconds
        detail = f"{short} cut short; silence at most {max(gaps):.2f} s, usually {usual:.2f} s; {speed:.0f} tokens/s"
        return Result(
            what=f"stalls of {STREAMS} streams",
            measured=stalls,
            bar="= 0",
            passed=not stalls and not short,
            detail=detail,
        )

    def engines(self, at_once: int) -> Result:
        """The two engines side by side."""
        ours, theirs, ratio = compare(
            lambda: self._speed(self.transformers, at_once, self.tokens, 0),
            lambda: self._speed(self.vllm, at_once, self.tokens, 0),
            self.repeats,
        )
        detail = f"{ours:.0f} against {theirs:.0f} tokens/s, n = {self.repeats}"
        return Result(
            what=f"transformers / vLLM, {at_once} at once", measured=ratio, bar="none", passed=True, detail=detail
        )

    def _speed(self, engine: Engine, count: int, tokens: int, waits: int) -> float:
        """Tokens per second of `count` runs at once, prefill included, each of about `tokens` in `waits` + 1 rounds.

        Those that the model samples: the Waits' own are computed as well, but not counted.
        """
        room = tokens + 128
        budget = Budget(max_thinking_tokens=room, waits=waits, max_answer_tokens=self.answer_tokens)
        sampled = 0

        def fixed(number: int) -> FixedLength:
            # Models do not end in step: every text has a length of its own, the same with Waits as without.
            length = max(1, tokens // (WAITS + 1) + number % UNEVEN - UNEVEN // 2)
            return FixedLength(engine, length * (WAITS + 1) // (waits + 1), rounds=waits + 1)

        async def everyone() -> None:
            nonlocal sampled
            traces = await asyncio.gather(*(finished(fixed(n), new_question(), budget) for n in range(count)))
            sampled = sum(map(written, traces))

        seconds = self._seconds(everyone)
        return sampled / seconds

    def _seconds(self, work: Callable[[], Awaitable[None]]) -> float:
        self.vllm.forget()

        async def timed() -> float:
            began = time.perf_counter()
            await work()
            return time.perf_counter() - began

        return asyncio.run(timed())


async def finished(engine: Engine, question: str, budget: Budget) -> Trace:
    """Run one question to its end."""
    return Trace.from_events([event async for event in astream(engine, question, budget)])


def written(trace: Trace) -> int:
    """Tokens that the model wrote."""
    return sum(len(segment.token_ids) for segment in trace.segments if segment.source == "model")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.bench_vllm",
        description="Speed of the vLLM engine: forcing, the original's loop, 256 streams, the transformers engine.",
        epilog="examples: make bench-vllm  |  make bench-vllm ARGS='--model simplescaling/s1.1-7B'",
    )
    parser.add_argument("--model", default="s1-nano", help="preset, folder or hub id (default: s1-nano)")
    parser.add_argument("--gpu", action="store_true", help="on a GPU, in bfloat16")
    parser.add_argument("--repeats", type=int, default=5, help="pairs per comparison; more on a busy machine (5)")
    parser.add_argument("--questions", type=int, default=64, help="at once (64)")
    parser.add_argument("--tokens", type=int, default=192, help="thinking tokens of a run (192)")
    parser.add_argument("--answer-tokens", type=int, default=16, help="answer tokens of a run (16)")
    return parser.parse_args(argv)


def missing(*, gpu: bool) -> str | None:
    """Say what this machine lacks for the measurement, in a sentence; None when it lacks nothing."""
    if gpu and not torch.cuda.is_available():
        return "--gpu needs a GPU that torch can use, and there is none here; make bench-vllm measures on a CPU"
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; exit with 1 if a bar is missed, with 2 if this machine cannot measure."""
    args = parse(argv)
    if (lacking := missing(gpu=args.gpu)) is not None:
        print(lacking, file=sys.stderr)
        return 2
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")
    kind = "bfloat16" if args.gpu else "float32"
    try:
        own: dict[str, Any] = {"gpu_memory_utilization": 0.45} if args.gpu else {}
        inside = load_engine(args.model, engine="vllm", dtype=kind, max_num_seqs=STREAMS, **own)
        local = load_engine(args.model, engine="transformers", dtype=kind)
    except S1Error as error:
        print(error, file=sys.stderr)
        return 2
    assert isinstance(inside, VllmEngine) and isinstance(local, TransformersEngine)
    bench = Bench(
        vllm=inside,
        transformers=local,
        questions=args.questions,
        tokens=args.tokens,
        answer_tokens=args.answer_tokens,
        repeats=args.repeats,
    )
    device = torch.cuda.get_device_name() if args.gpu else "CPU"
    print(f"{args.model} in {kind} on {device}, {machine()}; medians of ratios taken in turns")
    missed = report(bench.everything())
    inside.close()
    local.close()
    return 1 if missed else 0
