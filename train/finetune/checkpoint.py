"""Checkpoints that are whole or absent, and that any number of processes can resume.

A checkpoint is written to a temporary name beside its place by all processes, each its own shards, and renamed when
all of them are done: `checkpoints/step-N/`.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.checkpoint.api import CheckpointException  # of any process; no Exception to Python
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict, set_state_dict
from torch.distributed.checkpoint.state_dict_loader import load as load_state
from torch.distributed.checkpoint.state_dict_saver import save as save_state

from s1core.store import write_atomically
from train.finetune.model import Placement, Trained
from train.finetune.run_folder import FULL, NOTE, Checkpoint, TrainingFailed, checkpoints


def save(
    folder: Path,
    step: int,
    trained: Trained,
    optimizer: torch.optim.Optimizer,
    place: Placement,
    *,
    lora: bool,
    note: dict[str, Any],
    keep: int,
) -> None:
    """Write the checkpoint of this step, then drop all but the newest `keep`. All processes call it.

    Raises:
        TrainingFailed: the disk is full or gone; earlier checkpoints are whole, and what was begun is removed.
    """
    temporary, target = folder / f".step-{step}.tmp", folder / f"step-{step}"
    try:
        if place.first:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
        dist.barrier()
        model_state, optimizer_state = get_state_dict(trained, optimizer, options=_options(lora))
        save_state({"model": model_state, "optimizer": optimizer_state}, checkpoint_id=temporary)
        if place.first:
            _finish(temporary, target, {"step": step, "world": place.world, **note})
            for old in checkpoints(folder)[:-keep]:
                shutil.rmtree(old.path, ignore_errors=True)
        dist.barrier()
    except (Exception, CheckpointException) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise TrainingFailed(_write_error(error, folder, step)) from error


def _finish(temporary: Path, target: Path, note: dict[str, Any]) -> None:
    write_atomically(temporary / NOTE, json.dumps(note, indent=1) + "\n")
    if target.exists():
        shutil.rmtree(target)
    temporary.rename(target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_error(error: BaseException, folder: Path, step: int) -> str:
    whole = checkpoints(folder)
    kept = f"the checkpoint of step {whole[-1].step} is whole" if whole else "there is no earlier checkpoint"
    why = "the disk is full" if is_full(error) else next(iter(str(error).strip().splitlines()), type(error).__name__)
    mend = "free space" if is_full(error) else "mend that"
    return f"the checkpoint of step {step} cannot be saved: {why}; {kept}; {mend} and run again with --resume"


def is_full(error: BaseException) -> bool:
    """Whether a full disk is behind this error, however it was wrapped."""
    causes = [error, error.__cause__, error.__context__, *getattr(error, "failures", {}).values()]
    flat = [c[0] if isinstance(c, tuple) else c for c in causes if c is not None]
    return any(getattr(c, "errno", None) in FULL or any(words in str(c) for words in _FULL_WORDS) for c in flat)


_FULL_WORDS = ("No space left", "unexpected pos", "file write failed")
"""The last two are what torch's own writer says when a file cannot grow."""


def load(checkpoint: Checkpoint, trained: Trained, optimizer: torch.optim.Optimizer, *, lora: bool) -> None:
    """Continue from a checkpoint, whatever number of processes wrote it. All processes call it.

    Raises:
        TrainingFailed: it is damaged or of another model.
    """
    try:
        model_state, optimizer_state = get_state_dict(trained, optimizer, options=_options(lora))
        state = {"model": model_state, "optimizer": optimizer_state}
        load_state(state, checkpoint_id=checkpoint.path)
        set_state_dict(
            trained,
            optimizer,
            model_state_dict=state["model"],
            optim_state_dict=state["optimizer"],
            options=StateDictOptions(ignore_frozen_params=lora, strict=not lora),
        )
    except (Exception, CheckpointException) as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TrainingFailed(
            f"{checkpoint.path} cannot be loaded ({said}); remove it to resume from the one before"
        ) from error


def _options(lora: bool) -> StateDictOptions:
    return StateDictOptions(ignore_frozen_params=lora)
