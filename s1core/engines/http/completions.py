"""OpenAI's `/v1/completions`, with the extensions of vLLM by which token ids go in and come out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

from s1core.engines.base import Chunk, Request
from s1core.engines.http.continuation import NEVER, Continuation, check_text, event_data, noise_seed, raise_error
from s1core.errors import EngineFailed, Unsupported
from s1core.thinking import Codec

SLACK = 16
"""Characters: what a stop string may add, or a replacement character hide."""


class Completion(Continuation):
    """One request to `/v1/completions`."""

    path = "/v1/completions"

    def __init__(self, request: Request, codec: Codec, model: str, *, takes_ids: bool) -> None:
        super().__init__(request, codec, model)
        self._takes_ids = takes_ids
        self._sent = 0
        """Tokens of the prompt that was sent last."""
        self._surplus = 0
        """Characters of text without ids. A server may name the ids of a character before its text, never after it."""
        if not takes_ids:
            check_text(codec, request)

    def _body(self, prompt: list[int], max_tokens: int) -> dict[str, Any]:
        request, sampling = self._request, self._request.sampling
        self._sent = len(prompt)
        stops = sorted(request.stop_ids)
        body: dict[str, Any] = {
            "model": self._model,
            "prompt": prompt if self._takes_ids else self._codec.decode(prompt),
            "max_tokens": max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": noise_seed(request, self.written),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        # No fields of OpenAI's, and refused by its own server: said only where they are asked for.
        body |= {"top_k": sampling.top_k} if sampling.top_k else {}
        body |= {"min_p": sampling.min_p} if sampling.min_p else {}
        if self._barred:
            body["logit_bias"] = {str(i): NEVER for i in sorted(self._barred)}
        if self._takes_ids:
            body |= {"return_token_ids": True, "stop_token_ids": stops, "skip_special_tokens": False}
            body |= {"logprobs": 1} if request.logprobs else {}
        elif stops:
            body["stop"] = [self._codec.decode([i]) for i in stops][:4]
        return body

    def _read(self, line: str) -> Iterator[Chunk]:
        text = event_data(line)
        if text is None:
            return
        if text == "[DONE]":
            yield from self.last()
            return
        data = json.loads(text)
        if not isinstance(data, dict):
            raise TypeError
        event = cast("dict[str, Any]", data)
        raise_error(event)
        self._named(event)
        choices: list[dict[str, Any]] = event.get("choices") or []
        read = prompt_tokens(event)
        # Text is cut into tokens anew there, perhaps a little otherwise.
        self.wrapped |= read is not None and read > self._sent + 4 + (0 if self._takes_ids else self._sent // 8)
        cached = _cached_tokens(event)
        if cached is not None and self._last is not None:
            self._last = self._with_prefill(self._last, cached)
            yield from self.last()
        for choice in choices:
            yield from self._choice(choice)

    def _choice(self, choice: dict[str, Any]) -> Iterator[Chunk]:
        text: str = choice.get("text") or ""
        reported: list[int] | None = choice.get("token_ids")
        ids = [int(i) for i in reported] if reported is not None else list(self._codec.encode_user(text))
        if self._takes_ids and reported is None and text:
            raise Unsupported("this server returns no token ids; load the engine again so that it is asked by text")
        self._surplus += len(text) - (len(self._codec.decode(ids)) if self._takes_ids else len(text))
        if self._surplus > SLACK:
            raise EngineFailed(
                "the server returned fewer token ids than text; use another one, or engine='transformers'"
            )
        details = cast("dict[str, Any]", choice.get("logprobs") or {})
        reason, at = choice.get("finish_reason"), choice.get("stop_reason")
        yield from self._take(
            ids,
            reason=reason,
            stop_id=at if isinstance(at, int) else None,
            logprobs=cast("list[float]", details.get("token_logprobs") or []),
            hold=reason is not None,
        )


def prompt_tokens(answer: dict[str, Any]) -> int | None:
    """How many tokens of a prompt a server says to have read."""
    usage: Any = answer.get("usage")
    reported: Any = cast("dict[str, Any]", usage).get("prompt_tokens") if isinstance(usage, dict) else None
    return reported if isinstance(reported, int) and not isinstance(reported, bool) else None


def _cached_tokens(event: dict[str, Any]) -> int | None:
    usage: dict[str, Any] = event.get("usage") or {}
    details: dict[str, Any] = usage.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens")
    return cached if isinstance(cached, int) else None
