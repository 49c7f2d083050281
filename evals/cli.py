"""What the commands that measure have in common: arguments, the run folder, and how they end."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.benchmarks import BENCHMARKS, Item, load_benchmark, own_benchmark
from evals.evaluate import run_config, run_facts
from evals.reports.summary import markdown
from s1core import Sampling, load_engine
from s1core.budget import DEFAULT_WAIT_TEXT
from s1core.engines.base import Engine
from s1core.store import Row, RunStore, config_hash
from s1core.weights import default_model


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """Everything that a measurement needs."""

    engine: Engine
    items: Sequence[Item]
    sampling: Sampling
    store: RunStore


def parser(prog: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Build a command line with the common arguments."""
    p = argparse.ArgumentParser(
        prog=prog, description=description, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument(
        "--model",
        default=None,
        help=f"preset, folder, .gguf file or hub id (default: that of --url, else {default_model()})",
    )
    p.add_argument("--engine", default=None, help="transformers, llamacpp, vllm or http (default: what fits)")
    p.add_argument("--url", default=None, help="servers that already run, separated by commas (key: S1_API_KEY)")
    p.add_argument("--served-model", default=None, metavar="NAME", help="which model of the servers, by its name there")
    p.add_argument(
        "--benchmark",
        default=None,
        help=f"one of: {', '.join(BENCHMARKS)} (default: what the bundled model was taught)",
    )
    p.add_argument("--data", type=Path, default=None, metavar="FILE", help="local JSON, JSON lines or CSV, not the hub")
    p.add_argument("--limit", type=int, default=None, metavar="N", help="only the first N questions")
    p.add_argument("--wait-text", default=DEFAULT_WAIT_TEXT, help="what replaces an ignored end (default: Wait)")
    p.add_argument("--temperature", type=float, default=0.0, help="0 is greedy (default)")
    p.add_argument("--top-p", type=float, default=1.0, metavar="P", help="keep the likeliest tokens that reach P")
    p.add_argument("--top-k", type=int, default=0, metavar="K", help="keep the K likeliest tokens (default: all)")
    p.add_argument("--min-p", type=float, default=0.0, metavar="P", help="keep tokens P times as likely as the top one")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--concurrency", type=int, default=48, metavar="N", help="questions in flight (default: 48)")
    p.add_argument("--out", type=Path, default=None, help="run folder (default: runs/ and a name made of the settings)")
    return p


def measure(
    args: argparse.Namespace,
    settings: Sequence[dict[str, Any]],
    labels: Sequence[str],
    work: Callable[[Work], Awaitable[list[Row]]],
    **more: Any,
) -> None:
    """Open or resume the run, do the work, print the report; `more` belongs to what defines the run.

    Raises:
        S1Error: bad arguments, a model that cannot be loaded, a folder that holds another run, a full disk.
    """
    args.benchmark = args.benchmark or own_benchmark(args.model or default_model())
    items = load_benchmark(args.benchmark, args.limit, args.data)
    sampling = Sampling(
        temperature=args.temperature, top_p=args.top_p, top_k=args.top_k, min_p=args.min_p, seed=args.seed
    )
    options = {} if args.url is None else {"url": args.url, "served_model": args.served_model}
    engine = load_engine(args.model, engine=args.engine or ("http" if args.url else None), **options)
    try:
        config = run_config(engine, args.benchmark, items, settings, sampling, **more)
        folder = args.out or Path("runs") / f"{args.benchmark}-{engine.model}-{config_hash(config)}".replace("/", "-")
        if args.out is None:
            folder = Path("runs") / folder.name
        with RunStore(folder, config, run_facts()) as store:

            async def all_of_it() -> list[Row]:
                return await work(Work(engine=engine, items=items, sampling=sampling, store=store))

            rows = asyncio.run(all_of_it())
    finally:
        engine.close()
    print(markdown(rows, labels))
    print(f"samples: {folder}")
