"""Measure the llama.cpp engine against its bars: `python -m evals.bench.llamacpp` (or `make bench`).

As in `evals.bench`, each measurement is a ratio of two things run in turns, and the median of the pairwise ratios
counts. The other side is llama.cpp's own server in the same process as the engine's, asked directly: one answer in one
piece, so that its loop and nothing else is timed. Ends that the model samples are forbidden on both sides, so that both
write the same number of tokens; every prompt is new.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from evals.bench.result import Result, machine, report
from evals.bench.transformers import (
    AT_ONCE,
    WAITS,
    Setting,
    compare,
    new_question,
    run_at_once,
    run_forced,
    run_one,
    tokens_per_s,
)
from s1core import S1Error
from s1core.engines.base import Request
from s1core.engines.http.continuation import Continuation
from s1core.engines.http.llamacpp import LlamaCompletion
from s1core.engines.llamacpp import has_llamacpp
from s1core.engines.llamacpp.engine import LlamaCppEngine
from s1core.models import resolve
from s1core.types import Message
from s1core.weights import SMOLLM2


class Endless(LlamaCompletion):
    """Forbids llama.cpp's own ends."""

    def _body(self, prompt: list[int], max_tokens: int) -> dict[str, Any]:
        return super()._body(prompt, max_tokens) | {"ignore_eos": True}


class EndlessEngine(LlamaCppEngine):
    """The engine, but no text ends by itself."""

    def _continuation(self, request: Request) -> Continuation:
        return Endless(request, self.codec, self._served, slot=self._slots.take(request.prompt_ids))


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What all measurements share."""

    setting: Setting
    engine: EndlessEngine
    client: httpx.Client
    repeats: int

    def everything(self) -> Generator[Result, None, None]:
        """Yield the results one by one."""
        yield self.against_server(1)
        yield self.against_server(AT_ONCE)
        forced, free, ratio = compare(
            lambda: run_forced(self.setting, waits=WAITS), lambda: run_forced(self.setting, waits=0), 2 * self.repeats
        )
        detail = f"{forced:.0f} against {free:.0f} tokens/s, n = {2 * self.repeats}"
        yield Result(what=f"{WAITS} Waits / none", measured=ratio, bar=">= 0.95", passed=ratio >= 0.95, detail=detail)

    def against_server(self, count: int) -> Result:
        """Several texts through `s1core`, and as many asked of llama.cpp's server directly."""
        ours, theirs, ratio = compare(
            lambda: run_one(self.setting) if count == 1 else run_at_once(self.setting),
            lambda: self.directly(count),
            self.repeats,
        )
        detail = f"{ours:.0f} against {theirs:.0f} tokens/s, n = {self.repeats}"
        what = f"s1core / llama.cpp, {count} at once"
        return Result(what=what, measured=ratio, bar=">= 0.9", passed=ratio >= 0.9, detail=detail)

    def directly(self, count: int) -> float:
        """Tokens per second of so many requests at once, prefill included."""
        s = self.setting
        with ThreadPoolExecutor(count) as pool:
            return tokens_per_s(count * s.sampled, lambda: list(pool.map(self._ask, range(count))))

    def _ask(self, _number: int) -> None:
        codec = self.engine.codec
        prompt = codec.render_prompt([Message(role="user", content=new_question())], self.engine.format)
        body = {"prompt": prompt, "n_predict": self.setting.sampled, "ignore_eos": True, "top_k": 1}
        answer = self.client.post("/completion", json=body | {"samplers": ["top_k"]}).raise_for_status().json()
        if answer["tokens_predicted"] != self.setting.sampled:
            raise RuntimeError(f"llama.cpp wrote {answer['tokens_predicted']} tokens of {self.setting.sampled}")


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.bench.llamacpp",
        description="Speed of the llama.cpp engine: against llama.cpp's server asked directly, and forcing.",
        epilog="examples: python -m evals.bench.llamacpp  |  python -m evals.bench.llamacpp --model model.gguf",
    )
    parser.add_argument(
        "--model", default=SMOLLM2, help="a .gguf file, or a preset that has one (default: %(default)s)"
    )
    parser.add_argument("--repeats", type=int, default=7, help="pairs per comparison; more on a busy machine (7)")
    parser.add_argument("--tokens", type=int, default=224, help="thinking tokens of a run (224)")
    parser.add_argument("--answer-tokens", type=int, default=32, help="answer tokens of a run (32)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Print the table; exit with 1 if a bar is missed, with 0 where llama.cpp has no package."""
    args = parse(argv)
    if not has_llamacpp():
        print("llama.cpp is not installed here and not measured; install it with: make setup")
        return 0
    try:
        engine = EndlessEngine.load(resolve(args.model), context_length=1024)
    except S1Error as error:
        print(error, file=sys.stderr)
        return 2
    setting = Setting(engine=engine, thinking_tokens=args.tokens, answer_tokens=args.answer_tokens)
    key = {"Authorization": f"Bearer {engine.server.key}"}
    with httpx.Client(base_url=engine.server.url, headers=key, timeout=600, trust_env=False) as client:
        bench = Bench(setting=setting, engine=engine, client=client, repeats=args.repeats)
        print(f"{args.model} on llama.cpp, {machine()}; medians of ratios taken in turns, {setting.sampled} tokens")
        missed = report(bench.everything())
    engine.close()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
