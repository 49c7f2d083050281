"""What a fine-tuned model was made from: written beside its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from s1core.provenance import run_facts
from train.finetune.batches import rows_of_step
from train.finetune.config import TrainConfig
from train.finetune.data import TrainingData
from train.finetune.run_folder import read_metrics


def make_receipt(config: TrainConfig, data: TrainingData, steps: int, folder: Path) -> dict[str, Any]:
    """Settings, parent, data, losses, versions and hardware, after `steps` steps of the run in `folder`."""
    lengths = [len(row.ids) for row in data.rows]
    gpu = torch.cuda.is_available() and config.device != "cpu"
    return {
        "made_by": "python -m train.sft",
        "config": config.as_dict(),
        "parent": config.model,
        "data": data.facts(),
        "steps": steps,
        "tokens_seen": sum(lengths[i] for step in range(steps) for i in rows_of_step(config, lengths, step)),
        **_losses(folder, steps),
        "hardware": torch.cuda.get_device_name() if gpu else "CPU",
        **run_facts("s1core", "train"),
    }


def receipt_of_step(config: TrainConfig, recorded: dict[str, Any], step: int, folder: Path) -> dict[str, Any]:
    """The same for a checkpoint: by what the run said of itself (`config.json`), without its data."""
    return {
        "made_by": "python -m train.export_step",
        "config": config.as_dict(),
        "parent": config.model,
        "data": recorded.get("data_facts"),
        "steps": step,
        **_losses(folder, step),
        "processes": recorded.get("world"),
        **run_facts("s1core", "train"),
    }


def _losses(folder: Path, steps: int) -> dict[str, Any]:
    logged = [row for row in read_metrics(folder) if row["step"] <= steps]
    losses = [row["loss"] for row in logged if "loss" in row]
    held_out = [row["eval_loss"] for row in logged if "eval_loss" in row]
    return {
        "first_loss": losses[0] if losses else None,
        "last_loss": losses[-1] if losses else None,
        "eval_loss": held_out[-1] if held_out else None,
    }
