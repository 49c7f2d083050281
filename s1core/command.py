"""The command `s1`: one name for every command line of the project. `s1 ask …` is `python -m s1core …`, and so on."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence

COMMANDS: dict[str, tuple[str, str]] = {
    "app": ("app", "open the playground in the browser"),
    "ask": ("s1core", "ask one question under a thinking budget"),
    "eval": ("evals.run", "measure a model on a benchmark at several budgets"),
    "sweep": ("evals.sweep", "measure a grid of budgets and Waits, each question thought about once"),
    "curate": ("curate.run", "make a training set as s1K was made"),
    "train": ("train.sft", "fine-tune a model on a curated set"),
    "bench": ("evals.bench", "measure speed, as ratios taken side by side"),
    "doctor": ("s1core.doctor", "say what is installed, and which engines and models work here"),
}
"""By subcommand: the module that it runs, and what it is for."""
_USAGE = """\
usage: s1 COMMAND [OPTIONS]

See, feel and measure test-time scaling.

commands:
{commands}

`s1 COMMAND --help` explains each of them.
First steps: `s1 doctor`, `s1 ask "How many r in raspberry?" --waits 1`, `s1 app`.
"""


def usage() -> str:
    """What `s1 --help` prints."""
    width = max(map(len, COMMANDS)) + 2
    return _USAGE.format(commands="\n".join(f"  {name:{width}}{what}" for name, (_, what) in COMMANDS.items()))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; returns the exit code: 2 for an unknown one."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(usage())
        return 0
    name, *rest = words
    if name not in COMMANDS:
        sys.stderr.write(f"s1: unknown command {name!r}; use one of {', '.join(COMMANDS)}\n")
        return 2
    sys.argv = [f"s1 {name}", *rest]
    try:
        runpy.run_module(COMMANDS[name][0], run_name="__main__", alter_sys=False)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
            return 1
        return end.code or 0
    return 0
