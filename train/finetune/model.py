"""The model as it is trained: loaded, with adapters or without, sharded over processes or whole in each of them."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import CPUOffloadPolicy, MixedPrecisionPolicy, OffloadPolicy, fully_shard

from s1core.errors import InvalidSetting, ModelUnavailable
from s1core.weights import location_of
from train.finetune import cpu
from train.finetune.batches import Batch
from train.finetune.config import TrainConfig
from train.finetune.loss import chunked_loss

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Where one process computes, and which of how many it is."""

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0


class Trained(nn.Module):
    """A causal language model, and its loss in the same forward pass: the head is only whole within it."""

    def __init__(self, model: Any, config: TrainConfig, *, autocast: bool) -> None:
        super().__init__()
        self.model = model
        self._chunk = config.loss_chunk
        self._autocast = DTYPES[config.compute] if autocast and config.compute != "float32" else None

    @property
    def language_model(self) -> Any:
        """The model without the wrapper of its adapters."""
        return self.model.get_base_model() if hasattr(self.model, "peft_config") else self.model

    def forward(self, batch: Batch) -> Tensor:
        """The weighted sum of the losses of one batch."""
        lm = self.language_model
        cast_to = torch.autocast(batch.ids.device.type, self._autocast) if self._autocast else contextlib.nullcontext()
        with cast_to:
            hidden = lm.get_decoder()(input_ids=batch.ids, position_ids=batch.positions, use_cache=False)
            head = lm.get_output_embeddings().weight
            return chunked_loss(hidden.last_hidden_state, head, batch.targets, batch.weights, self._chunk)


def shards(config: TrainConfig, place: Placement) -> bool:
    """Whether weights, gradients and optimizer are spread over the processes."""
    if config.sharding == "auto":
        return place.world > 1 or place.device.type == "cuda" or config.cpu_offload
    return config.sharding == "fsdp"


def build(config: TrainConfig, place: Placement) -> Trained:
    """Load the model and make it ready for training.

    Raises:
        ModelUnavailable: it cannot be loaded here.
        InvalidSetting: rows may be longer than it can read, or adapters have no place in it.
    """
    torch.manual_seed(config.seed)
    return prepare(load_model(config, place), config, place)


def prepare(model: Any, config: TrainConfig, place: Placement) -> Trained:
    """Make a loaded model ready: adapters, what is computed again, compiled layers, shards.

    Raises:
        InvalidSetting: rows may be longer than it can read, or adapters have no place in it.
    """
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if limit is not None and config.max_length > limit:
        raise InvalidSetting(f"max_length={config.max_length} is more than the {limit} tokens {config.model} can read")
    if config.lora:
        model = add_adapters(model, config)
    sharded = shards(config, place)
    fast = cpu.applies(config, place.device, sharded=sharded)
    trained = Trained(model, config, autocast=not sharded and not fast)
    if fast:
        cpu.fuse_adapters(model)
    trained.train()
    layers = trained.language_model.get_decoder().layers
    if config.activation_checkpointing:
        trained.language_model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        for layer in layers[: config.kept_layers]:
            layer.gradient_checkpointing = False
    if config.compile:
        for layer in layers:
            # The forward pass alone: what FSDP hooks in around it stays outside.
            layer.forward = torch.compile(layer.forward)
    if sharded:
        _shard(trained, config, place)
    else:
        if not config.lora:
            trained.float()
        trained.to(place.device)
    return trained


def load_model(config: TrainConfig, place: Placement) -> Any:
    """The model in the dtype of its frozen weights, on the CPU.

    Raises:
        ModelUnavailable: no such model, or a damaged one; the message says what to do.
    """
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging as transformers_logging

    if not sys.stderr.isatty():
        transformers_logging.disable_progress_bar()
    with translate_load_errors(config.model):
        return AutoModelForCausalLM.from_pretrained(
            location_of(config.model), dtype=DTYPES[config.compute], attn_implementation=attention(config, place.device)
        )


def load_tokenizer(model: str, chat_template: str = "") -> Any:
    """The model's tokenizer, with another chat template where one is named.

    Raises:
        ModelUnavailable: no such model; the message says what to do.
        InvalidSetting: no such template.
    """
    from transformers import AutoTokenizer

    with translate_load_errors(model):
        tokenizer = AutoTokenizer.from_pretrained(location_of(model))
    if chat_template:
        try:
            tokenizer.chat_template = Path(chat_template).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidSetting(
                f"chat_template={chat_template!r} cannot be read: {error}; name a .jinja file"
            ) from None
    return tokenizer


@contextlib.contextmanager
def translate_load_errors(model: str) -> Any:
    """Say in one sentence why a model cannot be loaded."""
    from safetensors import SafetensorError

    try:
        yield
    except ModelUnavailable:
        raise
    except (OSError, ValueError, SafetensorError) as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelUnavailable(
            f"the model {model} cannot be loaded: {said}; check the name, the folder and, for a hub id, the connection"
        ) from error


