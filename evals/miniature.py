"""s1 in miniature: a plain base, a curated thousand, fine-tuning, a sweep; and what other choices of the thousand give.

Sets are made by `curate.run`, models by `train.sft`, each as a command of its own; what is there already is not made
again. Every model is asked the frozen test set under the same grid, and packed beside the other measured evals.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.benchmarks import Item, load_benchmark
from evals.evaluate import evaluate_grid, run_config, run_facts
from evals.progress import Stages, ending
from evals.reports.cached import MEASURED
from evals.reports.packed_run import pack
from evals.reproduce import BENCHMARK, DOCS, write_tables
from evals.reproduction.miniature_tables import tables
from s1core import Sampling, load_engine
from s1core.errors import InvalidSetting, S1Error
from s1core.nano import BASE
from s1core.store import RunStore, config_hash

PROG = "python -m evals.miniature"
BUDGETS = (0, 32, 64, 128, 256, None)
WAITS = (0, 1)
EXAMPLES = """\
examples:
  python -m evals.miniature                        all of it; the same command resumes
  python -m evals.miniature --limit 20             a quick try: 20 questions, 20 steps; nothing that ships changes
  python -m evals.miniature --only nano-1k         the base and s1-nano-1k alone
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One choice of rows, and the model that is made of it."""

    name: str
    """Of the curated set; the model is `s1-NAME`."""
    what: str
    select: tuple[str, ...]
    """What the curation is told besides its recipe."""
    settings: tuple[str, ...] = ()
    """What the fine-tuning is told besides its recipe."""

    @property
    def model(self) -> str:
        """What its model is called."""
        return f"s1-{self.name}"


VARIANTS = (
    Variant(name="nano-1k", what="curated: quality, difficulty, diversity, length", select=("--select", "published")),
    Variant(name="nano-random", what="random", select=("--select", "random")),
    Variant(name="nano-diverse", what="diverse: uniform over the families", select=("--select", "diverse")),
    Variant(name="nano-longest", what="longest traces", select=("--select", "longest")),
    Variant(name="nano-all", what="all, one epoch", select=("--select", "all"), settings=("epochs=1",)),
)
BASE_NAME = "nano-base"


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog=PROG, description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--limit", type=int, default=None, metavar="N", help="only the first N questions, and N steps")
    p.add_argument("--only", default=None, metavar="NAMES", help=f"some of: {', '.join(v.name for v in VARIANTS)}")
    p.add_argument("--runs", type=Path, default=None, help="where models and runs go (default: runs/miniature)")
    p.add_argument("--curated", type=Path, default=Path("curated"), help="where the sets are (default: curated)")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = _parser().parse_args(argv)

    def command() -> None:
        runs = args.runs or Path("runs/miniature" if args.limit is None else f"runs/miniature-{args.limit}")
        out = make(chosen(args.only), args.limit, runs, args.curated)
        print(tables(out, BASE_NAME, VARIANTS))
        print(f"packed runs: {out}")
        if out == MEASURED and DOCS.exists():
            write_tables(DOCS, tables(out, BASE_NAME, VARIANTS), mark="miniature")

    return ending(PROG, command)


def chosen(names: str | None) -> list[Variant]:
    """The variants of these names.

    Raises:
        InvalidSetting: no such variant.
    """
    known = {one.name: one for one in VARIANTS}
    asked = [name.strip() for name in names.split(",") if name.strip()] if names else list(known)
    unknown = [name for name in asked if name not in known]
    if unknown or not asked:
        raise InvalidSetting(f"unknown variant {', '.join(unknown) or names!r}; known: {', '.join(known)}")
    return [known[name] for name in asked]


def make(variants: Sequence[Variant], limit: int | None, runs: Path, curated: Path) -> Path:
    """Make the sets, the models and their sweeps; returns the folder of the packed runs.

    Raises:
        S1Error: a command failed (its own words are on the terminal), or a run folder is in use.
    """
    items = load_benchmark(BENCHMARK, limit)
    out = MEASURED if limit is None else runs / "packed"
    models = {BASE_NAME: _named(runs, BASE_NAME, BASE)}
    for variant in variants:
        folder = curated / variant.name
        if not (folder / "dataset").is_dir():
            _command("curate.run", "--recipe", "nano", *variant.select, "--out", str(folder))
        models[variant.name] = _named(runs, variant.model, _trained(variant, folder, runs, limit))
    stages = Stages({name: 1.0 for name in models})
    for name, model in models.items():
        pack(_swept(name, model, items, runs, stages), out / f"miniature-{name}.jsonl.gz")
    return out


def _trained(variant: Variant, data: Path, runs: Path, limit: int | None) -> Path:
    """The folder of the fine-tuned model; a run that was stopped goes on."""
    folder = runs / "sft" / variant.name
    final = folder / "final"
    if not final.is_dir():
        settings = [*variant.settings, "save_every=100", *([f"max_steps={limit}"] if limit is not None else [])]
        words = [word for setting in settings for word in ("--set", setting)]
        _command("train.sft", "--recipe", "s1-nano", "--data", str(data), "--out", str(folder), *words, "--resume")
    if not final.is_dir():
        why = json.loads((folder / "status.json").read_text(encoding="utf-8")).get("reason", "")
        raise S1Error(f"{variant.model} is not trained to its end ({why}); the same command goes on")
    return final


def _command(module: str, *words: str) -> None:
    """Run one of the project's own commands."""
    print(f"{module} {' '.join(words)}", file=sys.stderr, flush=True)
    ended = subprocess.run([sys.executable, "-m", module, *words], check=False)
    if ended.returncode:
        raise S1Error(f"python -m {module} failed (exit code {ended.returncode}); put right what it says and run again")


def _named(runs: Path, name: str, folder: Path) -> Path:
    """A folder of this name: what a model is called in its run is the name of its folder."""
    link = runs / "models" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(folder.resolve())
    return link


def _swept(name: str, model: Path, items: Sequence[Item], runs: Path, stages: Stages) -> Path:
    """The run folder with every question under every setting; thought about once each."""
    progress, sampling = stages.stage(name), Sampling()
    engine = load_engine(str(model))
    try:
        grid = {"method": "sweep", "budgets": list(BUDGETS), "waits": list(WAITS), "wait_text": "Wait"}
        config = run_config(engine, BENCHMARK, items, [grid], sampling)
        folder = runs / "sweeps" / f"{name}-{config_hash(config)}"
        with RunStore(folder, config, run_facts()) as store:
            asyncio.run(evaluate_grid(engine, items, BUDGETS, WAITS, "Wait", sampling, store, on_progress=progress))
    finally:
        engine.close()
    return folder


if __name__ == "__main__":
    sys.exit(main())
