"""Fine-tune a model on a curated set, as s1 was made from Qwen2.5-32B-Instruct.

A run writes `status.json`, `metrics.jsonl`, `config.json`, `checkpoints/step-N/` and at last `final/`, which
from_pretrained and vLLM load. A file called STOP in its folder, or SIGTERM, saves and ends it; --resume goes on, on
any number of processes.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s1core.errors import InvalidSetting, S1Error
from train.finetune.config import TrainConfig, known_keys, with_settings
from train.finetune.recipes import RECIPES, described, recipe
from train.launcher.local import gpus_here

if TYPE_CHECKING:
    from train.finetune.model import Placement

PROG = "python -m train.sft"
EXAMPLES = """\
examples:
  python -m train.sft --list                                                             the recipes
  python -m train.sft --recipe s1-nano --data curated/nano-1k --out runs/sft/nano        minutes on two CPU cores
  torchrun --nproc-per-node 2 -m train.sft --recipe s1-nano --data curated/nano-1k --out runs/sft/two
  python -m train.sft --recipe s1-32b --data curated/s1k --preflight --on 16xH100        would it fit, how long?
  torchrun --nnodes 2 --nproc-per-node 8 --node-rank $RANK --rdzv-id s1 --rdzv-backend c10d \\
    --rdzv-endpoint $HEAD:29500 -m train.sft --recipe s1-32b --data curated/s1k --out runs/sft/s1-32b
"""


def parser() -> argparse.ArgumentParser:
    """The arguments that it takes."""
    p = argparse.ArgumentParser(
        prog=PROG, description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--recipe", metavar="NAME", help=f"one of: {', '.join(RECIPES)}")
    p.add_argument("--data", metavar="PATH", help="a curated set (curated/NAME), or a .jsonl or .parquet file of rows")
    p.add_argument("--out", type=Path, metavar="DIR", help="folder of the run")
    p.add_argument("--model", metavar="PATH", help="folder or hub id of what is fine-tuned (default: the recipe's)")
    p.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help=f"change {', '.join(known_keys())}",
    )
    p.add_argument(
        "--resume", action="store_true", help="go on from the last whole checkpoint in --out, if there is one"
    )
    p.add_argument(
        "--preflight", action="store_true", help="estimate memory and time, say what would fit; train nothing"
    )
    p.add_argument("--on", metavar="NxGPU", help="with --preflight: for these GPUs (16xH100) instead of those here")
    p.add_argument("--list", action="store_true", help="show the recipes and their settings")
    p.add_argument("--json", action="store_true", help="with --list or --preflight: as JSON")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0 when done or stopped, 1 when training failed, 2 for bad input."""
    args = parser().parse_args(argv)
    try:
        if args.list:
            _print_recipes(as_json=args.json)
            return 0
        config = configured(args)
        if args.preflight:
            from train.preflight.estimate import preflight

            report = preflight(config, on=args.on)
            print(json.dumps(report.as_dict(), indent=1) if args.json else report.text())
            return 0
        return _train(config, args)
    except S1Error as error:
        _complain(error)
        return 2


def configured(args: argparse.Namespace) -> TrainConfig:
    """The configuration that the arguments ask for.

    Raises:
        InvalidSetting: something is missing, unknown or out of range.
    """
    if not args.recipe:
        raise InvalidSetting(f"name a recipe with --recipe; known: {', '.join(RECIPES)}")
    words = list(args.settings)
    words += [f"data={args.data}"] if args.data else []
    words += [f"model={args.model}"] if args.model else []
    config = with_settings(recipe(args.recipe), words)
    if not config.data and not args.preflight:
        raise InvalidSetting("name the rows to train on with --data")
    if args.out is None and not args.preflight:
        raise InvalidSetting("name the folder of the run with --out")
    return config


def _print_recipes(*, as_json: bool) -> None:
    if as_json:
        recipes = {name: {"what": what, "config": recipe(name).as_dict()} for name, what in described().items()}
        print(json.dumps({"recipes": recipes, "keys": known_keys(), "gpus": gpus_here()}, indent=1))
        return
    for name, what in described().items():
        print(f"{name:20}{what}")


def _train(config: TrainConfig, args: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    logging.getLogger("train").setLevel(logging.INFO)
    # The library is loaded here: what only reads the command line shall not wait for it.
    from train.finetune import cpu
    from train.finetune.loop import Run
    from train.finetune.run_folder import RunFolder

    place = join(config)
    if place.device.type == "cpu":
        cpu.keep_freed_memory()
    try:
        Run(config, RunFolder(args.out), place, resume=args.resume).run()
    except S1Error as error:
        _complain(error)
        return 2 if isinstance(error, InvalidSetting) else 1
    finally:
        leave()
    return 0


def join(config: TrainConfig) -> Placement:
    """Join the other processes that torchrun started; alone without it.

    Raises:
        InvalidSetting: a GPU was asked for and there is none.
    """
    import torch
    import torch.distributed as dist
    from torch._C._distributed_c10d import HashStore

    from train.finetune.model import Placement

    cuda = config.device == "cuda" or (config.device == "auto" and torch.cuda.is_available())
    if cuda and not torch.cuda.is_available():
        raise InvalidSetting("device=cuda was asked for, but torch sees no GPU; use device=cpu")
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if cuda:
        torch.cuda.set_device(local)
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    backend = "cuda:nccl,cpu:gloo" if cuda else "gloo"
    if "RANK" in os.environ:
        dist.init_process_group(backend)
    else:
        dist.init_process_group(backend, store=HashStore(), rank=0, world_size=1)
    return Placement(device=device, rank=dist.get_rank(), world=dist.get_world_size())


def leave() -> None:
    """Leave the process group."""
    import torch.distributed as dist

    if dist.is_initialized():
        dist.destroy_process_group()


def _complain(error: BaseException) -> None:
    if os.environ.get("RANK", "0") == "0":
        print(f"{PROG}: {error}", file=sys.stderr)


def _ended(code: int) -> Any:
    """End at once: threads of the process group have been seen to abort a process that had done its work."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _ended(main())
