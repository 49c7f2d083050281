"""Write what was trained as a folder that `transformers.from_pretrained`, peft and vLLM load."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

from s1core.weights import location_of
from train.finetune.checkpoint import is_full
from train.finetune.config import TrainConfig
from train.finetune.data import Renderer
from train.finetune.model import DTYPES, Placement, Trained, load_tokenizer
from train.finetune.run_folder import TrainingFailed


def export(trained: Trained, config: TrainConfig, place: Placement, receipt: dict[str, Any], target: Path) -> None:
    """Gather the weights and write `target` whole: safetensors, tokenizer, chat template, `receipt.json`.

    With adapters, `adapter/` holds them alone and the folder itself the merged model. All processes call it; the first
    one needs memory for the whole model.

    Raises:
        TrainingFailed: the disk is full, or a tensor is missing from what was written.
    """
    options = StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=config.lora)
    gathered: dict[str, Any] = get_model_state_dict(trained, options=options)
    if place.first:
        write_model(trained, gathered, config, receipt, target)


def write_model(
    trained: Trained, gathered: dict[str, Any], config: TrainConfig, receipt: dict[str, Any], target: Path
) -> None:
    """Write whole weights as a model's folder; nothing is left of it where that fails.

    Args:
        trained: whose weights they are; its own are not read.
        gathered: what was trained, by its names in `trained`.
        config: of the run.
        receipt: written beside the weights.
        target: the folder.

    Raises:
        TrainingFailed: the disk is full, or a tensor is missing from what was written.
    """
    weights = {name.removeprefix("model."): value for name, value in gathered.items()}
    new = target.with_name(f".{target.name}.tmp")
    try:
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        tokenizer = load_tokenizer(config.model, config.chat_template)
        stops = Renderer(tokenizer, config.format).stop_ids
        if config.lora:
            _write_adapter(trained, weights, config, new / "adapter")
            _write_merged(config, new / "adapter", new, stops)
        else:
            dtype = DTYPES[config.save_dtype]
            _save(trained.language_model, {name: value.to(dtype) for name, value in weights.items()}, new, stops)
        tokenizer.save_pretrained(new)
        if config.lora and config.chat_template:
            (new / "adapter" / "chat_template.jinja").write_text(tokenizer.chat_template, encoding="utf-8")
        (new / "receipt.json").write_text(json.dumps(receipt, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        new.rename(target)
    except Exception as error:
        shutil.rmtree(new, ignore_errors=True)
        if not is_full(error):
            raise
        raise TrainingFailed(
            f"{target} cannot be written: the disk is full; the checkpoint is whole: free space and run again, "
            "train.sft with --resume"
        ) from error


def _write_adapter(trained: Trained, weights: dict[str, Tensor], config: TrainConfig, folder: Path) -> None:
    from peft import get_peft_model_state_dict

    folder.mkdir()
    adapter = get_peft_model_state_dict(trained.model, state_dict=weights)
    expected = sum(p.requires_grad for p in trained.parameters())
    dtype = DTYPES[config.save_dtype]
    tensors = {name: value.to(dtype).contiguous() for name, value in adapter.items()}
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    settings = trained.model.peft_config["default"]
    # peft puts the folder here that the weights were loaded from, which only this machine has.
    settings.base_model_name_or_path = config.model
    settings.inference_mode = True
    settings.save_pretrained(folder)
    settings.inference_mode = False
    _assert_written(folder, expected)


def _write_merged(config: TrainConfig, adapter: Path, folder: Path, stops: Sequence[int]) -> None:
    """Merge into a fresh copy of the base: independent of how the training was sharded."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(location_of(config.model), dtype=torch.float32)
    merged: Any = PeftModel.from_pretrained(base, str(adapter)).merge_and_unload()  # pyright: ignore[reportCallIssue]
    # Added in float32 and rounded once.
    merged = merged.to(DTYPES[config.save_dtype])
    _save(merged, merged.state_dict(), folder, stops)
    # The base's, which an adapter is run with, may know another stop.
    merged.generation_config.save_pretrained(adapter)


def _save(model: Any, weights: dict[str, Tensor], folder: Path, stops: Sequence[int]) -> None:
    _stop_at(model, stops)
    # What shares another tensor's memory is not written; gathered from shards, it is a copy and would be.
    tied = set(getattr(model, "all_tied_weights_keys", None) or ())
    own = {name: value for name, value in weights.items() if name not in tied}
    model.save_pretrained(folder, state_dict=dict(own))  # it may empty what it is given
    _assert_written(folder, len(own))
    # The library writes down the dtype that was trained in, not the one that was written.
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["dtype"] = str(next(iter(own.values())).dtype).removeprefix("torch.")
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _stop_at(model: Any, stops: Sequence[int]) -> None:
    """Have the model stop where its rows ended. A base model knows the end of a document alone."""
    if (known := model.generation_config) is None:
        return
    before = known.eos_token_id
    all_stops = [*stops, *([before] if isinstance(before, int) else before or ())]
    unique = list(dict.fromkeys(all_stops))
    known.eos_token_id = unique[0] if len(unique) == 1 else unique or None


def _assert_written(folder: Path, expected: int) -> None:
    """Libraries have written folders without a single tensor, and said nothing."""
    written = 0
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="pt") as file:
            written += len(list(file.keys()))
    if written != expected:
        raise TrainingFailed(
            f"{folder} has {written} tensors and should have {expected}; the checkpoint is whole: run with --resume"
        )
