"""Measure a sweep against two other ways to the same grid: independent runs, and the loop of the original's README.

All three answer the same questions greedily under every (budget, Waits), one question after the other, in turns.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from statistics import median
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from evals.bench.result import Result
from s1core import Budget, astream, stream, sweep
from s1core.engines.base import Engine
from s1core.nano import make_questions
from s1core.sweep import asweep
from s1core.types import Trace

BUDGETS = (16, 32, 64, 128, 256, 512)
WAITS = (0, 1, 2, 4)
AT_ONCE = 16
"""Questions under way together where many are asked, as an evaluation does."""


class ReadmeLoop:
    """Budget forcing as the original's README does it, over `transformers.generate`.

    After every ignored end the text with its "Wait" is tokenised and run through the model again from the beginning.
    """

    def __init__(self, engine: Engine, location: str, *, device: torch.device, dtype: torch.dtype) -> None:
        self._format = engine.format
        self._model: Any = AutoModelForCausalLM.from_pretrained(location, dtype=dtype).to(device).eval()  # pyright: ignore
        self._tokenizer: Any = AutoTokenizer.from_pretrained(location)
        self._ends: list[int] = self._tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
        self._answer_tokens = engine.default_answer_tokens

    def grid(self, question: str, budgets: Sequence[int], waits: Sequence[int]) -> int:
        """Run every setting; return the tokens decoded."""
        return sum(self.run(question, budget, count) for budget in budgets for count in waits)

    @torch.inference_mode()
    def run(self, question: str, budget: int, waits: int) -> int:
        """Run one setting; return the tokens decoded."""
        messages = [{"role": "user", "content": question}]
        text = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        text += self._format.open
        decoded = 0
        for again in range(waits, -1, -1):
            if decoded >= budget:
                break
            thought, count = self._generate(text, budget - decoded)
            text += thought + ("Wait" if again else "")
            decoded += count
        closing = self._format.closing_text(by_model=False, thinking_text=text, final_answer_text="Final Answer:")
        return decoded + self._generate(text + closing, self._answer_tokens)[1]

    def _generate(self, text: str, most: int) -> tuple[str, int]:
        ids = self._tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"].to(self._model.device)
        out = self._model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=most,
            do_sample=False,
            eos_token_id=self._ends,
            pad_token_id=self._ends[-1],
        )
        new = out[0, ids.shape[1] :].tolist()
        kept = [token for token in new if token not in self._ends]
        return self._tokenizer.decode(kept), len(new)


def measure(engine: Engine, loop: ReadmeLoop, n: int) -> Generator[Result, None, None]:
    """Yield the results; `n` questions for what runs in turn, and `AT_ONCE` together for the last."""
    asked = [q.question for q in make_questions(n + 2 * AT_ONCE, seed=11, split="test")]
    grid = f"{len(BUDGETS)} x {len(WAITS)} settings"
    swept, alone, looped = list[float](), list[float](), list[float]()
    decoded, longest, independent, by_loop = 0, 0, 0, 0
    loop.run(asked[-1], BUDGETS[0], 0)
    for question in asked[:n]:
        cost = sweep(engine, question, BUDGETS, WAITS).cost
        # The first sweep was to count; by the second one the prompt is in the cache, as it is for the runs that follow.
        swept.append(_seconds(lambda question=question: sweep(engine, question, BUDGETS, WAITS)))
        alone.append(_seconds(lambda question=question: _independent(engine, question)))
        began = time.perf_counter()
        by_loop += loop.grid(question, BUDGETS, WAITS)
        looped.append(time.perf_counter() - began)
        decoded, independent = decoded + cost.decoded, independent + cost.independent
        longest += _longest(engine, question) + (cost.answers - 1) * _answer_tokens(engine, question)
    ratio = median(a / b for a, b in zip(alone, swept, strict=True))
    detail = f"{sum(alone):.1f} against {sum(swept):.1f} s, {independent} against {decoded} tokens; {grid}, n = {n}"
    yield Result(what="sweep / independent runs", measured=ratio, bar=">= 6.0", passed=ratio >= 6, detail=detail)
    ratio = median(a / b for a, b in zip(looped, swept, strict=True))
    detail = f"{sum(looped):.1f} against {sum(swept):.1f} s, {by_loop} against {decoded} tokens"
    yield Result(what="sweep / README loop", measured=ratio, bar=">= 12.0", passed=ratio >= 12, detail=detail)
    ratio = decoded / longest
    yield Result(
        what="decoded / longest + answers",
        measured=ratio,
        bar="<= 1.35",
        passed=ratio <= 1.35,
        detail=f"{decoded} against {longest} tokens",
    )
    yield _many(engine, asked[n : n + AT_ONCE])


def _many(engine: Engine, asked: Sequence[str]) -> Result:
    """Many questions together: independent runs then share their forward passes, too, so that less is to be won."""

    async def swept() -> None:
        await asyncio.gather(*(asweep(engine, question, BUDGETS, WAITS) for question in asked))

    async def independent() -> None:
        await asyncio.gather(*(_one(engine, q, budget) for q in asked for budget in _grid()))

    a, b = _seconds(lambda: asyncio.run(independent())), _seconds(lambda: asyncio.run(swept()))
    return Result(
        what=f"the same, {len(asked)} at once",
        measured=a / b,
        bar="none",
        passed=True,
        detail=f"{a:.1f} against {b:.1f} s",
    )


def _grid() -> list[Budget]:
    return [Budget(max_thinking_tokens=budget, waits=count) for budget in BUDGETS for count in WAITS]


async def _one(engine: Engine, question: str, budget: Budget) -> None:
    async for _ in astream(engine, question, budget):
        pass


def _independent(engine: Engine, question: str) -> list[Trace]:
    return [Trace.from_events(stream(engine, question, budget)) for budget in _grid()]


def _longest(engine: Engine, question: str) -> int:
    trace = Trace.from_events(stream(engine, question, Budget(max_thinking_tokens=max(BUDGETS), waits=max(WAITS))))
    return sum(len(s.token_ids) for s in trace.segments if s.source == "model")


def _answer_tokens(engine: Engine, question: str) -> int:
    return Trace.from_events(stream(engine, question, Budget(max_thinking_tokens=max(BUDGETS)))).receipt.answer_tokens


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
