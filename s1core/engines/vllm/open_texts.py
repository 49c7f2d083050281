"""Requests that vLLM keeps open between rounds, so that a Wait or a forced close costs only its own tokens.

vLLM's prefix cache reuses whole blocks, 32 tokens on a CPU, so of a text that is sent again the end is computed again.
A request whose input is streamed stays with all its keys and values when it ends, and takes more prompt. It drops the
last token that it sampled: an end that was not wanted, or one that is sent again with what follows.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

from s1core.engines.vllm import vllm_compat
from s1core.errors import EngineFailed

HOLD_S = 1.0
"""Seconds for which an open request waits for its continuation; it occupies KV cache meanwhile."""


@dataclass(eq=False)
class _OpenText:
    """One request of vLLM's whose input is open."""

    parts: asyncio.Queue[Any] = field(default_factory=asyncio.Queue[Any])
    """Prompts to come; None: that was the last one."""
    outputs: AsyncGenerator[Any, None] | None = None
    ids: list[int] = field(default_factory=list[int])
    """Tokens whose keys and values vLLM has."""
    timer: asyncio.TimerHandle | None = None


class OpenTexts:
    """Those that are written, or wait to be continued. To be used on vLLM's event loop."""

    def __init__(self, llm: Any, lora: Any) -> None:
        self._llm, self._lora = llm, lora
        self._part: Any = vllm_compat.load("StreamingInput")
        self._numbers = itertools.count()
        self._waiting: list[_OpenText] = []
        self._closing: set[asyncio.Task[None]] = set()

    def knows(self, prompt: Sequence[int]) -> bool:
        """Whether `prompt` continues an open text."""
        return self._find(prompt) is not None

    async def write(
        self, prompt: Sequence[int], params: Any, *, goes_on: bool
    ) -> AsyncGenerator[tuple[Any, int], None]:
        """Continue `prompt`; yield vLLM's outputs, and with each how many tokens of the prompt were known.

        Args:
            prompt: all of it.
            params: vLLM's.
            goes_on: keep the text open afterwards.

        Raises:
            EngineFailed: it was to be kept open, and vLLM ended it.
        """
        text = self._take(prompt)
        known, written, kept = len(text.ids), list[int](), False
        text.parts.put_nowait(self._part(prompt={"prompt_token_ids": list(prompt[known:])}, sampling_params=params))
        if not goes_on:
            text.parts.put_nowait(None)
        if text.outputs is None:
            name = f"s1-open-{next(self._numbers)}"
            text.outputs = self._llm.generate(_read(text.parts), params, name, lora_request=self._lora)
        assert text.outputs is not None
        try:
            async for output in text.outputs:
                written += output.outputs[0].token_ids
                if goes_on and output.outputs[0].finish_reason is not None:
                    text.ids = [*prompt, *written[:-1]]
                    kept = True
                    self._hold(text)  # before anybody can hear of it and continue it
                yield output, known
                if kept:
                    return
            if goes_on:
                raise EngineFailed("vLLM ended a text that was to go on")
        finally:
            if not kept:
                await text.outputs.aclose()

    def forget(self) -> None:
        """Drop all open requests; vLLM has ended."""
        for text in self._waiting:
            if text.timer is not None:
                text.timer.cancel()
        self._waiting.clear()

    def _find(self, prompt: Sequence[int]) -> _OpenText | None:
        return next(
            (t for t in self._waiting if len(t.ids) < len(prompt) and t.ids == list(prompt[: len(t.ids)])), None
        )

    def _take(self, prompt: Sequence[int]) -> _OpenText:
        text = self._find(prompt)
        if text is None:
            return _OpenText()
        self._waiting.remove(text)
        if text.timer is not None:
            text.timer.cancel()
        return text

    def _hold(self, text: _OpenText) -> None:
        self._waiting.append(text)
        text.timer = asyncio.get_running_loop().call_later(HOLD_S, self._let_go, text)

    def _let_go(self, text: _OpenText) -> None:
        self._waiting.remove(text)
        assert text.outputs is not None
        task = asyncio.ensure_future(text.outputs.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _read(parts: asyncio.Queue[Any]) -> AsyncGenerator[Any, None]:
    while (part := await parts.get()) is not None:
        yield part
