"""llama.cpp's own `/completion`: token ids in and out, and how much of a prompt its slot had read before.

A stream holds tokens back while a character is incomplete, and then names the last of them alone, but counts them all.
The others are found again from the text; where that is not certain, they are asked for once more in one piece.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import httpx

from s1core.engines.base import Chunk, Request
from s1core.engines.http.continuation import Continuation, event_data, noise_seed, raise_error
from s1core.errors import EngineFailed, Unsupported
from s1core.thinking import Codec

ANY_SLOT = -1


class LlamaCompletion(Continuation):
    """One request to `/completion`."""

    path = "/completion"

    def __init__(self, request: Request, codec: Codec, model: str, *, slot: int = ANY_SLOT) -> None:
        super().__init__(request, codec, model)
        self.slot = slot
        self._counted = 0
        """Tokens of this answer that have been seen."""
        self._in_one_piece = 0
        """Tokens to ask for without a stream, since a stream did not name them."""
        self._told_prefill = False

    def _body(self, prompt: list[int], max_tokens: int) -> dict[str, Any]:
        request, sampling = self._request, self._request.sampling
        streamed = not self._in_one_piece
        body: dict[str, Any] = {
            "model": self._model,
            "prompt": prompt,
            "n_predict": max_tokens if streamed else min(max_tokens, self._in_one_piece),
            "stream": streamed,
            "return_tokens": True,
            "return_progress": True,
            "cache_prompt": True,
            "id_slot": self.slot,
            "seed": noise_seed(request, self.written),
            # Found in the text where control tokens are shown there; elsewhere their ids are recognised here.
            "stop": [self._codec.decode([i]) for i in sorted(request.stop_ids)],
        }
        if sampling.temperature > 0:
            body |= {"temperature": sampling.temperature, "samplers": ["temperature", "min_p", "top_k", "top_p"]}
            body |= {"top_k": sampling.top_k, "top_p": sampling.top_p, "min_p": sampling.min_p}
        else:
            body |= {"samplers": ["top_k"], "top_k": 1}
        if self._barred:
            body["logit_bias"] = [[i, False] for i in sorted(self._barred)]
        if request.logprobs:
            body["n_probs"] = 1
        self._counted = self._in_one_piece = 0
        return body

    def _read(self, line: str) -> Iterator[Chunk]:
        text = line if line.startswith("{") else event_data(line.removeprefix("error:") if "error:" in line else line)
        if not text or text == "[DONE]":
            return
        event = cast("dict[str, Any]", json.loads(text))
        raise_error(event)
        self._named(event)
        progress: dict[str, Any] | None = event.get("prompt_progress")
        if progress is not None:
            if progress["processed"] >= progress["total"]:
                yield from self._prefilled(progress["cache"])
            return
        yield from self._tokens(event)
        if event["stop"] and not self.done:
            yield from self._ended(event)

    def _prefilled(self, reused: int) -> Iterator[Chunk]:
        """Report what the first answer computed of the prompt; later ones read what is known already."""
        if not self._told_prefill:
            self._told_prefill = True
            yield self._with_prefill(Chunk(token_ids=()), int(reused))

    def _tokens(self, event: dict[str, Any]) -> Iterator[Chunk]:
        ids = [int(i) for i in event.get("tokens") or ()]
        if event["content"] and not ids:
            raise Unsupported("this llama.cpp server returns no token ids; update it, or use engine='transformers'")
        missing = event["tokens_predicted"] - self._counted - len(ids)
        if ids and missing > 0:
            guessed = self._codec.encode_user(event["content"])
            if len(guessed) != missing + len(ids) or guessed[-1] != ids[-1]:
                self._ask_again(missing + len(ids))
                return
            ids = list(guessed)
        if ids:
            self._counted += len(ids)
            yield from self._take(ids, logprobs=_logprobs(event, ids) if self._request.logprobs else ())

    def _ended(self, event: dict[str, Any]) -> Iterator[Chunk]:
        if not self._counted and not event["tokens_predicted"]:
            raise ValueError("it wrote nothing, and would be asked forever")
        missing = event["tokens_predicted"] - self._counted
        if missing > 0 and not self.round_over:
            self._ask_again(missing)
        elif not self.round_over:
            # At the name of a stop token in plain letters, and at an end of llama.cpp's own that nobody asked for, the
            # text goes on, as it does on other engines.
            limit = event.get("stop_type") == "limit"
            self._ended_round = True
            yield from self._take((), reason="length" if limit else None)

    def _ask_again(self, tokens: int) -> None:
        self._ended_round, self._in_one_piece = True, tokens


def tokenizer_of(client: httpx.Client, url: str) -> Callable[[str, bool], list[int]]:
    """Return the tokenizer of a llama.cpp server: `(text, special)` to ids."""

    def tokenize(text: str, special: bool) -> list[int]:
        try:
            response = client.post(f"{url}/tokenize", json={"content": text, "parse_special": special})
            response.raise_for_status()
            return response.json()["tokens"]
        except (httpx.HTTPError, ValueError, KeyError, RuntimeError) as error:
            raise EngineFailed(f"{url} does not cut text into tokens ({error}); check that it runs") from error

    return tokenize


def _logprobs(event: dict[str, Any], ids: Sequence[int]) -> list[float]:
    """The log probabilities that the server names; of tokens that leave a character incomplete it names none."""
    named: list[dict[str, Any]] = event.get("completion_probabilities") or []
    by_place = [float(each["logprob"]) for each in named]
    if len(by_place) == len(ids):
        return by_place
    last = by_place[-1] if named and named[-1]["id"] == ids[-1] else math.nan
    return [math.nan] * (len(ids) - 1) + [last]
