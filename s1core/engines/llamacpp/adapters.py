"""LoRA adapters for llama.cpp: GGUF files as they are, and folders of peft's, which are rewritten once in a cache."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any, cast

import numpy as np

from s1core.errors import ModelUnavailable
from s1core.gguf import GgufHeader, read_header
from s1core.models import PRESETS, ModelPreset
from s1core.weights import cache_root

_WEIGHTS, _CONFIG, _TEMPLATE = "adapter_model.safetensors", "adapter_config.json", "chat_template.jinja"
_TENSOR = re.compile(r"layers\.(\d+)\.(?:self_attn|mlp)\.(\w+)_proj\.lora_(A|B)\.weight$")
_NAMES = {
    "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
    "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down",
}  # fmt: skip
"""Of a projection, in peft's adapters and in GGUF."""
_ROTATED = ("llama",)
"""Architectures whose queries and keys GGUF stores in another order."""
_ALIKE = ("qwen2", "qwen3", *_ROTATED)
_MADE_BY = 1
"""Of the rewritten files; another number makes each anew."""
Array = np.ndarray[Any, np.dtype[Any]]


def chain_of(preset: ModelPreset) -> tuple[ModelPreset, list[Path]]:
    """Return the whole model under a preset, and the adapters on top of it, the last one first.

    An adapter of an adapter adds to it, so that llama.cpp applies them side by side.
    """
    adapters: list[Path] = []
    while preset.base is not None:
        adapters.append(Path(preset.location))
        preset = PRESETS[preset.base]
    return preset, adapters


def template_of(adapters: list[Path]) -> str | None:
    """The chat template that comes with an adapter, if one does."""
    files = (path / _TEMPLATE for path in adapters)
    return next((file.read_text(encoding="utf-8") for file in files if file.is_file()), None)


def as_gguf(adapter: Path, base: GgufHeader) -> Path:
    """Return a GGUF file of an adapter.

    Args:
        adapter: a GGUF file, or a folder as peft writes it.
        base: of the model that it belongs to.

    Raises:
        ModelUnavailable: it is none, or one that is not rewritten here.
    """
    if adapter.suffix == ".gguf":
        if read_header(adapter).kind != "adapter":
            raise ModelUnavailable(f"{adapter} is a whole model, not a LoRA adapter; name it as the model")
        return adapter
    try:
        settings: dict[str, Any] = json.loads((adapter / _CONFIG).read_text(encoding="utf-8"))
        digest = hashlib.sha256((adapter / _WEIGHTS).read_bytes())
    except (OSError, ValueError):
        raise ModelUnavailable(
            f"{adapter} is no LoRA adapter; name a .gguf file, or a folder with {_CONFIG} and {_WEIGHTS}"
        ) from None
    digest.update(json.dumps([base.architecture, settings.get("lora_alpha"), settings.get("r"), _MADE_BY]).encode())
    target = cache_root() / f"{adapter.name}-{digest.hexdigest()[:12]}.gguf"
    if not target.is_file():
        _check_kind(adapter, settings, base)
        _write(adapter, settings, base, target)
    return target


def _check_kind(adapter: Path, settings: dict[str, Any], base: GgufHeader) -> None:
    odd = [name for name in ("use_rslora", "use_dora", "modules_to_save", "rank_pattern") if settings.get(name)]
    if base.architecture not in _ALIKE or odd:
        what = f"uses {odd[0]}" if odd else f"belongs to a model of the architecture {base.architecture}"
        raise ModelUnavailable(
            f"the adapter {adapter} {what}, which is not converted here; convert it with llama.cpp's "
            "convert_lora_to_gguf.py and name the file, or use engine='transformers'"
        )


def _write(adapter: Path, settings: dict[str, Any], base: GgufHeader, target: Path) -> None:
    import gguf
    from safetensors import numpy as safetensors

    library, tensors = cast("Any", gguf), cast("Any", safetensors)
    target.parent.mkdir(parents=True, exist_ok=True)
    number, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(number)
    try:
        writer = library.GGUFWriter(temporary, base.architecture)
        writer.add_type("adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", float(settings["lora_alpha"]))
        for name, values in tensors.load_file(adapter / _WEIGHTS).items():
            writer.add_tensor(*_renamed(adapter, name, values, base))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        Path(temporary).rename(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()


def _renamed(adapter: Path, name: str, values: Array, base: GgufHeader) -> tuple[str, Array]:
    found = _TENSOR.search(name)
    if found is None or found[2] not in _NAMES:
        raise ModelUnavailable(
            f"the adapter {adapter} changes {name}, which is not converted here; use engine='transformers'"
        )
    layer, projection, part = found.groups()
    if part == "B" and projection in ("q", "k") and base.architecture in _ROTATED:
        heads = base.heads if projection == "q" else base.key_heads
        # From halves to pairs: rotary embeddings turn neighbours there, and distant elements in transformers.
        halves = values.reshape(heads, 2, values.shape[0] // heads // 2, values.shape[1])
        values = np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(values.shape)
    return f"blk.{layer}.{_NAMES[projection]}.weight.lora_{part.lower()}", values.astype(np.float32)
