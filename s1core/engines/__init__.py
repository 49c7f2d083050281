"""Engines by name, loaded only when asked for."""

from __future__ import annotations

from typing import Any

from s1core.engines.base import Engine
from s1core.errors import InvalidSetting

ENGINES = ("transformers", "vllm", "http", "replay", "scripted")


def load_engine(model: str = "s1-nano", *, engine: str | None = None, **options: Any) -> Engine:
    """Load a model.

    Args:
        model: a preset (see `s1core.models.PRESETS`), a local folder, or a hub id.
        engine: `transformers` (default), `vllm` in this process, `http` for servers that already run, or `replay` for
            runs that were recorded.
        **options: passed to the engine's loader: `dtype`, `device`, `url`, `recording`, ...

    Raises:
        UnknownModel: no such preset, folder or hub id.
        ModelUnavailable: it cannot be loaded here; the message says what is missing.
        InvalidSetting: no such engine.
    """
    from s1core.models import resolve

    preset = resolve(model)
    name = engine or "transformers"
    if name == "transformers":
        from s1core.engines.transformers import TransformersEngine

        return TransformersEngine.load(preset, **options)
    if name == "http":
        if "url" not in options:
            raise InvalidSetting("the http engine needs the server's address; add url='http://127.0.0.1:8000'")
        from s1core.engines.http import HttpEngine

        return HttpEngine.load(preset, **options)
    if name == "vllm":
        from s1core.engines.vllm import VllmEngine

        return VllmEngine.load(preset, **options)
    if name == "replay":
        if "recording" not in options:
            raise InvalidSetting(
                "the replay engine plays a file; add recording='race.jsonl', as the Compare tab saves it"
            )
        from s1core.engines.replay import ReplayEngine

        return ReplayEngine.load(preset, **options)
    raise InvalidSetting(f"unknown engine {name!r}; use one of transformers, vllm, http, replay")
