"""Engines by name, loaded only when asked for."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from typing import Any

from s1core.engines.base import Engine
from s1core.engines.llamacpp import has_llamacpp
from s1core.errors import InvalidSetting
from s1core.models import ModelPreset, preferred_engine, resolve

ENDPOINT = "S1_ENDPOINT"
"""Of the environment: servers that run the models which are not bundled, separated by commas."""
ENGINES = ("transformers", "llamacpp", "vllm", "http", "replay", "scripted")


def load_engine(model: str | None = None, *, engine: str | None = None, **options: Any) -> Engine:
    """Load a model.

    Args:
        model: a preset (see `s1core.models.PRESETS`), a local folder, a GGUF file, or a hub id; by default the model of
            the servers at `url=`, else the bundled s1-135M, or s1-nano where the package with its base is missing.
        engine: `transformers`, `llamacpp` for GGUF files, `vllm` in this process, `http` for servers that already run,
            or `replay` for runs that were recorded. By default the one that fits what is given and found here (table
            in `s1core.models`).
        **options: passed to the engine's loader: `dtype`, `device`, `url`, `recording`, ...

    Raises:
        UnknownModel: no such preset, folder or hub id.
        ModelUnavailable: it cannot be loaded here; the message says what is missing.
        InvalidSetting: no such engine.
    """
    from s1core.weights import default_model

    if model is None and "url" in options and engine in (None, "http"):
        preset, options["served_model"] = _served_there(options)
    else:
        preset = resolve(model or default_model())
    endpoint = os.environ.get(ENDPOINT, "")
    name = engine or preferred_engine(
        preset, given=options, endpoint=bool(endpoint), gpu_and_vllm=gpu_and_vllm, llamacpp=has_llamacpp()
    )
    if name == "http" and endpoint:
        options = {"url": endpoint} | options
    if name == "transformers":
        from s1core.engines.hf.engine import TransformersEngine

        return TransformersEngine.load(preset, **options)
    if name == "llamacpp":
        from s1core.engines.llamacpp.engine import LlamaCppEngine

        return LlamaCppEngine.load(preset, **options)
    if name == "http":
        if "url" not in options:
            raise InvalidSetting("the http engine needs the server's address; add url='http://127.0.0.1:8000'")
        from s1core.engines.http.engine import HttpEngine

        return HttpEngine.load(preset, **options)
    if name == "vllm":
        from s1core.engines.vllm.engine import VllmEngine

        return VllmEngine.load(preset, **options)
    if name == "replay":
        if "recording" not in options:
            raise InvalidSetting(
                "the replay engine plays a file; add recording='race.jsonl', as the Compare tab saves it"
            )
        from s1core.engines.replay import ReplayEngine

        return ReplayEngine.load(preset, **options)
    raise InvalidSetting(f"unknown engine {name!r}; use one of transformers, llamacpp, vllm, http, replay")


def _served_there(options: dict[str, Any]) -> tuple[ModelPreset, str]:
    """Which model servers have, if nobody names one: its preset, and its name there."""
    from s1core.engines.http.catalogue import catalogue, the_one

    url: str | Sequence[str] = options["url"]
    urls = url.split(",") if isinstance(url, str) else url
    return the_one(catalogue(urls, api_key=options.get("api_key")), options.get("served_model"))


def gpu_and_vllm() -> bool:
    """Whether vLLM is installed and torch sees a GPU."""
    if importlib.util.find_spec("vllm") is None:
        return False
    import torch

    return torch.cuda.is_available()
