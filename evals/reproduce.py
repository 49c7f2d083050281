"""Make the measured cached evals again from the bundled weights: every run, packed, and their tables."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evals.benchmarks import Item, load_benchmark
from evals.evaluate import run_config, run_facts
from evals.progress import Stages, ending
from evals.reports.cached import MEASURED
from evals.reports.packed_run import pack
from evals.reproduction.measured import EVALS, Eval, Job
from evals.reproduction.measured_tables import tables
from s1core import load_engine
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting
from s1core.store import Row, RunStore, config_hash, read_rows, write_atomically

PROG = "python -m evals.reproduce"
DOCS = Path(__file__).parents[1] / "docs" / "reproduce.md"
BENCHMARK = "nano"
EXAMPLES = """\
examples:
  python -m evals.reproduce                      all of them, on all questions; the same command resumes
  python -m evals.reproduce --limit 20           a quick try (a minute); the shipped results stay as they are
  python -m evals.reproduce --only word-hmm      one of them
"""


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog=PROG,
        description="Make the measured cached evals of s1-nano again from the bundled weights, as one small file each, "
        "and the tables in docs/reproduce.md.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--limit", type=int, default=None, metavar="N", help="only the first N questions")
    p.add_argument("--only", default=None, metavar="NAMES", help=f"some of: {', '.join(e.name for e in EVALS)}")
    p.add_argument("--runs", type=Path, default=Path("runs/reproduce"), help="run folders (default: runs/reproduce)")
    p.add_argument(
        "--out",
        type=Path,
        default=None,
        help="where the packed runs go (default: evals/results/measured; with --limit a folder beside the runs)",
    )
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = _parser().parse_args(argv)

    def command() -> None:
        out = reproduce(chosen(args.only), args.limit, args.runs, args.out)
        print(tables(out))
        print(f"packed runs: {out}")
        if out == MEASURED and DOCS.exists():
            write_tables(DOCS, tables(out))

    return ending(PROG, command)


def chosen(names: str | None) -> list[Eval]:
    """The evals of these names, with those whose rows they read.

    Raises:
        InvalidSetting: no such eval.
    """
    known = {one.name: one for one in EVALS}
    asked = [name.strip() for name in names.split(",") if name.strip()] if names else list(known)
    unknown = [name for name in asked if name not in known]
    if unknown or not asked:
        raise InvalidSetting(f"unknown eval {', '.join(unknown) or names!r}; known: {', '.join(known)}")
    needed = {*asked, *(need for name in asked if (need := known[name].needs) is not None)}
    return [one for one in EVALS if one.name in needed]


def reproduce(evals: Sequence[Eval], limit: int | None, runs: Path, out: Path | None) -> Path:
    """Make the evals; what the run folders have already is not made again.

    Args:
        evals: in the order of work.
        limit: only the first questions.
        runs: where the run folders are.
        out: where the packed runs go; None is the folder that ships, or with a limit one beside the runs.

    Returns:
        The folder of the packed runs.

    Raises:
        S1Error: the model cannot be loaded, a run folder is in use, or the disk is full.
    """
    items = load_benchmark(BENCHMARK, limit)
    out = out or (MEASURED if limit is None else runs / f"packed-{len(items)}")
    stages = Stages({one.name: one.cost for one in evals})
    engine = load_engine("s1-nano")
    try:
        folders: dict[str, Path] = {}
        for one in evals:
            folders[one.name] = _make(one, engine, items, runs, folders, stages)
    finally:
        engine.close()
    for one in evals:
        pack(folders[one.name], out / f"{one.name}.jsonl.gz")
    return out


def _make(
    one: Eval, engine: Engine, items: Sequence[Item], runs: Path, folders: dict[str, Path], stages: Stages
) -> Path:
    config: dict[str, Any] = run_config(engine, BENCHMARK, items, one.settings, one.sampling, **one.config)
    folder = runs / f"{one.name}-{config_hash(config)}"

    def earlier(name: str) -> list[Row]:
        return list(read_rows(folders[name]))

    with RunStore(folder, config, run_facts()) as store:
        progress = stages.stage(one.name)

        async def work() -> None:
            job = Job(
                engine=engine, items=items, store=store, sampling=one.sampling, progress=progress, earlier=earlier
            )
            await one.work(job)

        asyncio.run(work())
    return folder


def write_tables(page: Path, content: str, mark: str = "measured") -> None:
    """Put the tables between the marks of a page."""
    block = f"<!-- {mark} -->\n{content}\n<!-- /{mark} -->"
    text = page.read_text(encoding="utf-8")
    write_atomically(page, re.sub(f"<!-- {mark} -->.*<!-- /{mark} -->", lambda _: block, text, flags=re.DOTALL))


if __name__ == "__main__":
    sys.exit(main())
