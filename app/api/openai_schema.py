"""What OpenAI's protocol asks for: a body -> a request, or one sentence that says what is wrong. Pure.

Nothing that a client asks for is dropped in silence: what cannot be done here is refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.access.json_depth import is_deeper
from app.api.budgets import EFFORTS, TokenLimits, read_limits
from app.api.budgets import FIELDS as LIMITS
from app.api.fields import (
    BadRequest,
    mapping,
    none_but,
    number,
    read_seed,
    shortened,
    shown,
    text,
    truth,
    whole,
    whole_or_unlimited,
    without_nulls,
)
from app.api.messages import Chat, Prompt, read_chat, read_prompts
from app.runs.request import MAX_COUNT, MAX_WAIT_TEXT_CHARACTERS, MAX_WAITS
from s1core.formats import ThinkingFormat
from s1core.settings import MOST_LANDING_BIAS, MOST_LOOP_TOKENS, Budget
from s1core.types import Sampling

Kind = Literal["chat", "text"]
"""`/v1/chat/completions` or `/v1/completions`."""
Json = dict[str, Any]

MOST_BYTES = 3 * 2**20
"""Of a body: the longest question, with every character escaped."""
MOST_DEPTH = 16
MOST_NAME_CHARACTERS = 1_000
MOST_STOPS = 4
MOST_STOP_CHARACTERS = 200
MOST_CHOICES = 64
COLDEST = 1e-5
"""Below this temperature probabilities are beyond a float's range; it is greedy, as on other servers."""

