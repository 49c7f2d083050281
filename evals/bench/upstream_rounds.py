"""Budget forcing in the original's manner on our vLLM engine, to measure against: text in, text out, in rounds.

The original's harness sends a whole batch, waits for its last text, appends "Wait" to each and sends all of it again;
its README does so with one question after the other. Here both run on the engine's own vLLM, with its prefix cache.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from transformers import AutoTokenizer

from s1core.engines.vllm import vllm_compat
from s1core.engines.vllm.engine import VllmEngine
from s1core.models import resolve

Result = TypeVar("Result")


class OriginalLoop:
    """Thinks for at most `thinking_tokens` in all, ignores `waits` ends, then answers."""

    def __init__(self, engine: VllmEngine, *, thinking_tokens: int, waits: int, answer_tokens: int) -> None:
        self._engine = engine
        self._thinking_tokens, self._waits, self._answer_tokens = thinking_tokens, waits, answer_tokens
        self._tokenizer: Any = AutoTokenizer.from_pretrained(resolve(engine.model).location)
        ends = [i for name in ("<|im_start|>", "<|im_end|>") if (i := engine.codec.single_id(name)) is not None]
        self._ends = sorted({*ends, *engine.codec.eos_ids})
        self._numbers = itertools.count()
        self._params: Any = vllm_compat.load("SamplingParams")
        self._whole: Any = vllm_compat.load("RequestOutputKind").FINAL_ONLY

    async def one_by_one(self, questions: Sequence[str]) -> int:
        """Ask one question after the other, as the README does; return the tokens sampled."""
        return sum([await self.in_rounds([question]) for question in questions])

    async def in_rounds(self, questions: Sequence[str]) -> int:
        """Ask all questions, round after round, as the harness does; return the tokens sampled."""
        texts = [self._prompt(question) for question in questions]
        left = [self._thinking_tokens] * len(texts)
        sampled = 0
        for again in range(self._waits, -1, -1):
            for n, (thought, count) in enumerate(await self._round(texts, left)):
                texts[n] += thought + ("Wait" if again and left[n] else "")
                left[n] -= count
                sampled += count
        closing = self._engine.format.closing_text
        texts = [t + closing(by_model=False, thinking_text=t, final_answer_text="Final Answer:") for t in texts]
        return sampled + sum(count for _, count in await self._round(texts, [self._answer_tokens] * len(texts)))

    def _prompt(self, question: str) -> str:
        messages = [{"role": "user", "content": question}]
        text = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return text + self._engine.format.open

    async def _round(self, texts: Sequence[str], most: Sequence[int]) -> list[tuple[str, int]]:
        everything = asyncio.gather(*(self._write(text, limit) for text, limit in zip(texts, most, strict=True)))
        return await everything

    async def _write(self, text: str, most: int) -> tuple[str, int]:
        return ("", 0) if most < 1 else await self._on_engine(self._generate(text, most))

    async def _on_engine(self, work: Coroutine[Any, Any, Result]) -> Result:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._engine._loop))

    async def _generate(self, text: str, most: int) -> tuple[str, int]:
        params = self._params(
            max_tokens=most,
            temperature=0.0,
            stop_token_ids=self._ends,
            skip_special_tokens=False,
            output_kind=self._whole,
        )
        result = None
        async for output in self._engine._llm.generate(text, params, f"original-{next(self._numbers)}"):
            result = output.outputs[0]
        assert result is not None
        return result.text, len(result.token_ids)
