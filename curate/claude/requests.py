"""One request to Claude: how it is put, how an answer is read, and what kinds of fault there are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx2
from anthropic.types import Message

from curate.claude.journal import Answered
from curate.claude.prices import ClaudeModel, Usage
from curate.claude.tasks import Ask, Task
from curate.rows import CurateError

KEY_VARIABLE = "ANTHROPIC_API_KEY"
TIMEOUT_S = 180.0


class Busy(Exception):
    """Turned away: nothing was done and nothing is charged. Worth another try."""

    def __init__(self, why: str, wait_s: float | None) -> None:
        super().__init__(why)
        self.wait_s = wait_s
        """What the server asked for, if it did."""


class Unclear(Exception):
    """No reply came; whether the request was worked on, and charged, is not known. Worth another try."""


class Invalid(Exception):
    """This request will never be answered; a retry cannot help."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """An answer as it was read."""

    outcome: Answered
    value: str | None
    text: str
    usage: Usage


def connect(api_key: str, *, timeout_s: float = TIMEOUT_S) -> anthropic.Anthropic:
    """A client that never repeats a request by itself: each is in the journal before it is sent."""
    return anthropic.Anthropic(api_key=api_key, max_retries=0, timeout=timeout_s)


def find_key(ask: Callable[[], str] | None = None) -> str:
    """The API key, from the environment or by asking for it. It is never written anywhere.

    Args:
        ask: asks the user without showing what is typed; None where nobody can be asked.

    Raises:
        CurateError: there is none, or it can be none.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip() or (ask().strip() if ask else "")
    if not key:
        raise CurateError(
            f"Claude needs an API key: set {KEY_VARIABLE}, or work without it: --judge local --domains local"
        )
    if not (key.isascii() and key.isprintable()):
        raise CurateError(f"the API key holds characters that no key has; set {KEY_VARIABLE} anew")
    return key


def parameters(model_name: str, model: ClaudeModel, task: Task, ask: Ask) -> dict[str, Any]:
    """The body of a request. What is the same for all questions of a task comes first and is marked for caching."""
    return {
        "model": model_name,
        "max_tokens": task.max_tokens,
        "system": [{"type": "text", "text": task.system, "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "messages": [{"role": "user", "content": ask.text}],
        **model.options,
    }


def worst_usd(model: ClaudeModel, task: Task, ask: Ask, *, batch: bool) -> float:
    """The most that one answer can cost."""
    usage = Usage(
        # No token is less than a byte.
        input_tokens=100 + len(ask.text.encode()),
        cache_write_tokens=len(task.system.encode()),
        output_tokens=task.max_tokens,
    )
    return usage.usd(model, batch=batch)


def read_message(task: Task, message: Message) -> Read:
    """Read an answer; one that was cut or refused is named so."""
    text = "".join(block.text for block in message.content if block.type == "text")
    value = task.read(text) if message.stop_reason != "refusal" else None
    outcome: Answered = "ok" if value is not None else "unparseable"
    if message.stop_reason == "refusal":
        outcome = "refused"
    elif message.stop_reason in ("max_tokens", "model_context_window_exceeded"):
        # A verdict stands at the end; what was cut has none that could be trusted.
        outcome, value = "truncated", None
    used = message.usage
    usage = Usage(
        input_tokens=used.input_tokens,
        cache_write_tokens=used.cache_creation_input_tokens or 0,
        cache_read_tokens=used.cache_read_input_tokens or 0,
        output_tokens=used.output_tokens,
    )
    return Read(outcome=outcome, value=value, text=text, usage=usage)


@contextmanager
def classify_api_errors(api_key: str) -> Generator[None, None, None]:
    """Turn the client's exceptions into the kinds of fault that there are.

    Raises:
        Busy, Unclear, Invalid: see there.
        CurateError: the key or the account is the reason; nothing can be asked.
    """
    try:
        yield
    except anthropic.APITimeoutError as error:
        raise Unclear("no answer in time") from error
    except anthropic.APIConnectionError as error:
        raise Unclear(f"connection lost ({type(error.__cause__ or error).__name__})") from error
    except anthropic.APIStatusError as error:
        raise _fault(error, api_key) from error
    except (anthropic.APIError, httpx2.HTTPError, json.JSONDecodeError) as error:
        # Results that break off while they are read come as the transport's own exceptions.
        raise Unclear(f"an answer that could not be read ({type(error).__name__})") from error


def _fault(error: anthropic.APIStatusError, api_key: str) -> Exception:
    status, why = error.status_code, _why(error).replace(api_key, "[key]")
    if status in (401, 402, 403):
        return CurateError(f"Claude does not accept the key or the account ({status}: {why}); set {KEY_VARIABLE} anew")
    if status == 404:
        return CurateError(f"Claude does not know what was asked for ({why}); check --claude-model")
    if status in (408, 409, 429, 503, 529):
        return Busy(f"{status}: {why}", _retry_after(error))
    if status >= 500:
        return Unclear(f"{status}: {why}")
    return Invalid(f"{status}: {why}")


def _why(error: anthropic.APIStatusError) -> str:
    body: Any = error.body
    message = body.get("error", {}).get("message") if isinstance(body, dict) else None
    return str(message or "no reason given")[:200]


def _retry_after(error: anthropic.APIStatusError) -> float | None:
    try:
        return max(0.0, float(error.response.headers["retry-after"]))
    except (KeyError, ValueError):
        return None
