"""Start a fine-tuning in as many processes as it needs: on this machine by torchrun, or on many by Slurm.

What follows the launcher's own options is for `train.sft`. SIGTERM (or Ctrl-C) asks the run to save and end; a second
one insists. Nothing outlives the launcher on this machine. Under Slurm the run always resumes from its last checkpoint,
so that it survives the end of its time and making room for others; the same command follows a job that is at work.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from s1core.errors import InvalidSetting, S1Error
from train import sft
from train.launcher.local import GRACE_S, gpus_here, local_command, require_free, watch

PROG = "python -m train.launch"
EXAMPLES = """\
examples:
  python -m train.launch --on local --processes 2 --recipe s1-nano --data curated/nano-1k --out runs/sft/two
  python -m train.launch --on slurm --nodes 2 --gpus-per-node 8 --time 24:00:00 --partition gpu \\
    --recipe s1-32b --data curated/s1k --out /shared/runs/s1-32b
  python -m train.launch --on local --processes 8 --print --recipe qwen2.5-7b --data curated/s1k --out runs/sft/7b
"""


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog=PROG,
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    p.add_argument("--on", choices=("local", "slurm"), default="local", help="where to run (default: local)")
    p.add_argument("--print", action="store_true", dest="show", help="print what would run, and do nothing else")
    p.add_argument(
        "--processes", type=int, metavar="N", help="processes of this machine, or of each node (default: one per GPU)"
    )
    p.add_argument("--grace", type=float, default=GRACE_S, metavar="S", help="seconds to save and end (default: 600)")
    local = p.add_argument_group("on this machine")
    local.add_argument("--port", type=int, metavar="N", help="where the processes meet (default: a free one)")
    slurm = p.add_argument_group("under Slurm")
    slurm.add_argument("--nodes", type=int, default=1, metavar="N", help="machines (default: 1)")
    slurm.add_argument("--gpus-per-node", type=int, default=0, metavar="N", help="GPUs of each (default: none)")
    slurm.add_argument("--cpus-per-node", type=int, metavar="N", help="cores of each (default: 8 for each GPU)")
    slurm.add_argument(
        "--time", default="24:00:00", metavar="T", help="minutes, HH:MM:SS or D-HH:MM:SS (default: a day)"
    )
    for name in ("partition", "account", "qos"):
        slurm.add_argument(f"--{name}", metavar="NAME", help=f"Slurm's {name}")
    slurm.add_argument(
        "--slurm", action="append", default=[], metavar="KEY=VALUE", help="any other option of sbatch, as mem=0"
    )
    slurm.add_argument(
        "--setup", action="append", default=[], metavar="LINE", help="shell before it, as 'module load cuda'"
    )
    slurm.add_argument("--detach", action="store_true", help="submit and return; do not follow")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0 when done or stopped, 1 when training failed, 2 for bad input."""
    args, words = _parser().parse_known_args(argv)
    try:
        given = sft.parser().parse_args(words)
        sft.configured(given)
        if given.out is None or given.preflight or given.list:
            raise InvalidSetting("name the folder of the run with --out; --list and --preflight are for train.sft")
        for name in ("processes", "nodes"):
            if getattr(args, name) is not None and getattr(args, name) < 1:
                raise InvalidSetting(f"--{name} must be at least 1, got {getattr(args, name)}")
        return _slurm(args, words, given.out) if args.on == "slurm" else _local(args, words, given.out)
    except S1Error as error:
        sys.stdout.flush()
        print(f"{PROG}: {error}", file=sys.stderr, flush=True)
        return 2 if isinstance(error, InvalidSetting) else 1


def _local(args: argparse.Namespace, words: list[str], out: Path) -> int:
    if args.nodes > 1:
        raise InvalidSetting(
            "--nodes is for --on slurm; without Slurm start torchrun on each machine (docs/training.md)"
        )
    processes = args.processes or max(1, gpus_here())
    command = local_command(processes, args.port, words)
    if args.show:
        print(shlex.join(command))
        return 0
    if args.port and processes > 1:
        require_free(args.port)
    return watch(command, out, grace_s=args.grace)


def _slurm(args: argparse.Namespace, words: list[str], out: Path) -> int:
    from train.launcher import slurm

    processes = args.processes or max(1, args.gpus_per_node)
    more: dict[str, str] = {}
    for word in args.slurm:
        key, equals, value = word.partition("=")
        if not equals:
            raise InvalidSetting(f"--slurm takes KEY=VALUE, got {word!r}")
        more[key.lstrip("-")] = value
    wanted = slurm.SlurmRequest(
        nodes=args.nodes,
        processes=processes,
        gpus=args.gpus_per_node,
        minutes=slurm.minutes(args.time),
        cpus=args.cpus_per_node or (8 * args.gpus_per_node or processes),
        partition=args.partition,
        account=args.account,
        qos=args.qos,
        more=more,
        setup=tuple(args.setup),
    )
    if args.show:
        print(slurm.batch_file(wanted, out))
        command = slurm.node_command(processes, slurm.resuming(words), "NODE", "FIRST:PORT", True, "JOB", args.nodes)
        print("# on the first node (is_host=0 on the others):\n# " + shlex.join(command))
        return 0
    job = slurm.submit(wanted, words, out)
    print(f"job {job}; logs in {out / 'slurm'}", flush=True)
    return 0 if args.detach else slurm.follow(job, out, grace_s=args.grace)


if __name__ == "__main__":
    sys.exit(main())
