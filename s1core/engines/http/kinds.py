"""Which program a server is, found by what it answers: each has another way in that leaves prompts as they are.

Asked with GET alone; what that way does with a prompt is tried in `introduction.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, cast

import httpx

from s1core.models import ModelPreset

Kind = Literal["llamacpp", "ollama", "sglang", "lmstudio", "completions"]
NAMES: dict[Kind, str] = {
    "llamacpp": "llama.cpp",
    "ollama": "Ollama",
    "sglang": "SGLang",
    "lmstudio": "LM Studio",
    "completions": "OpenAI's protocol",
}
ASK_S = 10.0
_PACKED = re.compile(r"[-_.](?:i?q\d\w*|b?f16|f32|fp8|mxfp4\w*|ud)$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A server and its models."""

    kind: Kind
    models: dict[str, int | None]
    """By name: the context length, where it is reported."""
    properties: dict[str, Any]
    """Of llama.cpp: what it says of itself."""


class NoJson(Exception):
    """An answer that is not JSON, such as the page of a proxy or of a portal."""


def look_at(client: httpx.Client, url: str) -> Found:
    """Find out what a server is and which models it has.

    Raises:
        httpx.HTTPError: it does not answer, or with an error.
        NoJson: it answers with something else than JSON.
    """
    properties = _optional(client, f"{url}/props")
    if "default_generation_settings" in properties:
        length = properties["default_generation_settings"].get("n_ctx")
        return Found(kind="llamacpp", models=dict.fromkeys(_listed(client, url), length), properties=properties)
    if isinstance(_optional(client, f"{url}/api/version").get("version"), str):
        tags: list[dict[str, Any]] = _optional(client, f"{url}/api/tags").get("models") or []
        return Found(kind="ollama", models={str(each.get("name")): None for each in tags}, properties={})
    if "model_path" in _optional(client, f"{url}/get_model_info"):
        return Found(kind="sglang", models=_listed(client, url), properties={})
    rows = _rows(_optional(client, f"{url}/api/v0/models"))
    if rows and all("type" in row and "state" in row for row in rows):
        writers = [row for row in rows if row["type"] in ("llm", "vlm")]
        lengths = {str(row["id"]): row.get("loaded_context_length") or row.get("max_context_length") for row in writers}
        return Found(kind="lmstudio", models=lengths, properties={})
    return Found(kind="completions", models=_listed(client, url), properties={})


def chosen(models: dict[str, int | None], preset: ModelPreset, wanted: str | None) -> str | None:
    """Return the name that a server has for a model: as asked, by the preset's names, or the only one."""
    if wanted:
        return next((name for name in (wanted, f"{wanted}:latest") if name in models), None)
    names = (preset.location, preset.name)
    exact = next((name for name in names if name in models), None)
    if exact is not None:
        return exact
    alike = [name for name in models if plain(name) in {plain(each) for each in names}]
    return alike[0] if len(alike) == 1 else next(iter(models)) if len(models) == 1 else None


def plain(name: str) -> str:
    """A model's name without its owner, its quantisation and its punctuation: qwen3:8b is Qwen/Qwen3-8B."""
    tail = name.replace("\\", "/").rpartition("/")[2].removesuffix(":latest")
    tail = re.sub(r"(?:-gguf)?(?:\.gguf)?$", "", tail, flags=re.IGNORECASE)
    while (shorter := _PACKED.sub("", tail)) != tail:
        tail = shorter
    return re.sub(r"[^a-z0-9]", "", tail.lower())


def served(data: Any) -> dict[str, int | None]:
    """Read the answer to `/v1/models`: the context length of each model, where it is reported."""
    lengths = {str(row.get("id")): row.get("max_model_len") for row in _rows(data)}
    return {name: length if isinstance(length, int) else None for name, length in lengths.items()}


def json_of(response: httpx.Response) -> dict[str, Any]:
    """Read an answer.

    Raises:
        NoJson: it is something else.
    """
    try:
        data = response.json()
    except ValueError:
        kind = "a web page" if "html" in response.headers.get("content-type", "") else "something that is not JSON"
        raise NoJson(f"it answers with {kind}: a proxy, or another program, is at that address") from None
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def _listed(client: httpx.Client, url: str) -> dict[str, int | None]:
    response = client.get(f"{url}/v1/models", timeout=ASK_S)
    response.raise_for_status()
    return served(json_of(response))


def _optional(client: httpx.Client, url: str) -> dict[str, Any]:
    """What is there, if anything: most servers have none of these addresses."""
    response = client.get(url, timeout=ASK_S)
    try:
        return json_of(response) if response.status_code == 200 else {}
    except NoJson:
        return {}


def _rows(data: Any) -> list[dict[str, Any]]:
    rows = cast("list[Any]", cast("dict[str, Any]", data).get("data") or []) if isinstance(data, dict) else []
    return [cast("dict[str, Any]", row) for row in rows if isinstance(row, dict)]