def attention(config: TrainConfig, device: torch.device) -> str:
    """Which attention is used here."""
    if config.attention != "auto":
        return config.attention
    if cpu.applies(config, device, sharded=False) and config.max_length <= cpu.LONGEST_SHORT_ROW and not config.packing:
        cpu.register_short_attention()
        return cpu.SHORT_ROWS
    flash = device.type == "cuda" and config.compute == "bfloat16" and importlib.util.find_spec("flash_attn")
    return "flash_attention_2" if flash else "sdpa"


def add_adapters(model: Any, config: TrainConfig) -> Any:
    """Put LoRA adapters on the model and freeze the rest.

    Raises:
        InvalidSetting: no module has one of the names, or one of them is the embedding or the head.
    """
    from peft import LoraConfig, get_peft_model
    from peft.tuners.tuners_utils import BaseTunerLayer

    names = config.lora_targets
    targets = names if names == "all-linear" else [name.strip() for name in names.split(",") if name.strip()]
    lora = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    try:
        adapted = get_peft_model(model, lora)
    except ValueError as error:
        raise InvalidSetting(f"lora_targets={names!r} fits no module of {config.model}: {error}") from None
    # The loss reads the head's own weight, past its adapter; and where the embedding is tied to the head, an adapter on
    # one of them would be merged into both.
    base: Any = adapted.get_base_model()
    ends = {"embedding": base.get_input_embeddings(), "head": base.get_output_embeddings()}
    if met := next((what for what, module in ends.items() if isinstance(module, BaseTunerLayer)), None):
        raise InvalidSetting(
            f"lora_targets={names!r} puts an adapter on the {met}, which is not trained here; "
            "name modules of the layers, as q_proj,v_proj, or all-linear"
        )
    if config.adapter:
        _load_adapter(adapted, lora, config.adapter)
    return adapted


def _load_adapter(adapted: Any, lora: Any, folder: str) -> None:
    """Begin with the weights of an adapter.

    Raises:
        ModelUnavailable: there is none, or a damaged one.
        InvalidSetting: it has another shape, or is of another model.
    """
    from peft import PeftConfig, set_peft_model_state_dict
    from peft.utils.save_and_load import load_peft_weights

    if not (Path(folder) / "adapter_config.json").is_file():
        raise InvalidSetting(
            f"adapter={folder!r} holds no adapter_config.json; name the folder adapter/ of a run's final/"
        )
    with translate_load_errors(folder):
        known, weights = cast("Any", PeftConfig.from_pretrained(folder)), load_peft_weights(folder, device="cpu")
    if (known.r, known.lora_alpha) != (lora.r, lora.lora_alpha):
        raise InvalidSetting(
            f"adapter={folder!r} has rank {known.r} and alpha {known.lora_alpha}, not {lora.r} and {lora.lora_alpha}"
            f"; add --set lora_rank={known.r} --set lora_alpha={known.lora_alpha}"
        )
    try:
        result: Any = set_peft_model_state_dict(adapted, weights)
        missing = [name for name in result.missing_keys if "lora_" in name]
        if missing or result.unexpected_keys:
            raise RuntimeError(f"{len(missing)} weights are missing, {len(result.unexpected_keys)} have no place")
    except RuntimeError as error:
        raise InvalidSetting(
            f"adapter={folder!r} does not fit the model and lora_targets: {str(error).splitlines()[0]}"
        ) from None


def _shard(trained: Trained, config: TrainConfig, place: Placement) -> None:
    """Each layer is a unit that is whole only while it computes; embeddings, last norm and head are another."""
    mesh = init_device_mesh(place.device.type, (place.world,))
    compute = None if config.compute == "float32" else DTYPES[config.compute]
    policy = MixedPrecisionPolicy(param_dtype=compute, reduce_dtype=torch.float32)
    offload = CPUOffloadPolicy(pin_memory=place.device.type == "cuda") if config.cpu_offload else OffloadPolicy()
    for layer in trained.language_model.get_decoder().layers:
        # The optimizer's float32 copy is made for one layer at a time: the whole never exists twice.
        fully_shard(layer if config.lora else layer.float(), mesh=mesh, mp_policy=policy, offload_policy=offload)
    if not config.lora:
        for name, parameter in trained.named_parameters():
            if ".layers." not in name:
                parameter.data = parameter.data.float()
    fully_shard(trained, mesh=mesh, mp_policy=policy, offload_policy=offload)


def trainable(trained: nn.Module) -> list[nn.Parameter]:
    """The parameters that the optimizer moves."""
    return [parameter for parameter in trained.parameters() if parameter.requires_grad]


def reduce_gradients(parameters: Iterable[nn.Parameter], world: int) -> None:
    """Average the gradients of processes that hold everything; sharded ones do so by themselves."""
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        dist.all_reduce(parameter.grad)
        parameter.grad /= world


def clip(parameters: list[nn.Parameter], most: float) -> float:
    """Scale the gradients down to this norm (0: leave them) and return their norm before that."""
    norm = torch.nn.utils.clip_grad_norm_(parameters, most or float("inf"))
    return float(cast("Any", norm).full_tensor() if hasattr(norm, "full_tensor") else norm)


def local_elements(trained: nn.Module) -> int:
    """Parameters that this process holds."""
    return sum(cast("Any", p).to_local().numel() if hasattr(p, "to_local") else p.numel() for p in trained.parameters())
