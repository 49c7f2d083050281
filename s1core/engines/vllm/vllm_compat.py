"""Every class of vLLM that the project uses, by the module it is in: vLLM moves them from version to version."""

from __future__ import annotations

import importlib
import os
from typing import Any

from s1core.errors import ModelUnavailable

MODULES = {
    "AsyncEngineArgs": "vllm.engine.arg_utils",
    "AsyncLLM": "vllm.v1.engine.async_llm",
    "LoRARequest": "vllm.lora.request",
    "RequestOutputKind": "vllm.sampling_params",
    "SamplingParams": "vllm.sampling_params",
    "StreamingInput": "vllm.engine.protocol",
}
"""Where each class is in the version that `requirements-vllm.txt` names."""


def load(name: str) -> Any:
    """Return a class of vLLM.

    Args:
        name: a key of `MODULES`.

    Raises:
        ModelUnavailable: vLLM is not installed, or its version has no such class in this place.
    """
    # Else some fifty lines of its own stand between a question and its answer.
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    try:
        vllm: Any = importlib.import_module("vllm")
    except ImportError:
        raise ModelUnavailable("vLLM is not installed; run: make vllm, or use engine='transformers'") from None
    try:
        return getattr(importlib.import_module(MODULES[name]), name)
    except (ImportError, AttributeError) as error:
        raise ModelUnavailable(
            f"vLLM {getattr(vllm, '__version__', '')} has no {MODULES[name]}.{name} ({error}); install the "
            "version that requirements-vllm.txt names, or use engine='transformers'"
        ) from error
