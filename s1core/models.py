"""Model presets: which weights, which thinking format, how long a context, how much memory.

Anything that `transformers` loads works without a preset too, by local folder or hub id.

Which engine runs a model when nobody names one (`preferred_engine`; the first line that fits):

| what is given or found                            | engine         |                                                 |
|---------------------------------------------------|----------------|-------------------------------------------------|
| `url=`                                            | `http`         | servers of the model already run there          |
| `device=`                                         | `transformers` | the others choose their devices themselves      |
| a bundled model, such as s1-nano                  | `transformers` | small, and its noise is exact step by step      |
| a `.gguf` file, `dtype=` not given, and llama.cpp | `llamacpp`     | runs the packed weights as they are             |
| `S1_ENDPOINT` in the environment, no other option | `http`         | the same, for whoever does not write the call   |
| a GPU that torch can use, and vLLM is installed   | `vllm`         | batches, several GPUs, a larger cache           |
| none of these                                     | `transformers` | says what to do where the model cannot run here |
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from s1core.errors import ModelUnavailable, UnknownModel
from s1core.gguf import read_header

SERVER_OPTIONS = frozenset(("url", "served_model", "api_key", "timeout_s"))
"""What can be said of a server; every other option is one of a model that is loaded here."""
LONGEST_ID = 200
"""Characters; the hub allows half as many."""
_NANO = Path(__file__).parent / "nano"
_ADAPTERS = Path(__file__).parent / "s1_135m"
CHAT_TEMPLATE = _ADAPTERS / "chat_template.jinja"
"""Of s1-135M and its base: SmolLM2's own without its standing system turn."""
NANO_WEIGHTS = _NANO / "weights"
S1_135M, S1_135M_BASE, S1_NANO = "s1-135M", "s1-135M-base", "s1-nano"
NANO_WEAKER = ("weak-1", "weak-2")
"""Checkpoints of s1-nano's training, which its curation asks how hard a question is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelPreset:
    """What the project knows about one model before it is loaded."""

    name: str
    location: str
    """Hub id or local folder."""
    format: str
    """Name of the thinking format (`s1core.thinking.FORMATS`)."""
    context_length: int | None = None
    """None takes what the model's own configuration says."""
    default_answer_tokens: int = 2048
    """At most; see `answer_tokens`."""
    parameters_b: float | None = None
    """Parameters in billions, for the memory estimate; None when unknown."""
    bundled: bool = False
    """Runs from what is installed with the project, without a hub."""
    base: str | None = None
    """Name of the preset that the adapter at `location` belongs to; None where `location` holds a whole model."""
    multi_turn: bool = True
    """It was taught to go on with a conversation."""

    def answer_tokens(self, context_length: int) -> int:
        """How long an answer may be when nobody says: a small context must leave room for question and thinking."""
        return max(1, min(self.default_answer_tokens, context_length // 4))

    @property
    def weights_gib(self) -> float | None:
        """Memory of the weights in bfloat16, GiB."""
        return None if self.parameters_b is None else self.parameters_b * 1e9 * 2 / 2**30


def _nano(name: str, folder: Path) -> ModelPreset:
    return ModelPreset(
        name=name,
        location=str(folder),
        format="s1",
        default_answer_tokens=32,
        parameters_b=0.002,
        bundled=True,
        multi_turn=False,
    )


def _smol(name: str, location: str | Path, base: str | None = None) -> ModelPreset:
    """SmolLM2-135M-Instruct, or what this project made of it (`s1core.weights`)."""
    return ModelPreset(
        name=name,
        location=str(location),
        format="s1",
        default_answer_tokens=64,
        parameters_b=0.135,
        bundled=True,
        base=base,
    )


def _s1(name: str, billions: float) -> ModelPreset:
    return ModelPreset(
        name=name,
        location=f"simplescaling/{name}",
        format="s1",
        context_length=32_768,
        parameters_b=billions,
    )


def _tags(location: str, billions: float, context_length: int = 32_768) -> ModelPreset:
    return ModelPreset(
        name=location.rpartition("/")[2],
        location=location,
        format="think_tags",
        context_length=context_length,
        parameters_b=billions,
    )


PRESETS: dict[str, ModelPreset] = {
    preset.name: preset
    for preset in (
        _smol(S1_135M, _ADAPTERS / "s1", base=S1_135M_BASE),
        _smol(S1_135M_BASE, _ADAPTERS / "base", base="SmolLM2-135M-Instruct"),
        _smol("SmolLM2-135M-Instruct", "HuggingFaceTB/SmolLM2-135M-Instruct"),
        _nano(S1_NANO, NANO_WEIGHTS),
        _s1("s1-32B", 32.8),
        _s1("s1.1-32B", 32.8),
        _s1("s1.1-14B", 14.8),
        _s1("s1.1-7B", 7.6),
        _s1("s1.1-3B", 3.1),
        _s1("s1.1-1.5B", 1.5),
        _tags("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", 1.8),
        _tags("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", 7.6),
        _tags("deepseek-ai/DeepSeek-R1-Distill-Qwen-14B", 14.8),
        _tags("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", 32.8),
        _tags("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", 8.0),
        _tags("Qwen/Qwen3-0.6B", 0.75),
        _tags("Qwen/Qwen3-1.7B", 2.0),
        _tags("Qwen/Qwen3-4B", 4.0),
        _tags("Qwen/Qwen3-8B", 8.2),
        _tags("Qwen/Qwen3-14B", 14.8),
        _tags("Qwen/Qwen3-32B", 32.8),
        _tags("Qwen/QwQ-32B", 32.8),
        *(_nano(name, _NANO / name) for name in NANO_WEAKER),
    )
}


def resolve(model: str) -> ModelPreset:
    """Find a preset by name, or make one for a local folder or a hub id.

    Raises:
        UnknownModel: neither; the message lists what is known.
    """
    preset = PRESETS.get(model) or next((p for p in PRESETS.values() if p.location == model), None)
    if preset is not None:
        return preset
    if model.endswith(".gguf") and _is_file(Path(model)):
        return ModelPreset(name=Path(model).stem, location=model, format=_format_of_gguf(Path(model)))
    if _is_model(Path(model)):
        return ModelPreset(
            name=_folder_name(Path(model)),
            location=model,
            format=_guess_format(model),
            multi_turn=not _has_the_words_of(NANO_WEIGHTS, Path(model)),
        )
    is_hub_id = model.count("/") == 1 and all(part and not part.startswith(".") for part in model.split("/"))
    if is_hub_id and len(model) <= LONGEST_ID and not Path(model).exists():
        return ModelPreset(name=model.rpartition("/")[2], location=model, format=_guess_format(model))
    raise UnknownModel(
        f"unknown model {model!r}: name a preset ({', '.join(PRESETS)}), a folder with a config.json, "
        "a .gguf file, or a hub id such as simplescaling/s1.1-7B"
    )


def preferred_engine(
    preset: ModelPreset,
    *,
    given: Collection[str],
    endpoint: bool,
    gpu_and_vllm: Callable[[], bool],
    llamacpp: bool = False,
) -> str:
    """Choose an engine by the table above.

    Args:
        preset: what is to be loaded.
        given: names of the options that the caller gave.
        endpoint: the environment names a server.
        gpu_and_vllm: looks for both; asked only where it matters, since looking takes seconds.
        llamacpp: llama.cpp's package is installed.
    """
    if "url" in given:
        return "http"
    if "device" in given or preset.bundled:
        return "transformers"
    if preset.location.endswith(".gguf") and "dtype" not in given and llamacpp:
        return "llamacpp"
    if endpoint and SERVER_OPTIONS.issuperset(given):
        return "http"
    return "vllm" if gpu_and_vllm() else "transformers"


def _is_model(folder: Path) -> bool:
    return _is_file(folder / "config.json")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is longer than any
        return False


def _has_the_words_of(known: Path, folder: Path) -> bool:
    """Whether a model was made of another one: it still has the vocabulary."""
    try:
        mine, theirs = (json.loads((place / "tokenizer.json").read_text("utf-8")) for place in (known, folder))
        return mine["model"]["vocab"] == theirs["model"]["vocab"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _folder_name(folder: Path) -> str:
    """Fine-tuning writes its model to the folder `final` of a run; it is the run that has a name."""
    return folder.parent.name if folder.name == "final" and folder.parent.name else folder.name


def _format_of_gguf(path: Path) -> str:
    """Thinking format of a GGUF file's chat template; of a torn file any will do, since it is refused when loaded."""
    with contextlib.suppress(ModelUnavailable):
        return "think_tags" if "</think>" in (read_header(path).chat_template or "") else "s1"
    return "s1"


def _guess_format(location: str) -> str:
    """Thinking format of an unknown model: its chat template's if it is on disk, else by its name."""
    folder = Path(location)
    for name in ("chat_template.jinja", "tokenizer_config.json"):
        if (folder / name).is_file() and "</think>" in (folder / name).read_text(encoding="utf-8"):
            return "think_tags"
    tail = location.rpartition("/")[2].lower()
    return "s1" if folder.is_dir() or tail.startswith("s1") else "think_tags"
