"""SGLang's own `/generate`: token ids in and out. Its answers repeat what came before, or not, as it was started."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

from s1core.engines.base import Chunk
from s1core.engines.http.continuation import NEVER, Continuation, event_data, noise_seed, raise_error
from s1core.errors import Unsupported


class SglangGeneration(Continuation):
    """One request to `/generate`."""

    path = "/generate"
    _seen = 0
    """Tokens of this answer that have been taken."""
    _told_prefill = False

    def _body(self, prompt: list[int], max_tokens: int) -> dict[str, Any]:
        request, sampling = self._request, self._request.sampling
        self._seen = 0
        drawn: dict[str, Any] = {
            "max_new_tokens": max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k or -1,
            "min_p": sampling.min_p,
            "sampling_seed": noise_seed(request, self.written),
            "stop_token_ids": sorted(request.stop_ids),
            "skip_special_tokens": False,
        }
        if self._barred:
            drawn["logit_bias"] = {str(i): NEVER for i in sorted(self._barred)}
        body: dict[str, Any] = {"input_ids": prompt, "sampling_params": drawn, "stream": True}
        return body | ({"return_logprob": True} if request.logprobs else {})

    def _read(self, line: str) -> Iterator[Chunk]:
        text = event_data(line)
        if not text or text == "[DONE]":
            return
        event = cast("dict[str, Any]", json.loads(text))
        raise_error(event)
        facts: dict[str, Any] = event["meta_info"]
        reported: list[int] | None = event.get("output_ids")
        if reported is None:
            raise Unsupported("this SGLang server returns no token ids; update it, or use engine='transformers'")
        count = int(facts["completion_tokens"])
        # All tokens so far, or those that are new.
        ids = [int(i) for i in (reported[self._seen :] if len(reported) >= count else reported)]
        self._seen = count
        if not self._told_prefill:
            self._told_prefill = True
            yield self._with_prefill(Chunk(token_ids=()), int(facts.get("cached_tokens") or 0))
        ended: dict[str, Any] = facts.get("finish_reason") or {}
        if ended.get("type") == "abort":
            raise ValueError("it was aborted there")
        at = ended.get("matched")
        yield from self._take(
            ids,
            reason=ended.get("type"),
            stop_id=at if isinstance(at, int) else None,
            logprobs=_logprobs(facts, len(ids)) if self._request.logprobs else (),
        )


def _logprobs(facts: dict[str, Any], count: int) -> list[float]:
    rows: list[list[Any]] = facts.get("output_token_logprobs") or []
    return [float(row[0]) for row in rows[len(rows) - count :]] if count else []
