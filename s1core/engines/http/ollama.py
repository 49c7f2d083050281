"""Ollama's `/api/generate` in its raw mode, which puts no chat template around a prompt. Text goes in and comes out.

Its other endpoints apply a template to whatever they are sent, without saying so, and are never used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

from s1core.engines.base import Chunk, Request
from s1core.engines.http.continuation import Continuation, check_text, noise_seed, raise_error
from s1core.thinking import Codec

_MOST_STOPS = 8


class OllamaGeneration(Continuation):
    """One request to `/api/generate`."""

    path = "/api/generate"

    def __init__(self, request: Request, codec: Codec, model: str, *, context_length: int) -> None:
        super().__init__(request, codec, model)
        # It takes no bias. What needs one is refused before a run; the rest is a precaution that is left out here.
        self._barred = frozenset()
        self._context_length = context_length
        check_text(codec, request)

    def _body(self, prompt: list[int], max_tokens: int) -> dict[str, Any]:
        request, sampling = self._request, self._request.sampling
        options: dict[str, Any] = {
            "num_predict": max_tokens,
            "num_ctx": self._context_length,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "min_p": sampling.min_p,
            "repeat_penalty": 1.0,
            "seed": noise_seed(request, self.written),
            "stop": [self._codec.decode([i]) for i in sorted(request.stop_ids)][:_MOST_STOPS],
        }
        return {
            "model": self._model,
            "prompt": self._codec.decode(prompt),
            "raw": True,
            "stream": True,
            # Else it takes the thinking out of the text, cuts prompts that are too long, and forgets their beginning.
            "think": False,
            "truncate": False,
            "shift": False,
            "options": options,
        }

    def _read(self, line: str) -> Iterator[Chunk]:
        if not line.strip():
            return
        event = cast("dict[str, Any]", json.loads(line))
        raise_error(event)
        self._named(event)
        text = str(event.get("thinking") or "") + str(event.get("response") or "")
        over = bool(event["done"])
        reason = event.get("done_reason")
        yield from self._take(
            self._codec.encode_user(text), reason=("length" if reason == "length" else "stop") if over else None
        )
