"""What is asked of servers before the first run: which model they serve, and whether they take prompts as they are.

A probe decides. A server that puts prompts into a chat template of its own, runs a model with another vocabulary, or is
not what it seems is refused here, not noticed in the middle of a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import httpx

from s1core.engines.http.completions import prompt_tokens
from s1core.engines.http.continuation import message_of
from s1core.engines.http.kinds import NAMES, Kind, NoJson, chosen, json_of, look_at
from s1core.engines.http.pool import Pool
from s1core.errors import InvalidSetting, ModelUnavailable
from s1core.models import ModelPreset
from s1core.thinking import Codec

START_TOKENS = 2
"""A tokenizer may put a mark or two before a prompt; a chat template takes more."""
UNKNOWN = "prompt: the server does not say how much it read, so it may put it into a chat template of its own"
OLLAMA_CONTEXT = 8192
"""Asked of Ollama, which takes 4096 and forgets the beginning of what is longer, unless it is told."""
_PROBE_S = 60.0
"""Seconds for one token; a server may load its model first."""
_UNFINISHED = "One, two, three, fo"
_REST = "ur"
_TRIAL = "Wait, 3 x 7 = 21. Let me check that again."


@dataclass(frozen=True, kw_only=True, slots=True)
class Introduced:
    """What the servers of a pool have in common."""

    model: str
    """Its name there."""
    kind: Kind
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
            one = _introduced(client, server.url, codec, preset, wanted)
        except (httpx.HTTPError, NoJson) as error:
            pool.failed(server)
            reasons.append(f"{server.url}: {str(error) or type(error).__name__}")
            continue
        found = one if found is None else _together(found, one)
    if found is None:
        raise ModelUnavailable(f"no server answers ({'; '.join(reasons)}); start one, or check the address")
    return found


def _together(found: Introduced, one: Introduced) -> Introduced:
    if one.model != found.model:
        raise InvalidSetting(f"the servers serve different models ({found.model} and {one.model}); name one model each")
    if one.kind != found.kind:
        raise InvalidSetting(
            f"the servers of one model must be alike, and one is {NAMES[found.kind]}, another {NAMES[one.kind]}; "
            "name them one by one"
        )
    return Introduced(
        model=one.model,
        kind=one.kind,
        context_length=min(filter(None, (one.context_length, found.context_length)), default=None),
        takes_ids=one.takes_ids and found.takes_ids,
        notes=tuple(dict.fromkeys((*found.notes, *one.notes))),
    )


def _introduced(client: httpx.Client, url: str, codec: Codec, preset: ModelPreset, wanted: str | None) -> Introduced:
    there = look_at(client, url)
    name = chosen(there.models, preset, wanted)
    if name is None:
        has = ", ".join(there.models) or "none"
        raise InvalidSetting(
            f"{url} does not serve {wanted or preset.name}; it serves: {has}; name one with served_model= "
            "(--served-model)"
        )
    probe = _Probe(client, url, name, codec)
    notes: tuple[str, ...] = ()
    length = there.models[name]
    match there.kind:
        case "llamacpp":
            takes_ids = probe.llamacpp()
        case "sglang":
            takes_ids = probe.sglang()
        case "ollama":
            takes_ids, length = False, probe.ollama()
        case "lmstudio" | "completions":
            takes_ids, notes = probe.completions()
    if takes_ids:
        probe.same_vocabulary(there.kind)
    return Introduced(model=name, kind=there.kind, context_length=length, takes_ids=takes_ids, notes=notes)


class _Probe:
    """Has one server continue one letter."""

    def __init__(self, client: httpx.Client, url: str, name: str, codec: Codec) -> None:
        self._client, self._url, self._name, self._codec = client, url, name, codec
        self._letter = list(codec.encode_user("a"))

    def completions(self) -> tuple[bool, tuple[str, ...]]:
        """Return whether ids go in and come out, and what receipts should say."""
        body: dict[str, Any] = {"model": self._name, "max_tokens": 1}
        answer = self._answer("/v1/completions", body | {"prompt": self._letter, "return_token_ids": True})
        choices: list[dict[str, Any]] = answer.get("choices") or [{}]
        takes_ids = isinstance(choices[0].get("token_ids"), list)
        read = prompt_tokens(answer if takes_ids else self._answer("/v1/completions", body | {"prompt": "a"}))
        self._raw(read)
        if takes_ids or read is not None or self._goes_on():
            return takes_ids, ()
        return False, (UNKNOWN,)

    def llamacpp(self) -> bool:
        """Make sure that `/completion` takes ids and returns ids."""
        answer = self._answer(
            "/completion",
            {"model": self._name, "prompt": self._letter, "n_predict": 1, "return_tokens": True, "cache_prompt": False},
        )
        if not isinstance(answer.get("tokens"), list):
            raise ModelUnavailable(
                f"{self._url} is a llama.cpp server that returns no token ids ({message_of(answer)}); update it"
            )
        self._raw(answer.get("tokens_evaluated"))
        return True

    def sglang(self) -> bool:
        """Make sure that `/generate` takes ids and returns ids."""
        answer = self._answer("/generate", {"input_ids": self._letter, "sampling_params": {"max_new_tokens": 1}})
        if not isinstance(answer.get("output_ids"), list):
            raise ModelUnavailable(
                f"{self._url} is an SGLang server that returns no token ids ({message_of(answer)}); update it"
            )
        self._raw(cast("dict[str, Any]", answer.get("meta_info") or {}).get("prompt_tokens"))
        return True

    def ollama(self) -> int:
        """Make sure that the raw mode is raw; return the context length to ask for."""
        about = self._answer("/api/show", {"model": self._name})
        facts: dict[str, Any] = about.get("model_info") or {}
        own = facts.get(f"{facts.get('general.architecture')}.context_length")
        length = min(own if isinstance(own, int) else OLLAMA_CONTEXT, OLLAMA_CONTEXT)
        asked = {"model": self._name, "prompt": "a", "raw": True, "stream": False, "think": False}
        answer = self._answer("/api/generate", asked | {"options": {"num_predict": 1, "num_ctx": length}})
        if "response" not in answer:
            raise ModelUnavailable(
                f"{self._url} cannot run {self._name} ({message_of(answer)}); try it in Ollama first"
            )
        self._raw(answer.get("prompt_eval_count"))
        return length

    def same_vocabulary(self, kind: Kind) -> None:
        """Make sure that ids mean there what they mean here, where a server can be asked to cut a text into tokens."""
        text = "content" if kind == "llamacpp" else "prompt"
        body = {"model": self._name, text: _TRIAL, "add_special_tokens": False, "add_special": False}
        theirs = self._answer("/tokenize", body).get("tokens")
        if isinstance(theirs, list) and tuple(cast("list[int]", theirs)) != self._codec.encode_user(_TRIAL):
            raise ModelUnavailable(
                f"{self._url} runs {self._name}, which cuts text into other tokens than the model that was named; "
                "name the one that runs there with --model"
            )

    def _goes_on(self) -> bool:
        """Whether a word that is broken off is finished; in a chat template it would be answered."""
        body = {"model": self._name, "prompt": _UNFINISHED, "max_tokens": 2, "temperature": 0}
        choices: list[dict[str, Any]] = self._answer("/v1/completions", body).get("choices") or [{}]
        return str(choices[0].get("text")).startswith(_REST)

    def _raw(self, read: Any) -> None:
        sent = len(self._letter)
        if isinstance(read, int) and read > sent + START_TOKENS:
            raise ModelUnavailable(
                f"{self._url} puts every prompt into a chat template of its own (it read {read} tokens where {sent} "
                "was sent), so that nothing can be forced there; use a server that takes prompts as they are, such as "
                "vLLM, SGLang or llama.cpp"
            )

    def _answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = self._client.post(self._url + path, json=body, timeout=_PROBE_S)
        try:
            found = json_of(response)
        except NoJson:
            return {}
        return found if response.status_code == 200 else {"error": found.get("error", found)}
