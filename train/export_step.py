"""Write a checkpoint of a run as a model: of one that was stopped, failed, or is still at work.

The folder is what `final/` of a run is: from_pretrained and vLLM load it. No GPU is needed, and the run is not
disturbed; it may drop the checkpoint meanwhile.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s1core.errors import InvalidSetting, S1Error
from s1core.weights import location_of
from train.finetune.config import TrainConfig
from train.finetune.run_folder import Checkpoint, RunFolder, TrainingFailed, checkpoints

if TYPE_CHECKING:
    from torch import Tensor

    from train.finetune.model import Trained

PROG = "python -m train.export_step"
EXAMPLES = """\
examples:
  python -m train.export_step --run runs/sft/nano --step 20        to runs/sft/nano/models/nano-step-20
  python -m s1core "How many r in raspberry?" --model runs/sft/nano/models/nano-step-20
"""
_AT_ONCE = 2**30
"""Bytes that are read in their own type before they become the type that is written."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0 when the model is there, 1 when it cannot be made, 2 for bad input."""
    p = argparse.ArgumentParser(
        prog=PROG, description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of the run")
    p.add_argument("--step", type=int, required=True, metavar="N", help="of the checkpoint")
    p.add_argument("--out", type=Path, metavar="DIR", help="folder of the model (default: models/NAME-step-N in --run)")
    args = p.parse_args(argv)
    try:
        out = args.out or model_folder(args.run, args.step)
        export_step(args.run, args.step, out)
        print(out)
        return 0
    except S1Error as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2 if isinstance(error, InvalidSetting) else 1


def model_folder(run: Path, step: int) -> Path:
    """Where the model of a step lies; its last part is what the model is called."""
    return run / "models" / f"{run.resolve().name}-step-{step}"


def export_step(run: Path, step: int, out: Path) -> None:
    """Write the checkpoint of a step as a model's folder.

    Raises:
        InvalidSetting: there is no such run, or no such step of it.
        TrainingFailed: the checkpoint is damaged or was dropped meanwhile, or the disk is full.
        ModelUnavailable: the model that was fine-tuned is not there any more.
    """
    recorded = RunFolder(run).read_json("config.json")
    if not recorded:
        raise InvalidSetting(f"{run} is no folder of a run; name one that train.sft made")
    names = {field.name for field in fields(TrainConfig)}
    config = TrainConfig(**{name: value for name, value in recorded.items() if name in names})
    whole = checkpoints(run / "checkpoints")
    found = next((one for one in whole if one.step == step), None)
    if found is None:
        steps = ", ".join(str(one.step) for one in whole) or "none"
        raise InvalidSetting(f"{run} has no checkpoint of step {step}; there are: {steps}")
    with _kept(found, out) as files:
        # The libraries are loaded here: what is kept must be kept soon.
        from train.finetune.export import write_model
        from train.finetune.receipt import receipt_of_step

        trained = skeleton(config)
        weights = read_weights(files, config)
        write_model(trained, weights, config, receipt_of_step(config, recorded, step, run), out)


@contextmanager
def _kept(checkpoint: Checkpoint, out: Path) -> Generator[Path, None, None]:
    """The checkpoint's files under second names, so that a run at work may drop its own meanwhile."""
    second = out.with_name(f".{out.name}.checkpoint")
    shutil.rmtree(second, ignore_errors=True)
    try:
        shutil.copytree(checkpoint.path, second, copy_function=os.link)
    except (OSError, shutil.Error):  # a file system without hard links, or another one
        shutil.rmtree(second, ignore_errors=True)
        yield checkpoint.path
        return
    try:
        yield second
    finally:
        shutil.rmtree(second, ignore_errors=True)


def skeleton(config: TrainConfig) -> Trained:
    """The model as it was trained, without weights.

    Raises:
        ModelUnavailable: the model that was fine-tuned is not there.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

    from train.finetune.model import Trained, add_adapters, translate_load_errors

    with translate_load_errors(config.model):
        location = location_of(config.model)
        shape = AutoConfig.from_pretrained(location)
    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(shape)
        if config.lora:
            model = add_adapters(model, config)
    trained = Trained(model, config, autocast=False)
    with suppress(OSError):  # it has none of its own
        trained.language_model.generation_config = GenerationConfig.from_pretrained(location)
    return trained


def read_weights(files: Path, config: TrainConfig) -> dict[str, Tensor]:
    """What was trained, whole, by its names in `Trained`, whatever number of processes wrote it.

    Weights come in the type that is written, a part at a time: the optimizer's float32 never lies here whole.

    Raises:
        TrainingFailed: the files are damaged, or gone.
    """
    from torch.distributed.checkpoint.api import CheckpointException  # no Exception to Python

    try:
        return _read(files, config)
    except (Exception, CheckpointException) as error:
        why = next(iter(getattr(error, "failures", {}).values()), (error,))[0]
        said = (str(why).strip() or type(why).__name__).splitlines()[0]
        raise TrainingFailed(
            f"this checkpoint cannot be read ({said}); if the run dropped it meanwhile, choose a newer one"
        ) from error


def _read(files: Path, config: TrainConfig) -> dict[str, Tensor]:
    import torch
    from torch.distributed.checkpoint.filesystem import FileSystemReader
    from torch.distributed.checkpoint.metadata import TensorStorageMetadata
    from torch.distributed.checkpoint.state_dict_loader import load

    from train.finetune.model import DTYPES

    saved = FileSystemReader(files).read_metadata().state_dict_metadata
    wanted = {n: one for n, one in saved.items() if n.startswith("model.") and isinstance(one, TensorStorageMetadata)}
    weights: dict[str, Tensor] = {}
    part: dict[str, Any] = {}
    for number, (name, one) in enumerate(wanted.items(), 1):
        part[name] = torch.empty(one.size, dtype=one.properties.dtype)
        if number == len(wanted) or sum(tensor.nbytes for tensor in part.values()) >= _AT_ONCE:
            with warnings.catch_warnings(action="ignore"):  # that this is a single process
                load(part, storage_reader=FileSystemReader(files), no_dist=True)
            for key, tensor in part.items():
                kept = tensor if config.lora else tensor.to(DTYPES[config.save_dtype])
                weights[key.removeprefix("model.")] = kept
            part = {}
    return weights


if __name__ == "__main__":
    sys.exit(main())
