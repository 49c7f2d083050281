"""s1 in miniature: a plain base, a curated thousand, fine-tuning, a sweep; and what other choices of the thousand give.

Sets are made by `curate.run`, models by `train.sft`, each as a command of its own; what is there already is not made
again. Every model is asked the frozen test set under the same grid, and packed beside the other measured evals. How
long that takes on this machine is said first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.benchmarks import Item, load_benchmark
from evals.evaluate import evaluate_grid, run_config, run_facts
from evals.progress import Stages, duration, ending
from evals.reports.cached import MEASURED
from evals.reports.packed_run import pack
from evals.reproduce import DOCS, write_tables
from evals.reproduction.miniature_tables import tables
from evals.reproduction.miniatures import MINIATURES, Miniature, Variant, chosen, miniature
from s1core import Sampling, load_engine
from s1core.engines.base import Engine
from s1core.errors import S1Error
from s1core.store import RunStore, config_hash
from s1core.sweep import asweep
from s1core.weights import location_of

PROG = "python -m evals.miniature"
EXAMPLES = """\
examples:
  python -m evals.miniature                        all of it, of s1-135M; the same command resumes
  python -m evals.miniature --limit 20             a quick try: 20 questions, 20 steps; nothing that ships changes
  python -m evals.miniature --only 135m-1k         the base and s1-135m-1k alone
  python -m evals.miniature --model s1-nano        the same of s1-nano
"""
_PROBED = 8
"""Questions from which the time of all is extrapolated."""
_CURATED = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What is made, of how much, and where."""

    one: Miniature
    variants: Sequence[Variant]
    limit: int | None
    runs: Path
    curated: Path
    curation: tuple[str, ...] = ()
    """Further arguments of every curation."""

    def set_of(self, variant: Variant) -> Path:
        """Where its rows are, or will be."""
        return self.curated / variant.name

    def run_of(self, variant: Variant) -> Path:
        """Where it is trained."""
        return self.runs / "sft" / variant.name


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog=PROG, description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = "; ".join(f"{one.name}: {', '.join(v.name for v in one.variants)}" for one in MINIATURES.values())
    p.add_argument("--model", default="s1-135m", choices=MINIATURES, help="which base and recipe (s1-135m)")
    p.add_argument("--limit", type=int, default=None, metavar="N", help="only the first N questions, and N steps")
    p.add_argument("--only", default=None, metavar="NAMES", help=f"some of {names}")
    p.add_argument("--gsm8k", type=Path, default=None, metavar="FILE", help="a copy of its training rows, not the hub")
    p.add_argument("--skip-missing", action="store_true", help="curate without sources that cannot be read")
    p.add_argument("--runs", type=Path, default=None, help="where models and runs go (default: runs/miniature)")
    p.add_argument("--curated", type=Path, default=Path("curated"), help="where the sets are (default: curated)")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = _parser().parse_args(argv)

    def command() -> None:
        one = miniature(args.model)
        runs = args.runs or Path("runs/miniature" if args.limit is None else f"runs/miniature-{args.limit}")
        words = [*(["--local", f"gsm8k={args.gsm8k}"] if args.gsm8k else []), *["--skip-missing"] * args.skip_missing]
        variants = chosen(one, args.only)
        out = make(
            Work(one=one, variants=variants, limit=args.limit, runs=runs, curated=args.curated, curation=tuple(words))
        )
        text = tables(out, one.base_name, one.variants)
        print(text)
        print(f"packed runs: {out}")
        if out == MEASURED and DOCS.exists():
            write_tables(DOCS, text, mark=one.mark)

    return ending(PROG, command)


def make(work: Work) -> Path:
    """Make the sets, the models and their sweeps; returns the folder of the packed runs.

    Raises:
        S1Error: a command failed (its own words are on the terminal), or a run folder is in use.
    """
    one, items = work.one, load_benchmark(work.one.benchmark, work.limit)
    base = _named(work.runs, one.base_name, Path(location_of(one.base)))
    print(_estimate(work, base, items), file=sys.stderr, flush=True)
    out = MEASURED if work.limit is None else work.runs / "packed"
    models = {one.base_name: base}
    for variant in work.variants:
        if not (work.set_of(variant) / "dataset").is_dir():
            words = (*variant.select, *work.curation, "--out", str(work.set_of(variant)))
            _command("curate.run", "--recipe", one.curation, *words)
        models[variant.name] = _named(work.runs, variant.model, _trained(work, variant))
    stages = Stages({name: 1.0 for name in models})
    for name, model in models.items():
        pack(_swept(work, name, model, items, stages), out / f"miniature-{name}.jsonl.gz")
    return out


