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
        engine: `transformers` is the default.
        **options: passed to the engine's loader: `dtype`, `device`, ...

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
    raise InvalidSetting(f"unknown engine {name!r}; available: transformers")
