"""Loads a model and its tokenizer with transformers, and says in one sentence what to do when that fails."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from huggingface_hub import errors as hub
from safetensors import SafetensorError, safe_open

from s1core.chat_template import ChatTemplate
from s1core.engines.hf.device_errors import is_lost
from s1core.errors import InvalidSetting, ModelUnavailable, UnknownModel
from s1core.gguf import read_header
from s1core.hardware import free_memory_bytes
from s1core.models import ModelPreset
from s1core.thinking import Codec
from s1core.weights import located

# Partly typed upstream; one cast here instead of many below.
library = cast("Any", transformers)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
DEFAULT_CONTEXT = 2048


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A model in memory."""

    model: Any
    codec: Codec
    context_length: int
    device: torch.device
    dtype: torch.dtype


def load(preset: ModelPreset, *, dtype: str | None, device: str | None) -> Loaded:
    """Load what `preset` names.

    Raises:
        InvalidSetting: no such dtype or device.
        UnknownModel: no such hub id.
        ModelUnavailable: it is known but cannot be loaded here; the message says what to do.
    """
    preset = located(preset)
    place = choose_device(device)
    check_folder(preset)
    with translate_load_errors(preset):
        config: Any = library.AutoConfig.from_pretrained(preset.location)
        codec = _codec(preset)
    kind = choose_dtype(dtype, place, stored=config.dtype)
    _check_memory(preset, kind, place)
    with translate_load_errors(preset), quietly():
        model, report = library.AutoModelForCausalLM.from_pretrained(
            preset.location, dtype=kind, output_loading_info=True
        )
    if report["missing_keys"]:
        some = ", ".join(sorted(report["missing_keys"])[:3])
        raise ModelUnavailable(f"the weights of {preset.name} lack {some}; save or download the model again")
    codec.eos_ids |= _as_ids(model.generation_config.eos_token_id)
    own = getattr(config.get_text_config(), "max_position_embeddings", None)
    return Loaded(
        model=model.to(place).eval(),
        codec=codec,
        context_length=preset.context_length or own or DEFAULT_CONTEXT,
        device=place,
        dtype=kind,
    )


def load_codec(preset: ModelPreset) -> tuple[Codec, int | None]:
    """Load the tokenizer alone, for a model that runs elsewhere; also return the context length of its configuration.

    Raises:
        UnknownModel: no such hub id.
        ModelUnavailable: it cannot be loaded here; the message says what to do.
    """
    if preset.location.endswith(".gguf"):
        header = read_header(Path(preset.location))
        with translate_load_errors(preset):
            return _codec(preset), header.context_length
    preset = located(preset)
    with translate_load_errors(preset):
        config: Any = library.AutoConfig.from_pretrained(preset.location)
        codec = _codec(preset)
        try:
            eos = library.GenerationConfig.from_pretrained(preset.location).eos_token_id
        except OSError:  # it has none
            eos = None
    codec.eos_ids |= _as_ids(eos)
    return codec, getattr(config.get_text_config(), "max_position_embeddings", None)


def _as_ids(eos: object) -> set[int]:
    return {eos} if isinstance(eos, int) else set(cast("list[int]", eos or ()))


def choose_device(name: str | None) -> torch.device:
    """Return the device of a name; by default a GPU if there is one.

    Raises:
        InvalidSetting: no such device.
        ModelUnavailable: it is not here, or has failed.
    """
    if name is None or name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InvalidSetting(f"unknown device {name!r}; use cpu, cuda or cuda:0") from None
    if device.type not in ("cpu", "cuda"):
        raise InvalidSetting(f"device {name!r} is not supported; use cpu, cuda or cuda:0")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelUnavailable(
            f"device {name!r} was asked for, but torch sees {torch.cuda.device_count()} GPUs; "
            "use device='cpu', or install a torch build for your GPU"
        )
    if is_lost(device):
        raise ModelUnavailable(
            "the GPU failed and is lost to this process; start the program again, or use device='cpu'"
        )
    return device


def choose_dtype(name: str | None, device: torch.device, *, stored: torch.dtype | None) -> torch.dtype:
    """Return the dtype of a name; by default the one that suits the device and what is stored.

    Raises:
        InvalidSetting: no such dtype.
    """
    if name is None or name == "auto":
        if device.type == "cpu":
            return torch.bfloat16 if stored == torch.bfloat16 and multiplies_bfloat16() else torch.float32
        return torch.bfloat16
    if name not in DTYPES:
        raise InvalidSetting(f"unknown dtype {name!r}; use one of {', '.join(DTYPES)}")
    return DTYPES[name]


def multiplies_bfloat16() -> bool:
    """Whether this CPU has matrix products in bfloat16; without them float32 is several times as fast."""
    # Private, but torch has no public name for it; without an answer float32 is what always works.
    known = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(supported() for supported in known if supported is not None)


