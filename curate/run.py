"""Curate a set of training questions: sources, stages, selection, dataset on disk."""

from __future__ import annotations

import argparse
import getpass
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from curate.arguments import PROG, config_of, parse
from curate.claude.client import Claude
from curate.claude.journal import Journal
from curate.claude.prices import ClaudeModel, claude_model
from curate.claude.requests import connect, find_key
from curate.config import STAGES, CurateConfig, Means, check_shard, shard_name
from curate.estimate import FILE, as_json, as_table, estimate, pool_by_counts, pool_of
from curate.pipeline import Approve, curate
from curate.progress import Event
from curate.rows import CurateError, Row, question_key
from s1core.errors import S1Error
from s1core.store import config_hash, write_atomically


def means_of(args: argparse.Namespace, folder: Path) -> Means:
    """What the run works with."""
    shard = check_shard(args.shard) if args.shard else ""
    journals = args.cache / ("claude" + (f".{shard_name(shard)}" if shard else ""))

    def claude(journal: Journal) -> Claude:
        ask = (lambda: getpass.getpass("Anthropic API key (not shown, not kept): ")) if sys.stdin.isatty() else None
        key = find_key(ask)
        return Claude(
            client=connect(key),
            api_key=key,
            model_name=args.claude_model,
            model=_price(args),
            journal=journal,
            mode=args.claude_mode,
            poll_s=args.poll,
        )

    return Means(
        cache=args.cache,
        # Folders of the same name in different places are different runs.
        journal=lambda: Journal(journals, f"{folder.name}-{question_key(str(folder.resolve()))[:6]}", args.max_usd),
        claude=claude,
        concurrency=args.concurrency,
        shard=shard,
        skip_missing=args.skip_missing,
    )


def _price(args: argparse.Namespace) -> ClaudeModel:
    if not args.claude_price:
        return claude_model(args.claude_model)
    try:
        dollars_in, dollars_out = (float(part) for part in args.claude_price.split(","))
    except ValueError:
        raise CurateError(f"--claude-price is written as 0.10,0.50, got {args.claude_price!r}") from None
    return claude_model(args.claude_model, (dollars_in, dollars_out))


def approval(args: argparse.Namespace, config: CurateConfig, means: Means, folder: Path) -> Approve | None:
    """Who is shown the estimate and asked; nobody where nothing is spent and no estimate was asked for."""
    if not (args.estimate or config.asks_claude) or means.shard:
        return None

    def approve(rows: list[Row]) -> bool:
        journal = means.open_journal() if config.asks_claude else None
        pool, spent = pool_of(rows), journal.spent_usd if journal else 0.0
        costs = estimate(config, pool, model=_price(args), mode=args.claude_mode, journal=journal)
        print(as_table(costs, args.max_usd, spent), flush=True)
        write_atomically(folder / FILE, json.dumps(as_json(costs, pool, args.max_usd, spent), indent=1) + "\n")
        if args.yes:
            return True
        if not sys.stdin.isatty():
            print("Nobody is there to be asked; --yes goes on without asking.")
            return False
        try:
            return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:
            return False

    return approve


def report_counts(args: argparse.Namespace, config: CurateConfig) -> None:
    """Print the estimate that needs neither network nor run folder."""
    pool = pool_by_counts(config.sources, config.seed)
    asks = args.until not in STAGES[: STAGES.index("trace")]
    costs = estimate(config, pool, model=_price(args), mode=args.claude_mode, journal=None) if asks else []
    if args.json:
        print(json.dumps(as_json(costs, pool, args.max_usd, 0.0)))
        return
    print(as_table(costs, args.max_usd, 0.0))
    print(f"By published counts: {pool.rows:,} questions, before any is rejected.")


def show(event: Event) -> None:
    """One line on stderr for each stage, with its rejections; in between how far it is."""
    if event["stage"] is None:
        return
    rules = ", ".join(f"{rule} {n:,}" for rule, n in list(event["rejected"].items())[:6])
    on_screen = sys.stderr.isatty()
    if event["state"] == "running" and on_screen:
        print(f"\r{event['stage']:<13}{event['done']:>8,} of {event['in']:,}  {rules}"[:118], end="", file=sys.stderr)
    elif event["state"] == "done":
        known = " (known)" if event.get("known") else ""
        counts = f"{event['in']:>8,} -> {event['out']:>8,}  {event['seconds']:>6.1f} s{known}"
        print(f"{chr(13) if on_screen else ''}{event['stage']:<13}{counts}  {rules}", file=sys.stderr)
        for note in event.get("notes") or ():
            print(f"{'':<13}{note}", file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse(sys.argv[1:] if argv is None else argv)
    signal.signal(signal.SIGTERM, _interrupt)
    return ending(lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    config = config_of(args)
    name = f"{args.recipe or config.mode}-{config_hash(config.as_dict())[:8]}"
    folder: Path = args.out or Path("curated") / name
    means = means_of(args, folder)
    if config.asks_claude:
        # Report an unknown price before any work is done.
        _price(args)
    if args.estimate == "counts":
        report_counts(args, config)
        return 0
    approve = approval(args, config, means, folder)
    result = curate(config, folder, means, approve=approve, until=args.until, on_event=show)
    if result.state == "declined":
        print("nothing was asked; the same command goes on from here")
        return 1
    where = f"in {folder / 'dataset'}" if result.state == "finished" else "left"
    print(f"{result.rows:,} rows {where}; counts in {folder}/manifest.json, rejections in {folder}/rejected.jsonl")
    return 0


def ending(command: Callable[[], int]) -> int:
    """Run and turn what went wrong into one sentence and an exit code."""
    try:
        return command()
    except S1Error as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
