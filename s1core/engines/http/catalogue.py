"""What servers offer: every model of every address, with the preset that its tokenizer and thinking format come from.

A name is enough where it is that of a preset or of a repository on the hub. llama.cpp and Ollama also tell which file
they run; where it lies on this machine, nothing has to be fetched.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from s1core.engines.http.kinds import ASK_S, Kind, NoJson, json_of, look_at, plain
from s1core.engines.http.pool import checked_url
from s1core.errors import InvalidSetting, ModelUnavailable, UnknownModel
from s1core.models import PRESETS, ModelPreset, resolve
from s1core.weights import cache_root

_FROM = re.compile(r"^FROM (/.+|[A-Za-z]:\\.+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedModel:
    """A model that a server offers."""

    name: str
    """On the server."""
    url: str
    kind: Kind
    preset: ModelPreset | None
    """None where neither the name nor a file on this machine tells which model it is."""


def catalogue(urls: Sequence[str], *, api_key: str | None = None) -> list[ServedModel]:
    """List the models of servers, those of the first one first.

    Args:
        urls: their addresses.
        api_key: default: the environment's S1_API_KEY.

    Raises:
        InvalidSetting: an address cannot be read.
        ModelUnavailable: a server does not answer.
    """
    key = api_key or os.environ.get("S1_API_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(headers=headers, timeout=ASK_S, trust_env=False) as client:
        return [model for url in urls for model in _models(client, checked_url(url))]


def the_one(models: Sequence[ServedModel], wanted: str | None) -> tuple[ModelPreset, str]:
    """Return the model that was asked for, or the only one: its preset, and its name on the servers.

    Raises:
        InvalidSetting: there are several, or none of that name; or nothing tells which model it is.
    """
    # Several servers of one model are one.
    found = list({model.name: model for model in models if wanted in (None, model.name)}.values())
    if len(found) != 1:
        has = ", ".join(dict.fromkeys(model.name for model in models)) or "none"
        raise InvalidSetting(f"name a model with --served-model (served_model=); the servers have: {has}")
    preset, name = found[0].preset, found[0].name
    if preset is None:
        raise InvalidSetting(
            f"{name} is no model that is known here; name one that has the same tokenizer with --model: a preset, a "
            "folder, a .gguf file or a hub id"
        )
    return preset, name


def _models(client: httpx.Client, url: str) -> list[ServedModel]:
    try:
        found = look_at(client, url)
        return [
            ServedModel(
                name=name, url=url, kind=found.kind, preset=_preset(client, url, found.kind, name, found.properties)
            )
            for name in found.models
        ]
    except (httpx.HTTPError, NoJson) as error:
        raise ModelUnavailable(
            f"{url} does not answer ({str(error) or type(error).__name__}); check that it runs"
        ) from None


def _preset(client: httpx.Client, url: str, kind: Kind, name: str, properties: dict[str, Any]) -> ModelPreset | None:
    known = next((p for p in PRESETS.values() if plain(name) in (plain(p.name), plain(p.location))), None)
    if known is not None:
        return known
    file = None
    if kind == "llamacpp":
        file = _gguf(Path(str(properties.get("model_path") or "")), name)
    elif kind == "ollama":
        file = _gguf(_file_of_ollama(client, url, name), name)
    if file is not None:
        return replace(resolve(str(file)), name=name.rpartition("/")[2].removesuffix(".gguf"))
    with contextlib.suppress(UnknownModel):
        return resolve(name)
    return None


def _file_of_ollama(client: httpx.Client, url: str, name: str) -> Path:
    response = client.post(f"{url}/api/show", json={"model": name})
    found = _FROM.search(str(json_of(response).get("modelfile") or "")) if response.status_code == 200 else None
    return Path(found[1]) if found else Path()


def _gguf(path: Path, name: str) -> Path | None:
    """A GGUF file under a name that says so: Ollama calls its files by their hash alone."""
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                return None
    except OSError:
        return None
    if path.suffix == ".gguf":
        return path
    link = cache_root() / f"{plain(name)}-{hashlib.sha256(str(path).encode()).hexdigest()[:12]}.gguf"
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(path)
    except OSError:
        return None
    return link