def check_folder(preset: ModelPreset) -> None:
    """Find missing and truncated files of a local folder, before transformers fails at them."""
    folder = Path(preset.location)
    remedy = (
        "restore it with git, or make it anew with: python -m train.pretrain"
        if preset.bundled
        else "copy the whole folder again, or write it with save_pretrained"
    )
    if not folder.is_dir():
        if preset.bundled:
            raise ModelUnavailable(f"the bundled weights of {preset.name} are not at {folder}; {remedy}")
        if folder.is_absolute() or preset.location.count("/") != 1:
            raise UnknownModel(f"no folder {preset.location!r}, and it is not a hub id; check the name")
        return
    for name in ("config.json", "tokenizer.json"):
        if not (folder / name).is_file():
            raise ModelUnavailable(f"{folder} has no {name}; {remedy}")
    shards = _weight_files(folder)
    if not shards:
        raise ModelUnavailable(f"{folder} has no weights (model.safetensors); {remedy}")
    for shard in shards:
        if not shard.is_file():
            raise ModelUnavailable(f"{folder} lacks {shard.name}; {remedy}")
        try:
            if shard.suffix == ".safetensors":
                with safe_open(shard, framework="pt"):
                    pass
        except SafetensorError as error:
            raise ModelUnavailable(f"{shard} is incomplete or damaged ({error}); {remedy}") from None


def _weight_files(folder: Path) -> list[Path]:
    for index in folder.glob("*.index.json"):
        try:
            names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (ValueError, KeyError, AttributeError):
            raise ModelUnavailable(f"{index} is damaged; copy the whole folder again") from None
        return [folder / name for name in sorted(names)]
    return [path for path in (folder / "model.safetensors", folder / "pytorch_model.bin") if path.is_file()]


def _codec(preset: ModelPreset) -> Codec:
    place, packed = Path(preset.location), preset.location.endswith(".gguf")
    tokenizer: Any = (
        library.AutoTokenizer.from_pretrained(str(place.parent), gguf_file=place.name)
        if packed
        else library.AutoTokenizer.from_pretrained(preset.location)
    )
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelUnavailable(f"{preset.name} has no fast tokenizer (tokenizer.json); use a model that ships one")
    if not tokenizer.chat_template:
        raise ModelUnavailable(
            f"the tokenizer of {preset.name} has no chat template; use an instruction-tuned model, "
            "or put a chat_template.jinja beside its tokenizer.json"
        )
    eos = tokenizer.eos_token_id
    return Codec(backend, ChatTemplate(tokenizer), eos_ids=[] if eos is None else [eos])


def _check_memory(preset: ModelPreset, dtype: torch.dtype, device: torch.device) -> None:
    if preset.weights_gib is None:
        return
    needed = preset.weights_gib * dtype.itemsize / 2
    free = free_bytes(device) / 2**30
    if needed > free:
        where = "GPU memory" if device.type == "cuda" else "memory"
        smaller = ", or dtype='bfloat16'" if dtype == torch.float32 else ""
        raise ModelUnavailable(
            f"{preset.name} needs {needed:.1f} GiB of {where} for its weights in {str(dtype).removeprefix('torch.')}, "
            f"but {free:.1f} GiB is free; use a smaller model such as s1-nano{smaller}, a larger machine, "
            "or a server that runs it (url='http://host:8000', or S1_ENDPOINT)"
        )


def free_bytes(device: torch.device) -> int:
    """Memory that this process may still allocate."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return free_memory_bytes()


@contextmanager
def translate_load_errors(preset: ModelPreset) -> Generator[None]:
    """Translate the library's errors into one sentence for the user."""
    try:
        yield
    except (InvalidSetting, ModelUnavailable, UnknownModel):
        raise
    except torch.OutOfMemoryError:
        raise ModelUnavailable(f"{preset.name} does not fit in GPU memory; use a smaller model or device") from None
    except ImportError as error:
        raise ModelUnavailable(f"{preset.name} needs a package that is missing: {error}") from error
    except Exception as error:
        raise _explained(preset, error) from error


def _explained(preset: ModelPreset, error: BaseException) -> ModelUnavailable | UnknownModel:
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    first_line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    if Path(preset.location).is_dir():
        return ModelUnavailable(f"{preset.location} cannot be loaded ({first_line}); copy the whole folder again")
    if any(isinstance(e, hub.GatedRepoError) for e in chain):
        return ModelUnavailable(
            f"{preset.location} is gated; accept its terms on its page on the hub, then run: hf auth login"
        )
    if any(isinstance(e, hub.RepositoryNotFoundError | hub.HFValidationError) for e in chain):
        return UnknownModel(f"there is no model {preset.location!r} on the hub; check the name")
    offline = (hub.LocalEntryNotFoundError, hub.OfflineModeIsEnabled, ConnectionError, TimeoutError)
    if any(isinstance(e, offline) for e in chain) or "connect" in str(error):
        return ModelUnavailable(
            f"{preset.location} is not on this machine and the hub cannot be reached; connect to the internet, "
            "or name a local folder or the bundled s1-nano"
        )
    return ModelUnavailable(f"{preset.location} cannot be loaded: {first_line}")


@contextmanager
def quietly() -> Generator[None]:
    """Keep transformers' progress bars out of the caller's output."""
    logging = library.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
