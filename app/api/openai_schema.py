"""What OpenAI's protocol says of a run: a body -> what is asked, events -> chunks, a trace -> a reply. Pure.

Nothing that a client asks for is dropped in silence: what cannot be done here is refused by name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Literal

from app.access.json_depth import is_deeper
from app.runs.request import MAX_QUESTION_CHARACTERS, Asked, read_settings
from s1core import S1Error
from s1core.errors import InvalidSetting
from s1core.types import Event, Finished, Receipt, Tokens, Trace

Kind = Literal["chat", "text"]
"""`/v1/chat/completions` or `/v1/completions`."""
Json = dict[str, Any]

MOST_BYTES = 3 * 2**20
"""Of a body: the longest question, with every character escaped."""
MOST_DEPTH = 16
MOST_MESSAGES = 64
UNBOUNDED = 2**31 - 1

_SETTINGS = ("thinking_budget", "min_thinking_tokens", "waits", "wait_text", "temperature", "seed", "max_tokens")
_ABOUT_THE_CLIENT = frozenset(
    {"user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "parallel_tool_calls"}
)
"""These ask nothing of the model."""
_ONLY: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "echo": (False,),
    "top_p": (1,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logprobs": (False, 0),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "stop": ([],),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "suffix": ("",),
}
"""Settings of the protocol that have one value here; null always means that one."""
_TEXT_PARTS = ("text", "input_text")


class BadRequest(S1Error, ValueError):
    """The body cannot be understood, or asks for what is not done here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A valid request."""

    kind: Kind
    asked: Asked
    system: str | None
    stream: bool
    include_usage: bool
    """A streamed reply ends with what was spent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What all parts of one reply have in common."""

    kind: Kind
    id: str
    model: str
    created_s: int

    def whole(self, trace: Trace) -> Json:
        """Return the reply to a request that does not stream."""
        choice: Json = {"index": 0, "finish_reason": _finish_reason(trace.receipt), "logprobs": None}
        thinking = trace.thinking_text
        if self.kind == "chat":
            message = {"role": "assistant", "content": trace.answer_text, "reasoning_content": thinking}
            choice |= {"message": message}
        else:
            choice |= {"text": trace.answer_text, "reasoning_content": thinking}
        extra = {"usage": usage(trace.receipt), **_receipt(trace.answer, trace.receipt)}
        return self._head(streamed=False) | {"choices": [choice]} | extra

    def first(self) -> list[Json]:
        """Return the chunks before the model has written anything."""
        return [self._chunk({"role": "assistant", "content": ""})] if self.kind == "chat" else []

    def chunks(self, event: Event, *, include_usage: bool) -> list[Json]:
        """Return the chunks that tell of one event; the marker that closes the thinking is no part of either text."""
        if isinstance(event, Tokens) and event.text:
            if event.phase == "thinking":
                return [self._chunk({"reasoning_content": event.text})]
            return [self._chunk({"content": event.text})] if event.source == "model" else []
        if isinstance(event, Finished):
            receipt = event.receipt
            last = self._chunk({}, finish_reason=_finish_reason(receipt)) | _receipt(event.answer, receipt)
            spent = [self._head(streamed=True) | {"choices": [], "usage": usage(receipt)}] if include_usage else []
            return [last, *spent]
        return []

    def _head(self, *, streamed: bool) -> Json:
        chat = "chat.completion.chunk" if streamed else "chat.completion"
        kind = chat if self.kind == "chat" else "text_completion"
        return {"id": self.id, "object": kind, "created": self.created_s, "model": self.model}

    def _chunk(self, delta: Json, *, finish_reason: str | None = None) -> Json:
        choice: Json = {"index": 0, "finish_reason": finish_reason, "logprobs": None}
        if self.kind == "chat":
            choice |= {"delta": delta}
        else:
            choice |= {"text": delta.pop("content", ""), **delta}
        return self._head(streamed=True) | {"choices": [choice]}


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


def read_ask(kind: Kind, body: Json) -> Ask:
    """Check a body field by field.

    Raises:
        S1Error: the message names the field and the remedy.
    """
    _refuse_what_is_not_done(kind, body)
    system, question = _read_messages(body.get("messages")) if kind == "chat" else (None, _prompt(body.get("prompt")))
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise BadRequest("model must name one of the models of /v1/models.")
    stream, include_usage = _read_stream(body)
    return Ask(
        kind=kind,
        asked=_read_settings(question, model, body),
        system=system,
        stream=stream,
        include_usage=include_usage,
    )


def usage(receipt: Receipt) -> Json:
    """Return what was spent: thinking counts as reasoning, and forced Waits count as thinking."""
    completion = receipt.thinking_tokens + receipt.answer_tokens
    return {
        "prompt_tokens": receipt.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": receipt.prompt_tokens + completion,
        "completion_tokens_details": {"reasoning_tokens": receipt.thinking_tokens},
    }


def _refuse_what_is_not_done(kind: Kind, body: Json) -> None:
    if body.get("max_completion_tokens") is not None:
        raise BadRequest(
            "max_completion_tokens would bound thinking and answer together, which is not done here; "
            "give thinking_budget and max_tokens instead."
        )
    asks = "messages" if kind == "chat" else "prompt"
    known = {*_SETTINGS, *_ABOUT_THE_CLIENT, *_ONLY, asks, "model", "stream", "stream_options", "max_completion_tokens"}
    for name, value in body.items():
        if name not in known:
            raise BadRequest(f"There is no field {name[:60]!r} here; docs/api.md names those that there are.")
        if name in _ONLY and value is not None and value not in _ONLY[name]:
            raise BadRequest(f"{name} can only be {json.dumps(_ONLY[name][0])} here; leave it out.")


def _read_settings(question: str, model: str, body: Json) -> Asked:
    given = {name: body.get(name) for name in _SETTINGS}
    for name, value in given.items():
        fits = (str,) if name == "wait_text" else (int, float)
        if value is not None and (not isinstance(value, fits) or isinstance(value, bool)):
            raise BadRequest(f"{name} must be a {'text' if name == 'wait_text' else 'number'}.")
    if given["max_tokens"] == 0:
        raise InvalidSetting("max_tokens must be 1 or more, so that an answer can follow.")
    budget, wait_text = given["thinking_budget"], given["wait_text"]
    asked = read_settings(
        question,
        model,
        UNBOUNDED if budget is None else budget,
        given["waits"] or 0,
        "Wait" if wait_text is None else wait_text,
        temperature=given["temperature"] or 0,
        seed=given["seed"] or 0,
        min_tokens=given["min_thinking_tokens"] or 0,
        max_answer=given["max_tokens"] or 0,
    )
    if budget is not None:
        return asked
    return replace(asked, budget=replace(asked.budget, max_thinking_tokens=None))


def _read_stream(body: Json) -> tuple[bool, bool]:
    stream, options = body.get("stream"), body.get("stream_options")
    if stream is not None and not isinstance(stream, bool):
        raise BadRequest("stream must be true or false.")
    if options is not None and not isinstance(options, dict):
        raise BadRequest('stream_options must be an object such as {"include_usage": true}.')
    return bool(stream), bool((options or {}).get("include_usage"))


def _read_messages(messages: Any) -> tuple[str | None, str]:
    """Return the system turn and the question."""
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages must be a list that ends with a question of the role user.")
    if len(messages) > MOST_MESSAGES:
        raise BadRequest(f"messages has {len(messages)} turns; {MOST_MESSAGES} are the most.")
    if not all(isinstance(message, dict) for message in messages):
        raise BadRequest("Every message must be an object with role and content.")
    *before, last = messages
    if last.get("role") != "user" or any(message.get("role") not in ("system", "developer") for message in before):
        raise BadRequest(
            "The models here answer one question at a time: send any system messages and then one of the role user."
        )
    system = "\n\n".join(_content(message.get("content")) for message in before)
    if len(system) > MAX_QUESTION_CHARACTERS:
        raise BadRequest(f"The system messages have more than {MAX_QUESTION_CHARACTERS:,} characters; shorten them.")
    return system or None, _content(last.get("content"))


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(_is_text(part) for part in content):
        return "".join(part["text"] for part in content)
    raise BadRequest("The content of a message must be text; the models here read nothing else.")


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in _TEXT_PARTS and isinstance(part.get("text"), str)


def _prompt(prompt: Any) -> str:
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise BadRequest("prompt must be one text; send several in requests of their own.")
    return prompt


def _finish_reason(receipt: Receipt) -> str:
    return "stop" if receipt.answer_complete else "length"


def _receipt(answer: str | None, receipt: Receipt) -> Json:
    return {"answer": answer, "receipt": receipt.as_dict()}