_SETTINGS = (
    *LIMITS,
    *("min_thinking_tokens", "waits", "wait_text", "temperature", "top_p", "top_k", "min_p", "seed", "n", "stop"),
    *("final_answer_text", "closing_advice", "landing_text", "landing_bias", "landing_share"),
    *("loop_repeats", "loop_tokens", "reasoning_format"),
)
_ABOUT_THE_CLIENT = frozenset(
    {
        *("user", "metadata", "store", "service_tier", "safety_identifier", "parallel_tool_calls"),
        *("prompt_cache_key", "prompt_cache_retention", "request_id"),
    }
)
"""These ask nothing of the model."""
_ONLY: dict[str, tuple[Any, ...]] = {
    "echo": (False,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "repetition_penalty": (1,),
    "logprobs": (False, 0),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "verbosity": ("medium",),
    "suffix": ("",),
    "ignore_eos": (False,),
    "skip_special_tokens": (True,),
    "include_reasoning": (True,),
}
"""Settings of the protocol that have one value here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A valid request."""

    kind: Kind
    model: str
    chat: Chat | None
    """None for a text."""
    prompts: tuple[Prompt, ...]
    """Questions, each answered by itself; one in a chat."""
    samples: int
    """Answers to each of them."""
    budget: Budget
    """Without the token limits, which `limits` holds."""
    advised: bool
    """The thinking is closed as the makers of the model's family advise."""
    limits: TokenLimits
    sampling: Sampling
    stop: tuple[str, ...]
    raw: bool
    """Thinking is part of the text."""
    stream: bool
    include_usage: bool
    """A streamed reply ends with what was spent."""

    def closing(self, fmt: ThinkingFormat) -> Budget:
        """Return the budget with the closing words of the model's family, where these are wanted."""
        return fmt.advised(self.budget) if self.advised else self.budget

    @property
    def choices(self) -> int:
        """Runs that it takes."""
        return len(self.prompts) * self.samples


def read_body(content: bytes) -> Json:
    """Parse a body.

    Raises:
        BadRequest: it is no JSON object, or is nested deeper than any request is.
    """
    if is_deeper(content, MOST_DEPTH):
        raise BadRequest(f"The body is nested more than {MOST_DEPTH} deep; no request needs that.")
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON; send an object such as the ones in docs/api.md.") from None
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object with the fields that docs/api.md names.")
    return body


def read_ask(kind: Kind, body: Json, efforts: Mapping[str, int] = EFFORTS, *, most_by_effort: int | None = None) -> Ask:
    """Check a body field by field; null is an absent field everywhere.

    Args:
        kind: of the endpoint.
        body: what was sent.
        efforts: thinking tokens by effort.
        most_by_effort: thinking tokens that an effort may come to.

    Raises:
        S1Error: the message names the field and the remedy.
    """
    prompt, body = body.get("prompt"), without_nulls(body)
    _refuse_what_is_not_done(kind, body)
    chat = read_chat(body.get("messages")) if kind == "chat" else None
    prompts = (chat.question,) if chat else read_prompts(prompt)  # a null among them would shift the others
    model = body.get("model")
    if not isinstance(model, str) or not 0 < len(model) <= MOST_NAME_CHARACTERS:
        raise BadRequest("model must name one of the models of /v1/models.")
    stream, include_usage = _read_stream(body)
    ask = Ask(
        kind=kind,
        model=model,
        chat=chat,
        prompts=prompts,
        samples=_samples(body),
        budget=_budget(body),
        advised=_advised(body),
        limits=read_limits(body, efforts, most_by_effort=most_by_effort),
        sampling=_sampling(body),
        stop=_stop(body.get("stop")),
        raw=_is_raw(body.get("reasoning_format", "parsed")),
        stream=stream,
        include_usage=include_usage,
    )
    if ask.choices > MOST_CHOICES:
        raise BadRequest(f"prompt and n ask for {ask.choices} answers; {MOST_CHOICES} are the most of one request.")
    return ask


def _refuse_what_is_not_done(kind: Kind, body: Json) -> None:
    asks = "messages" if kind == "chat" else "prompt"
    known = {*_SETTINGS, *_ABOUT_THE_CLIENT, *_ONLY, asks, "model", "stream", "stream_options", "best_of"}
    for name, value in body.items():
        if name not in known:
            raise BadRequest(f"There is no field {shortened(name)!r} here; docs/api.md names those that there are.")
        if name in _ONLY and value not in _ONLY[name]:
            raise BadRequest(f"{name} can only be {json.dumps(_ONLY[name][0])} here; leave it out.")


def _samples(body: Json) -> int:
    samples = whole("n", body.get("n", 1), at_least=1, at_most=MAX_COUNT)
    if body.get("best_of", samples) != samples:
        raise BadRequest("best_of can only be n here, since every answer is returned; leave it out.")
    return samples


def _budget(body: Json) -> Budget:
    usual = Budget()
    return Budget(
        min_thinking_tokens=whole("min_thinking_tokens", body.get("min_thinking_tokens", 0)),
        waits=whole("waits", body.get("waits", 0), at_most=MAX_WAITS),
        wait_text=_words("wait_text", body, usual.wait_text),
        final_answer_text=_words("final_answer_text", body, usual.final_answer_text),
        landing_text=_words("landing_text", body, usual.landing_text),
        landing_bias=_between("landing_bias", body, usual.landing_bias, most=MOST_LANDING_BIAS),
        landing_share=_between("landing_share", body, usual.landing_share, most=1),
        loop_repeats=whole("loop_repeats", body.get("loop_repeats", usual.loop_repeats), at_most=MAX_COUNT),
        loop_tokens=whole(
            "loop_tokens", body.get("loop_tokens", usual.loop_tokens), at_least=1, at_most=MOST_LOOP_TOKENS
        ),
    )


def _words(name: str, body: Json, usual: str) -> str:
    """Read a text that is written into the model's own."""
    words = text(name, body.get(name, usual))
    if len(words) > MAX_WAIT_TEXT_CHARACTERS:
        raise BadRequest(f"{name} has {len(words):,} characters; {MAX_WAIT_TEXT_CHARACTERS} are the most.")
    return words


def _between(name: str, body: Json, usual: float, *, most: float) -> float:
    value = number(name, body.get(name, usual))
    if not 0 <= value <= most:
        raise BadRequest(f"{name} must lie between 0 and {most:g}, not {shown(body[name])}.")
    return value


def _advised(body: Json) -> bool:
    advised = truth("closing_advice", body.get("closing_advice", False))
    said = [name for name in ("final_answer_text", "landing_text", "landing_bias", "landing_share") if name in body]
    if advised and said:
        raise BadRequest(f"closing_advice says how the thinking is closed, and so does {said[0]}; give one of them.")
    return advised


def _sampling(body: Json) -> Sampling:
    temperature = number("temperature", body.get("temperature", 0))
    if not 0 <= temperature <= 10:
        raise BadRequest(f"temperature must lie between 0 and 10, not {shown(body['temperature'])}.")
    top_p = number("top_p", body.get("top_p", 1))
    if not 0 < top_p <= 1:
        raise BadRequest(f"top_p must be above 0 and at most 1, not {shown(body['top_p'])}.")
    min_p = number("min_p", body.get("min_p", 0))
    if not 0 <= min_p <= 1:
        raise BadRequest(f"min_p must lie between 0 and 1, not {shown(body['min_p'])}.")
    if temperature < COLDEST:
        temperature = 0.0
    return Sampling(
        temperature=temperature,
        top_p=top_p,
        top_k=whole_or_unlimited("top_k", body.get("top_k", 0)) or 0,  # -1 and 0 keep all, as on other servers
        min_p=min_p,
        seed=read_seed("seed", body.get("seed"), drawn=temperature > 0),
    )


def _stop(given: Any) -> tuple[str, ...]:
    stops = [given] if isinstance(given, str) else [] if given is None else given
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise BadRequest("stop must be a text, or a list of texts.")
    stops = list(dict.fromkeys(stop for stop in stops if stop))
    if len(stops) > MOST_STOPS:
        raise BadRequest(f"stop has {len(stops)} texts; {MOST_STOPS} are the most.")
    if any(len(stop) > MOST_STOP_CHARACTERS for stop in stops):
        raise BadRequest(f"A text of stop has more than {MOST_STOP_CHARACTERS} characters; shorten it.")
    return tuple(stops)


def _is_raw(given: Any) -> bool:
    if given not in ("parsed", "raw"):
        raise BadRequest(f"reasoning_format must be parsed or raw, not {shown(given)}.")
    return given == "raw"


def _read_stream(body: Json) -> tuple[bool, bool]:
    options = mapping("stream_options", body.get("stream_options", {}), '{"include_usage": true}')
    none_but("stream_options", options, ("include_usage", "include_obfuscation"))
    include_usage = truth("stream_options.include_usage", options.get("include_usage", False))
    return truth("stream", body.get("stream", False)), include_usage
