"""vLLM's classes are where the engine expects them; each failure names the class."""

from __future__ import annotations

import importlib

import pytest

vllm = pytest.importorskip("vllm", reason="vLLM is not installed in this environment; run: make test-vllm")

from s1core.engines.vllm import vllm_compat  # noqa: E402
from s1core.errors import ModelUnavailable  # noqa: E402


@pytest.mark.parametrize(("name", "module"), vllm_compat.MODULES.items())
def test_a_missing_class_is_named(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert vllm_compat.load(name).__name__ == name
    monkeypatch.delattr(importlib.import_module(module), name)
    with pytest.raises(ModelUnavailable, match=rf"has no {module}.{name} .*requirements-vllm.txt"):
        vllm_compat.load(name)


@pytest.mark.parametrize("name", ["generate", "errored", "reset_prefix_cache", "shutdown", "from_engine_args"])
def test_the_engine_has_what_is_called(name: str) -> None:
    assert hasattr(vllm_compat.load("AsyncLLM"), name), f"vLLM {vllm.__version__} has no AsyncLLM.{name} any more"
