"""What is asked of servers before the first run: which model they serve, and whether they take prompts as they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

import httpx

from s1core.engines.http.completions import prompt_tokens
from s1core.engines.http.health_check import served
from s1core.engines.http.pool import Pool
from s1core.errors import InvalidSetting, ModelUnavailable
from s1core.models import ModelPreset
from s1core.thinking import Codec

START_TOKENS = 2
"""A tokenizer may put a mark or two before a prompt; a chat template takes more."""
UNKNOWN = "prompt: the server does not say how much it read, so it may put it into a chat template of its own"


@dataclass(frozen=True, kw_only=True, slots=True)
class Introduced:
    """What the servers of a pool have in common."""

    model: str
    """Its name there."""
    context_length: int | None
    """The shortest that any server reports."""
    takes_ids: bool
    """Token ids go in and come out at all of them."""
    notes: tuple[str, ...] = ()
    """What every receipt should say."""


def introduce(client: httpx.Client, pool: Pool, codec: Codec, preset: ModelPreset, wanted: str | None) -> Introduced:
    """Query every server of a pool; those that do not answer are marked as failed.

    Args:
        client: sends the requests.
        pool: the servers.
        codec: of the model.
        preset: the model.
        wanted: its name on the servers, if the caller gave one.

    Raises:
        InvalidSetting: a server has no such model, or the servers have different ones.
        ModelUnavailable: none answers, or one puts prompts into a chat template of its own.
    """
    reasons: list[str] = []
    found: Introduced | None = None
    for server in pool.servers:
        try:
            response = client.get(f"{server.url}/v1/models", timeout=10.0)
            response.raise_for_status()
            name, length = _served_model(response.json(), preset, wanted, server.url)
            takes_ids, notes = _asked_for_a_token(client, server.url, name, codec)
        except (httpx.HTTPError, json.JSONDecodeError) as error:
            pool.failed(server)
            reasons.append(f"{server.url}: {str(error) or type(error).__name__}")
            continue
        if found is not None and name != found.model:
            raise InvalidSetting(f"the servers serve different models ({found.model} and {name}); name one model each")
        found = Introduced(
            model=name,
            context_length=min(filter(None, (length, found.context_length if found else None)), default=None),
            takes_ids=takes_ids and (found is None or found.takes_ids),
            notes=tuple(dict.fromkeys((*(found.notes if found else ()), *notes))),
        )
    if found is None:
        raise ModelUnavailable(f"no server answers ({'; '.join(reasons)}); start one, or check the address")
    return found


def _asked_for_a_token(client: httpx.Client, url: str, name: str, codec: Codec) -> tuple[bool, tuple[str, ...]]:
    """Have a server continue one letter; return whether ids go in and come out, and what receipts should say."""
    letter = codec.encode_user("a")
    body: dict[str, Any] = {"model": name, "max_tokens": 1}
    answer = _answer(client, url, body | {"prompt": list(letter), "return_token_ids": True})
    choices: list[dict[str, Any]] = answer.get("choices") or [{}]
    takes_ids = isinstance(choices[0].get("token_ids"), list)
    read = prompt_tokens(answer if takes_ids else _answer(client, url, body | {"prompt": "a"}))
    if read is not None and read > len(letter) + START_TOKENS:
        raise ModelUnavailable(
            f"{url} puts every prompt into a chat template of its own (it read {read} tokens where {len(letter)} was "
            "sent), so that nothing can be forced there; use a server whose /v1/completions takes prompts as they "
            "are, such as vLLM, SGLang or llama.cpp"
        )
    return takes_ids, () if takes_ids or read is not None else (UNKNOWN,)


def _answer(client: httpx.Client, url: str, body: dict[str, Any]) -> dict[str, Any]:
    response = client.post(f"{url}/v1/completions", json=body)
    found: Any = response.json() if response.status_code == 200 else {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _served_model(data: Any, preset: ModelPreset, wanted: str | None, url: str) -> tuple[str, int | None]:
    lengths = served(data)
    for name in (wanted,) if wanted else (preset.location, preset.name, *(lengths if len(lengths) == 1 else ())):
        if name in lengths:
            length = lengths[name]
            return name, length if isinstance(length, int) else None
    has = ", ".join(lengths) or "none"
    raise InvalidSetting(f"{url} does not serve {wanted or preset.name}; it serves: {has}; name one with served_model=")
