"""What is said to a `/v1/completions` server, and how its answer is read. No input or output of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, cast

from s1core import noise
from s1core.engines.base import Chunk, Request
from s1core.errors import EngineFailed, Unsupported
from s1core.thinking import Codec

NEVER = -100
"""The lowest bias that the protocol allows."""


class Interrupted(Exception):
    """The server stopped answering in the middle; another one can go on."""


class Continuation:
    """One request, over as many answers as it takes: `body` is what to send next, `feed` takes the lines that come.

    What a server wrote before it failed is kept; the next one continues after it, so that no token is lost or counted
    twice. A first token that is forbidden takes an answer of its own, because the protocol's bias is for all tokens.
    """

    def __init__(self, request: Request, codec: Codec, model: str, *, takes_ids: bool) -> None:
        self._request = request
        self._codec = codec
        self._model = model
        self._takes_ids = takes_ids
        self._written: list[int] = []
        self._barred: frozenset[int] = request.forbid_first
        self._ended_round = False
        self._last: Chunk | None = None
        """The end of the text, held back until the server has reported its cached tokens."""
        self._sent = 0
        """Tokens of the prompt that was sent last."""
        self.wrapped = False
        """The server has read far more than it was sent."""
        self.done = request.max_tokens < 1
        if not takes_ids:
            check_text(codec, request)

    @property
    def written(self) -> int:
        """Tokens so far."""
        return len(self._written)

    def body(self) -> dict[str, Any]:
        """Return what to send for the rest of the text."""
        request, sampling = self._request, self._request.sampling
        self._ended_round = False
        prompt = [*request.prompt_ids, *self._written]
        self._sent = len(prompt)
        stops = sorted(request.stop_ids)
        body: dict[str, Any] = {
            "model": self._model,
            "prompt": prompt if self._takes_ids else self._codec.decode(prompt),
            "max_tokens": 1 if self._barred else request.max_tokens - len(self._written),
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": noise_seed(request, len(self._written)),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        # No fields of OpenAI's, and refused by its own server: said only where they are asked for.
        body |= {"top_k": sampling.top_k} if sampling.top_k else {}
        body |= {"min_p": sampling.min_p} if sampling.min_p else {}
        bias = dict(request.logit_bias) | dict.fromkeys(sorted(self._barred), NEVER)
        body |= {"logit_bias": {str(token_id): value for token_id, value in bias.items()}} if bias else {}
        if self._takes_ids:
            body |= {"return_token_ids": True, "stop_token_ids": stops, "skip_special_tokens": False}
            body |= {"logprobs": 1} if request.logprobs else {}
        elif stops:
            body["stop"] = [self._codec.decode([i]) for i in stops][:4]
        return body

    def feed(self, line: str) -> Iterator[Chunk]:
        """Take one line of the event stream.

        Raises:
            EngineFailed: the server reports an error.
            Unsupported: the server ignores what was asked.
            Interrupted: what it says cannot be read.
        """
        if self.done or not line.startswith("data:"):
            return
        text = line[5:].strip()
        if text == "[DONE]":
            yield from self.last()
            return
        try:
            data = json.loads(text)
            if not isinstance(data, dict):
                raise TypeError
            event = cast("dict[str, Any]", data)
            if "error" in event:
                raise EngineFailed(f"the server failed: {message_of(event)}")
            choices: list[dict[str, Any]] = event.get("choices") or []
            read = prompt_tokens(event)
            # Text is cut into tokens anew there, perhaps a little otherwise.
            self.wrapped |= read is not None and read > self._sent + 4 + (0 if self._takes_ids else self._sent // 8)
            cached = _cached_tokens(event)
            if cached is not None and self._last is not None:
                total = len(self._request.prompt_ids)
                reused = min(cached, total)
                self._last = replace(self._last, prefill_computed=total - reused, prefill_reused=reused)
                yield from self.last()
            for choice in choices:
                yield from self._choice(choice)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise Interrupted(f"an answer that cannot be read ({type(error).__name__})") from None

    def last(self) -> Iterator[Chunk]:
        """Give out the end of the text if it is there."""
        if self._last is not None:
            self.done = True
            yield self._last
            self._last = None

    def closed(self) -> Iterator[Chunk]:
        """Tell that the answer is over.

        Raises:
            Interrupted: it broke off.
        """
        yield from self.last()
        if not self.done and not self._ended_round:
            raise Interrupted("the answer broke off")

    def _choice(self, choice: dict[str, Any]) -> Iterator[Chunk]:
        text: str = choice.get("text") or ""
        reported: list[int] | None = choice.get("token_ids")
        ids = [int(i) for i in reported] if reported is not None else list(self._codec.encode_user(text))
        if self._takes_ids and reported is None and text:
            raise Unsupported("this server returns no token ids; load the engine again so that it is asked by text")
        if self._barred.intersection(ids[:1]):
            raise Unsupported(
                "this server ignores logit_bias, so it cannot be kept from ending its thinking; "
                "give a wait text, or use engine='transformers'"
            )
        details = cast("dict[str, Any]", choice.get("logprobs") or {})
        logprobs = cast("list[float]", details.get("token_logprobs") or [])
        reason: str | None = choice.get("finish_reason")
        keep, finish, stop_id = self._until_stop(ids)
        if ids:
            self._barred = frozenset()
        self._written += keep
        if finish is None and reason == "stop":
            at = choice.get("stop_reason")
            finish, stop_id = "stop", at if isinstance(at, int) else None
        if finish is None and len(self._written) >= self._request.max_tokens:
            finish = "length"
        if finish is None and reason == "length":
            if not keep and not self._written:
                finish = "length"
            self._ended_round = True
        unknown = next((i for i in keep if i not in self._codec.known_ids), None)
        if unknown is not None:
            # A padding row of the vocabulary: the text goes on before it, and it is not drawn again there.
            at = len(self._written) - len(keep) + keep.index(unknown)
            keep = keep[: keep.index(unknown)]
            del self._written[at:]
            self._barred, self._ended_round, finish, stop_id = frozenset({unknown}), True, None, None
        if keep or finish:
            chunk = Chunk(
                token_ids=tuple(keep),
                finish=finish,
                stop_id=stop_id,
                logprobs=tuple(logprobs[: len(keep)]) if len(logprobs) >= len(keep) else (),
            )
            if finish is not None and reason is not None:
                self._last = chunk
                return
            self.done = finish is not None
            yield chunk

    def _until_stop(self, ids: list[int]) -> tuple[list[int], Literal["stop"] | None, int | None]:
        for n, token_id in enumerate(ids):
            if token_id in self._request.stop_ids:
                return ids[:n], "stop", token_id
        room = self._request.max_tokens - len(self._written)
        return ids[:room], None, None

    @property
    def round_over(self) -> bool:
        """The rest of this answer is of no interest."""
        return self.done or self._ended_round


def noise_seed(request: Request, written: int) -> int:
    """Seed of an answer that begins at this step; the protocol has no noise by step."""
    return noise.noise_seed(request.sampling, request.first_step + written) % 2**31


def check_text(codec: Codec, request: Request) -> None:
    """Make sure that text says the same as the ids: what a user wrote may not turn into a marker of the model.

    Raises:
        Unsupported: it would.
    """
    prompt = list(request.prompt_ids)
    markers = {i for i in set(prompt) if codec.single_id(codec.decode([i])) == i}
    again = codec.encode_template(codec.decode(prompt))
    if sum(i in markers for i in prompt) != sum(codec.single_id(codec.decode([i])) == i for i in again):
        raise Unsupported(
            "the question contains a control marker of the model and this server takes text only, where it would "
            "act as one; remove it, or use a server that takes token ids such as vLLM"
        )


def message_of(data: object) -> str:
    """Return the first line of a server's own words."""
    error: Any = cast("dict[str, Any]", data).get("error", data) if isinstance(data, dict) else data
    text = str(cast("dict[str, Any]", error).get("message", error) if isinstance(error, dict) else error)
    return next(iter(text.strip().splitlines()), "no reason given")[:300]


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