def _estimate(work: Work, base: Path, items: Sequence[Item]) -> str:
    """What is still to do, and how long it takes here: a training by its preflight, a question by asking a few."""
    parts: dict[str, float | None] = {}
    missing = [v for v in work.variants if not (work.set_of(v) / "dataset").is_dir()]
    for variant in work.variants:
        if not (work.run_of(variant) / "final").is_dir():
            parts[f"fine-tuning {variant.model}"] = _training_s(work, variant)
    names = [work.one.base_name, *(variant.name for variant in work.variants)]
    if any(not list((work.runs / "sweeps").glob(f"{name}-*")) for name in names):
        parts[f"asking {len(names)} models {len(items):,} questions, at most"] = (
            _asking_s(work.one, base, items) * len(items) * len(names)
        )
    lines = [f"{what}: {'not known yet' if seconds is None else duration(seconds)}" for what, seconds in parts.items()]
    if missing:
        lines.insert(0, f"curating {', '.join(v.name for v in missing)} first; each tells how far it is")
    if len(parts) > 1 and None not in parts.values():
        lines.append(f"in all: {duration(sum(s for s in parts.values() if s is not None))}")
    return "\n".join(lines or ["everything was made before; packing it again"])


def _training_s(work: Work, variant: Variant) -> float | None:
    """By the preflight of its own rows, or of rows like them; None where there are neither."""
    there = (work.set_of(variant) / "dataset").is_dir()
    data = str(work.set_of(variant)) if there else work.one.rehearsal
    if data is None:
        return None
    words = [word for setting in _settings(work, variant) for word in ("--set", setting)]
    report = _report("train.sft", "--recipe", work.one.training, "--data", data, *words, "--preflight", "--json")
    more = 1.0 if there or "all" not in variant.select or work.limit else work.one.pool / _CURATED
    return None if report["seconds"] is None else report["seconds"] * more


def _asking_s(one: Miniature, base: Path, items: Sequence[Item]) -> float:
    """Seconds of the whole grid for one question, many being asked at once; the base thinks the longest."""
    engine = _engine(one, base)

    async def ask() -> None:
        async with asyncio.TaskGroup() as group:
            for item in items[:_PROBED]:
                group.create_task(asweep(engine, item.question, one.budgets, one.waits, Sampling(), wait_text="Wait"))

    try:
        begun = time.monotonic()
        asyncio.run(ask())
        return (time.monotonic() - begun) / min(_PROBED, len(items))
    finally:
        engine.close()


def _engine(one: Miniature, model: Path) -> Engine:
    options: dict[str, Any] = {} if one.context_length is None else {"context_length": one.context_length}
    return load_engine(str(model), **options)


def _settings(work: Work, variant: Variant) -> list[str]:
    return [*variant.settings, *([f"max_steps={work.limit}"] if work.limit is not None else [])]


def _trained(work: Work, variant: Variant) -> Path:
    """The folder of the fine-tuned model; a run that was stopped goes on."""
    folder = work.run_of(variant)
    final = folder / "final"
    if not final.is_dir():
        words = [word for setting in ("save_every=100", *_settings(work, variant)) for word in ("--set", setting)]
        data = str(work.set_of(variant))
        _command("train.sft", "--recipe", work.one.training, "--data", data, "--out", str(folder), *words, "--resume")
    if not final.is_dir():
        why = json.loads((folder / "status.json").read_text(encoding="utf-8")).get("reason", "")
        raise S1Error(f"{variant.model} is not trained to its end ({why}); the same command goes on")
    return final


def _command(module: str, *words: str) -> None:
    """Run one of the project's own commands."""
    print(f"{module} {' '.join(words)}", file=sys.stderr, flush=True)
    _check(module, subprocess.run([sys.executable, "-m", module, *words], check=False).returncode)


def _report(module: str, *words: str) -> Mapping[str, Any]:
    """What one of them says in JSON."""
    ended = subprocess.run([sys.executable, "-m", module, *words], stdout=subprocess.PIPE, check=False)
    _check(module, ended.returncode)
    return json.loads(ended.stdout)


def _check(module: str, code: int) -> None:
    if code:
        raise S1Error(f"python -m {module} failed (exit code {code}); put right what it says and run again")


def _named(runs: Path, name: str, folder: Path) -> Path:
    """A folder of this name: what a model is called in its run is the name of its folder."""
    link = runs / "models" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(folder.resolve())
    return link


def _swept(work: Work, name: str, model: Path, items: Sequence[Item], stages: Stages) -> Path:
    """The run folder with every question under every setting; thought about once each."""
    one, progress, sampling = work.one, stages.stage(name), Sampling()
    engine = _engine(one, model)
    try:
        grid = {"method": "sweep", "budgets": list(one.budgets), "waits": list(one.waits), "wait_text": "Wait"}
        limited = {} if one.context_length is None else {"context_length": one.context_length}
        config = run_config(engine, one.benchmark, items, [grid], sampling, **limited)
        folder = work.runs / "sweeps" / f"{name}-{config_hash(config)}"
        with RunStore(folder, config, run_facts()) as store:
            asyncio.run(
                evaluate_grid(engine, items, one.budgets, one.waits, "Wait", sampling, store, on_progress=progress)
            )
    finally:
        engine.close()
    return folder


if __name__ == "__main__":
    sys.exit(main())
