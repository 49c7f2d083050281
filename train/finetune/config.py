"""Everything that decides a fine-tuning run: one frozen object, and how the command line changes it."""

from __future__ import annotations

import types
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from s1core.errors import InvalidSetting
from s1core.thinking import FORMATS


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """One fine-tuning run. `train.finetune.recipes` names the usual ones; `--set key=value` changes any field."""

    recipe: str
    model: str
    """What is fine-tuned: a preset such as s1-135M-base, a folder, a GGUF file or a hub id."""
    data: str = ""
    """A curated set, or a file of rows; see `train.finetune.data`."""
    format: str = "s1"
    """The thinking format of the rows (`s1core.thinking.FORMATS`)."""
    chat_template: str = ""
    """A Jinja file that takes the place of the model's own chat template; it is saved with what is trained."""
    max_length: int = 32_768
    """Tokens that a row may have, prompt included."""
    too_long: Literal["refuse", "truncate", "drop"] = "refuse"
    """What becomes of longer rows. Truncating cuts the end off, and with it the answer. The count is reported."""
    packing: bool = False
    """Rows of a batch share one sequence of up to `max_length` tokens; none sees another."""

    epochs: int = 5
    max_steps: int | None = None
    """Ends the run, and its schedule, before the epochs do."""
    global_batch: int = 16
    """Rows of one optimizer step, over all processes."""
    micro_batch: int = 1
    """Rows of one forward pass of one process; with packing, sequences are passed one by one."""
    group_by_length: bool = False
    """Rows of similar length share a batch: hardly any padding, but less varied batches."""
    loss_weighting: Literal["token", "row"] = "token"
    """`token`: every trained token of a batch counts the same. `row`: every row does, however long."""

    lr: float = 1e-5
    warmup_share: float = 0.05
    """Share of the steps over which the rate rises; it then falls to 0 as a cosine."""
    weight_decay: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.95
    clip_norm: float = 1.0
    """Gradients with a larger norm are scaled down to it; 0 never does."""
    seed: int = 0

    compute: Literal["bfloat16", "float32"] = "bfloat16"
    """What is computed in; the optimizer's copy of what is trained is float32 in any case."""
    save_dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """Of the weights in `final/`."""
    activation_checkpointing: bool = True
    """Keep one hidden state per layer and compute the rest again in the backward pass."""
    kept_layers: int = 0
    """Layers that `activation_checkpointing` leaves alone: each costs the memory of its activations, and saves the time
    of its second forward pass."""
    compile: bool = False
    """Compile each layer (torch.compile): fewer and larger kernels. The first steps take a minute or more."""
    loss_chunk: int = 1_024
    """Tokens whose scores over the vocabulary exist at the same time."""
    attention: Literal["auto", "sdpa", "eager", "flash_attention_2"] = "auto"
    """auto: flash_attention_2 where it is installed and there is a GPU, else sdpa."""

    lora_rank: int = 0
    """0 trains all weights; above 0, adapters of this rank alone."""
    lora_alpha: int = 32
    lora_dropout: float = 0.0
    lora_targets: str = "all-linear"
    """Names of modules, separated by commas; all-linear is every projection of the layers."""
    adapter: str = ""
    """Folder of an adapter of the same rank, alpha and modules, which is trained further; a fresh one where empty."""

    sharding: Literal["auto", "fsdp", "none"] = "auto"
    """none: every process holds everything. auto: fsdp on GPUs or with several processes."""
    cpu_offload: bool = False
    """Weights, gradients and optimizer live in the host's memory (with fsdp)."""
    sync_each_batch: bool = True
    """Reduce gradients after every forward pass: more talk, but no unsharded gradients are kept."""
    device: Literal["auto", "cpu", "cuda"] = "auto"

    save_every: int = 50
    """Steps between checkpoints; 0 saves at the end and when stopped."""
    keep: int = 2
    """Checkpoints that stay on disk."""
    eval_rows: int = 0
    """Rows that are held out, drawn with the seed."""
    eval_every: int = 50
    """Steps between losses on the held-out rows."""

    def __post_init__(self) -> None:
        for name, least in (
            ("max_length", 8),
            ("epochs", 1),
            ("global_batch", 1),
            ("micro_batch", 1),
            ("loss_chunk", 1),
            ("keep", 1),
            ("eval_every", 1),
            ("save_every", 0),
            ("eval_rows", 0),
            ("kept_layers", 0),
            ("lora_rank", 0),
            ("lora_alpha", 1),
        ):
            if getattr(self, name) < least:
                raise InvalidSetting(f"{name} must be at least {least}, got {getattr(self, name)}")
        if self.max_steps is not None and self.max_steps < 1:
            raise InvalidSetting(f"max_steps must be at least 1, got {self.max_steps}")
        if not self.lr > 0:
            raise InvalidSetting(f"lr must be above 0, got {self.lr}")
        for name in ("warmup_share", "lora_dropout", "beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise InvalidSetting(f"{name} must be in [0, 1), got {getattr(self, name)}")
        for name in ("weight_decay", "clip_norm"):
            if not getattr(self, name) >= 0:
                raise InvalidSetting(f"{name} must be at least 0, got {getattr(self, name)}")
        if self.format not in FORMATS:
            raise InvalidSetting(f"unknown format {self.format!r}; known: {', '.join(FORMATS)}")
        if self.cpu_offload and self.sharding == "none":
            raise InvalidSetting("cpu_offload needs sharding=fsdp; leave one of them out")

    @property
    def lora(self) -> bool:
        """Whether adapters are trained and not the weights themselves."""
        return self.lora_rank > 0

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for files."""
        return asdict(self)

    def resume_key(self) -> dict[str, Any]:
        """The fields that decide the outcome; the others only decide how it is computed, kept and watched."""
        return {name: value for name, value in asdict(self).items() if name not in _FREE}


_FREE = {
    *("recipe", "model", "chat_template", "data", "micro_batch", "activation_checkpointing", "kept_layers"),
    *("compile", "loss_chunk", "attention", "sharding"),
    *("cpu_offload", "sync_each_batch", "device", "save_every", "keep", "eval_every", "save_dtype"),
}
"""May differ when a run is resumed. Of model and data the contents are compared, not where they lie."""


def known_keys() -> list[str]:
    """The keys that `--set` takes."""
    return [f.name for f in fields(TrainConfig) if f.name != "recipe"]


def with_settings(config: TrainConfig, settings: Iterable[str]) -> TrainConfig:
    """Apply `key=value` words.

    Raises:
        InvalidSetting: no such key (the known ones are listed), or a value that it cannot take.
    """
    changed: dict[str, Any] = {}
    hints = get_type_hints(TrainConfig)
    for word in settings:
        key, equals, value = word.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise InvalidSetting(f"--set takes key=value, got {word!r}")
        if key not in known_keys():
            raise InvalidSetting(f"unknown key {key!r}; known: {', '.join(known_keys())}")
        changed[key] = _parse(key, value.strip(), hints[key])
    return replace(config, **changed)


def _parse(key: str, value: str, hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        if value.lower() in ("none", ""):
            return None
        (hint,) = (h for h in get_args(hint) if h is not type(None))
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise InvalidSetting(f"{key} takes one of {', '.join(get_args(hint))}; got {value!r}")
        return value
    if hint is bool:
        if value.lower() not in _BOOLEANS:
            raise InvalidSetting(f"{key} takes true or false; got {value!r}")
        return _BOOLEANS[value.lower()]
    try:
        return hint(value.replace("_", "") if hint is int else value)
    except ValueError:
        wanted = "a whole number" if hint is int else "a number"
        raise InvalidSetting(f"{key} takes {wanted}; got {value!r}") from None


_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
