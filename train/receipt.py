"""What a fine-tuned model was made from: written beside its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from s1core.provenance import run_facts
from train.batches import rows_of_step
from train.config import TrainConfig
from train.data import TrainingData
from train.folder import read_metrics


def make_receipt(config: TrainConfig, data: TrainingData, steps: int, folder: Path) -> dict[str, Any]:
    """Settings, parent, data, losses, versions and hardware, after `steps` steps of the run in `folder`."""
    logged = read_metrics(folder)
    losses = [row["loss"] for row in logged if "loss" in row]
    held_out = [row["eval_loss"] for row in logged if "eval_loss" in row]
    lengths = [len(row.ids) for row in data.rows]
    gpu = torch.cuda.is_available() and config.device != "cpu"
    return {
        "made_by": "python -m train.sft",
        "config": config.as_dict(),
        "parent": config.model,
        "data": data.facts(),
        "steps": steps,
        "tokens_seen": sum(lengths[i] for step in range(steps) for i in rows_of_step(config, len(lengths), step)),
        "first_loss": losses[0] if losses else None,
        "last_loss": losses[-1] if losses else None,
        "eval_loss": held_out[-1] if held_out else None,
        "hardware": torch.cuda.get_device_name() if gpu else "CPU",
        **run_facts("s1core", "train"),
    }
