"""Engine on llama.cpp: GGUF files, ids in and out."""

from __future__ import annotations

import importlib.util

PACKAGE = "xllamacpp==2026.10.11549"
"""llama.cpp with its Python bindings, as in requirements-llamacpp.txt."""


def has_llamacpp() -> bool:
    """Whether llama.cpp's package is installed."""
    return importlib.util.find_spec(PACKAGE.partition("==")[0]) is not None
