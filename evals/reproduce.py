"""Make the measured cached evals again from the bundled weights: every run, packed, and their tables."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.benchmarks import SOURCES, Item, load_benchmark
from evals.evaluate import run_config, run_facts
from evals.progress import Stages, ending
from evals.reports.cached import MEASURED
from evals.reports.packed_run import pack
from evals.reproduction.measured import EVALS, Eval, Job
from evals.reproduction.measured_135m import EVALS_135M
from evals.reproduction.measured_tables import tables, tables_135m
from s1core import load_engine
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting
from s1core.models import S1_135M, S1_NANO
from s1core.store import Row, RunStore, config_hash, read_rows, write_atomically

PROG = "python -m evals.reproduce"
DOCS = Path(__file__).parents[1] / "docs" / "reproduce.md"
SETS: dict[str, Sequence[Eval]] = {S1_NANO: EVALS, S1_135M: EVALS_135M}
_TABLES: dict[str, tuple[Callable[[Path], str], str]] = {
    S1_NANO: (tables, "measured"),
    S1_135M: (tables_135m, "measured-135m"),
}
"""What writes a model's tables, and the mark of their block in docs/reproduce.md."""
EXAMPLES = """\
examples:
  python -m evals.reproduce                      all of them, on all questions; the same command resumes
  python -m evals.reproduce --limit 20           a quick try (a minute); the shipped results stay as they are
  python -m evals.reproduce --only word-hmm      one of them
  python -m evals.reproduce --model s1-135M --data gsm8k=test.jsonl     a local copy of a published benchmark
"""


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog=PROG,
        description="Make the measured cached evals of the bundled models again, as one small file each, and the "
        "tables in docs/reproduce.md.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--model", default=S1_NANO, choices=SETS, help="whose evals (default: s1-nano)")
    p.add_argument("--limit", type=int, default=None, metavar="N", help="only the first N questions")
    names = "; ".join(f"{model}: {', '.join(e.name for e in evals)}" for model, evals in SETS.items())
    p.add_argument("--only", default=None, metavar="NAMES", help=f"some of them. {names}")
    p.add_argument(
        "--data", action="append", default=[], metavar="NAME=FILE", help="a local copy of a published benchmark"
    )
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
        evals = chosen(args.only, SETS[args.model])
        out = reproduce(evals, args.limit, args.runs, args.out, data=local_copies(args.data))
        text, mark = _TABLES[args.model]
        print(text(out))
        print(f"packed runs: {out}")
        if out == MEASURED and DOCS.exists():
            write_tables(DOCS, text(out), mark)

    return ending(PROG, command)


def chosen(names: str | None, evals: Sequence[Eval] = EVALS) -> list[Eval]:
    """The evals of these names, with those whose rows they read.

    Raises:
        InvalidSetting: no such eval.
    """
    known = {one.name: one for one in evals}
    asked = [name.strip() for name in names.split(",") if name.strip()] if names else list(known)
    unknown = [name for name in asked if name not in known]
    if unknown or not asked:
        raise InvalidSetting(f"unknown eval {', '.join(unknown) or names!r}; known: {', '.join(known)}")
    needed = {*asked, *(need for name in asked if (need := known[name].needs) is not None)}
    return [one for one in evals if one.name in needed]


def local_copies(given: Sequence[str]) -> dict[str, Path]:
    """Read `NAME=FILE` options.

    Raises:
        InvalidSetting: an option is none of these.
    """
    copies: dict[str, Path] = {}
    for one in given:
        name, sign, file = one.partition("=")
        if not sign or name not in SOURCES or not file:
            raise InvalidSetting(f"--data is NAME=FILE, with a name of {', '.join(SOURCES)}; not {one[:60]!r}")
        copies[name] = Path(file)
    return copies


def reproduce(
    evals: Sequence[Eval], limit: int | None, runs: Path, out: Path | None, *, data: Mapping[str, Path] | None = None
) -> Path:
    """Make the evals; what the run folders have already is not made again.

    Args:
        evals: in the order of work.
        limit: only the first questions.
        runs: where the run folders are.
        out: where the packed runs go; None is the folder that ships, or with a limit one beside the runs.
        data: local copies of published benchmarks.

    Returns:
        The folder of the packed runs.

    Raises:
        S1Error: a model or a benchmark cannot be loaded, a run folder is in use, or the disk is full.
    """
    out = out or (MEASURED if limit is None else runs / f"packed-{limit}")
    items = {one.name: _items(one, limit, data or {}) for one in evals}
    stages = Stages({one.name: one.cost * len(items[one.name]) for one in evals})
    folders: dict[str, Path] = {}
    for model in dict.fromkeys(one.model for one in evals):
        engine = load_engine(model)
        try:
            for one in (one for one in evals if one.model == model):
                folders[one.name] = _make(one, engine, items[one.name], runs, folders, stages)
        finally:
            engine.close()
    for one in evals:
        pack(folders[one.name], out / f"{one.name}.jsonl.gz")
    return out


def _items(one: Eval, limit: int | None, data: Mapping[str, Path]) -> list[Item]:
    most = [count for count in (limit, one.questions) if count is not None]
    return load_benchmark(one.benchmark, min(most, default=None), data.get(one.benchmark))


def _make(
    one: Eval, engine: Engine, items: Sequence[Item], runs: Path, folders: dict[str, Path], stages: Stages
) -> Path:
    config: dict[str, Any] = run_config(engine, one.benchmark, items, one.settings, one.sampling, **one.config)
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
