"""Train s1-nano, the bundled model, from scratch on a CPU; or the plain base that fine-tuning starts from.

The model learns six families of questions whose answers take one local step per item (see docs/nano.md). A run writes
`checkpoint.pt`, `metrics.jsonl` and `config.json` to its folder and continues where it stopped when started again.

Examples:
  python -m train.pretrain --out runs/nano-small --tokens 200000        # minutes: shows that everything works
  python -m train.pretrain --out runs/nano --tokens 50000000            # hours on two cores: the bundled model
  python -m train.pretrain --recipe base --out runs/nano-base           # plain answers, no thinking format
  python -m train.nano.export --run runs/nano --to s1core/nano/weights  # a folder that from_pretrained loads
  python -m train.nano.evaluate --model s1core/nano/weights                 # the table of the model card
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from train.nano.loop import PretrainConfig, Trainer, load_checkpoint, save_checkpoint
from train.nano.model import NanoShape
from train.nano.text import PlainRecipe

RECIPES: dict[str, PretrainConfig] = {
    "s1-nano": PretrainConfig(),
    "base": PretrainConfig(
        tokens=16_000_000,
        tokens_per_batch=4_096,
        decay_share=0.7,
        short_tokens=1_500_000,
        shape=NanoShape.of(layers=4, width=128),
        recipe=PlainRecipe(),
    ),
}
"""What can be trained from scratch. `base` answers plainly, in one go or step by step, and has never seen a thinking
block: it stands where Qwen2.5-32B-Instruct stood before s1's fine-tuning."""


def _parser(default: PretrainConfig) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.pretrain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", choices=RECIPES, default="s1-nano", help="what to train (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs/nano"), help="folder of the run (default %(default)s)")
    parser.add_argument("--tokens", type=int, default=default.tokens, help="tokens to train on (default %(default)s)")
    parser.add_argument("--seed", type=int, default=default.seed, help="of weights and data (default %(default)s)")
    parser.add_argument("--decay-share", type=float, default=default.decay_share, help="last share, falling rate")
    parser.add_argument("--muon-lr", type=float, default=default.muon_lr, help="matrices (default %(default)s)")
    parser.add_argument("--adam-lr", type=float, default=default.adam_lr, help="the rest (default %(default)s)")
    parser.add_argument("--short-tokens", type=int, default=default.short_tokens, help="tokens over which chains grow")
    parser.add_argument(
        "--batch", type=int, default=default.tokens_per_batch, help="tokens a step (default %(default)s)"
    )
    parser.add_argument("--layers", type=int, default=default.shape.layers, help="of the network (default %(default)s)")
    parser.add_argument("--width", type=int, default=default.shape.width, help="a multiple of 32 (default %(default)s)")
    parser.add_argument("--log-every", type=int, default=20, help="steps between log lines (default %(default)s)")
    parser.add_argument("--check-every", type=int, default=200, help="steps between per-family checks and checkpoints")
    parser.add_argument("--fresh", action="store_true", help="start over instead of continuing the run in --out")
    return parser


def _recipe_parser() -> argparse.ArgumentParser:
    """Finds the recipe first: the other options' defaults are its own."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--recipe", choices=RECIPES, default="s1-nano")
    return parser


def run(
    config: PretrainConfig, out: Path, *, fresh: bool = False, log_every: int = 20, check_every: int = 200
) -> Trainer:
    """Train until `config.tokens`, continuing the run in `out` if there is one."""
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, trainer = out / "checkpoint.pt", Trainer(config)
    if checkpoint.exists() and not fresh:
        load_checkpoint(trainer, checkpoint)
    elif checkpoint.exists():
        checkpoint.unlink()
    (out / "config.json").write_text(json.dumps(asdict(config), indent=2) + "\n")
    with (out / "metrics.jsonl").open("a") as log:
        _train(trainer, checkpoint, _Log(log), log_every, check_every)
    save_checkpoint(trainer, checkpoint)
    return trainer


class _Log:
    """One JSON line per event, to the file and to the terminal."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, **event: Any) -> None:
        line = json.dumps(event)
        self._file.write(line + "\n")
        self._file.flush()
        print(line, flush=True)


def _train(trainer: Trainer, checkpoint: Path, log: _Log, log_every: int, check_every: int) -> None:
    state, losses = trainer.progress, list[float]()
    mark, mark_tokens = time.monotonic(), state.tokens
    while state.tokens < trainer.config.tokens:
        losses.append(trainer.step())
        if state.step % log_every == 0:
            seconds = time.monotonic() - mark
            state.seconds += seconds
            speed, loss = (state.tokens - mark_tokens) / seconds, sum(losses) / len(losses)
            rate = trainer.config.rate(state.step, state.tokens)
            log.write(
                step=state.step, tokens=state.tokens, loss=round(loss, 4), rate=round(rate, 3), speed=round(speed)
            )
            mark, mark_tokens, losses = time.monotonic(), state.tokens, []
        if state.step % check_every == 0:
            exact = trainer.exact()
            trainer.reweight(exact)
            log.write(step=state.step, exact=exact, weights=[round(w, 2) for w in state.next_weights])
            save_checkpoint(trainer, checkpoint)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    recipe = _recipe_parser().parse_known_args(argv)[0].recipe
    default = RECIPES[recipe]
    args = _parser(default).parse_args(argv)
    config = replace(
        default,
        tokens=args.tokens,
        seed=args.seed,
        decay_share=args.decay_share,
        muon_lr=args.muon_lr,
        adam_lr=args.adam_lr,
        short_tokens=args.short_tokens,
        tokens_per_batch=args.batch,
        shape=NanoShape.of(layers=args.layers, width=args.width),
    )
    torch.set_float32_matmul_precision("high")
    run(config, args.out, fresh=args.fresh, log_every=args.log_every, check_every=args.check_every)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
