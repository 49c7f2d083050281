"""The command line of `curate.run`: arguments, and the configuration that they ask for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from curate.claude.batches import POLL_S
from curate.claude.prices import DEFAULT_MODEL
from curate.config import STAGES, CurateConfig, Solver
from curate.generation import CONCURRENCY, ModelSpec
from curate.recipes import LISTS, RECIPES, recipe_words
from curate.rows import CurateError
from curate.select import LENGTH_RATIO, MODES, TARGET
from curate.sources import EVALUATION, MADE, MORE, PUBLISHED, evaluation_spec, parse_spec, with_copies

PROG = "python -m curate.run"
SOLVERS: tuple[Solver, ...] = get_args(Solver)
LENGTH_HELP = f"published selection: weight of a trace over the next longer one's ({LENGTH_RATIO}; 1: any length alike)"
EXAMPLES = f"""\
sources: {", ".join(MADE)} (each with :N questions), {", ".join((*MORE, *PUBLISHED))}
examples:
  {PROG} --recipe nano                                     s1-nano's own 1,000 (minutes on two cores)
  {PROG} --recipe nano --source nano:600 --target 40       a quick look
  {PROG} --recipe s1-135m --local gsm8k=train.jsonl        what s1-135M learns from (half an hour on two cores)
  {PROG} --source aime=aime.jsonl --source mine.csv --until decontaminate --eval math500=test.jsonl
                                                           what remains of some files
  {PROG} --recipe s1k --estimate counts                    what the whole s1K would ask and cost, at once
  {PROG} --recipe s1k --estimate                           the same for what remains after the first stages
  {PROG} --recipe s1k --max-usd 20 --out curated/s1k       the same command goes on after any stop
  {PROG} --recipe s1k --shard 0/8 --until difficulty       one of eight machines' share of the traces
"""


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    p = argparse.ArgumentParser(
        prog=PROG,
        description="Curate training questions as s1K was: collect, remove duplicates and what models are evaluated "
        "on, let a teacher think, drop what is damaged or too easy, find domains, select, write the dataset.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = p.add_argument_group("what")
    add = what.add_argument
    add("--recipe", choices=RECIPES, help="a set of these arguments; yours come after them")
    add("--source", action="append", default=[], metavar="NAME|NAME=FILE|FILE", help="questions; again for more")
    add("--local", action="append", default=[], metavar="NAME=FILE", help="read this source from a copy, not the hub")
    add("--fields", default="", metavar="question=COLUMN,...", help="columns of a file (question, solution, ...)")
    evals = ", ".join(EVALUATION)
    add(
        "--eval", action="append", default=[], metavar="NAME|NAME=FILE", help=f"not to be trained on ({evals}; or none)"
    )
    add(
        "--shared-text",
        action="append",
        default=[],
        metavar="TEXT",
        help="wording of a prompt that many questions have; it counts as no contamination; again for more",
    )
    add("--select", choices=MODES, default="published", help="rule of the selection (published)")
    add("--target", type=int, default=TARGET, metavar="N", help=f"size of the set ({TARGET})")
    add("--seed", type=int, default=0)
    add("--length-ratio", type=float, default=LENGTH_RATIO, metavar="R", help=LENGTH_HELP)
    add("--max-thinking-tokens", type=int, default=None, metavar="N", help="reject longer traces")
    add("--near", type=float, default=0.8, metavar="SHARE", help="shared 5-grams that make a near duplicate (0.8)")
    add = p.add_argument_group("models").add_argument
    add(
        "--teacher",
        default=None,
        metavar="MODEL",
        help="who thinks: preset, folder, hub id, or a solver: nano's (nano), the English problems' (problems)",
    )
    add("--weak", action="append", default=[], metavar="MODEL", help="what it solves is too easy; again for the second")
    add("--weak-style", choices=("think", "answer"), default="think", help="answer: models without a thinking block")
    add("--weak-max-tokens", type=int, default=None, metavar="N", help="at most N thinking tokens of weak models")
    add("--weak-answer-tokens", type=int, default=None, metavar="N", help="at most N answer tokens of weak models")
    add("--difficulty-sample", type=int, default=None, metavar="N", help="ask weak models about N rows at most")
    add("--engine", default=None, help="how models are run (transformers)")
    add("--url", default=None, help="of a server, or several parted by commas")
    add("--dtype", default=None, help="float32, bfloat16, float16")
    add("--max-tokens", type=int, default=None, metavar="N", help="at most N thinking tokens of the teacher")
    add("--temperature", type=float, default=0.0)
    add("--top-p", type=float, default=1.0, metavar="P", help="keep the likeliest tokens that reach P")
    add("--concurrency", type=int, default=CONCURRENCY, metavar="N", help=f"questions in flight ({CONCURRENCY})")
    add("--length-tokenizer", default=None, metavar="NAME", help="count thinking in this tokenizer, not the teacher's")
    add = p.add_argument_group("Claude, and what it may cost").add_argument
    add("--judge", choices=("local", "claude"), default="local", help="compares attempts with solutions (local)")
    add("--domains", choices=("local", "claude"), default="local", help="tells what a question is about (local)")
    add("--claude-model", default=DEFAULT_MODEL, metavar="NAME", help=f"({DEFAULT_MODEL})")
    add("--claude-price", default=None, metavar="IN,OUT", help="dollars per million tokens, of another model")
    add("--claude-mode", choices=("auto", "live", "batch"), default="auto", help="single calls or batches (auto)")
    add("--poll", type=float, default=POLL_S, metavar="S", help=f"seconds between looks at a batch ({POLL_S:.0f})")
    add("--max-usd", type=float, default=5.0, metavar="USD", help="never spend more on this run (5)")
    add(
        "--estimate",
        nargs="?",
        choices=("rows", "counts"),
        const="rows",
        help="show calls, tokens and price, then ask whether to go on; counts: by published counts, reading nothing",
    )
    add("--json", action="store_true", help="with --estimate counts: for other programs")
    add("--yes", action="store_true", help="do not ask before spending, up to --max-usd")
    add = p.add_argument_group("how far, and where").add_argument
    add("--until", choices=STAGES, default=None, help="stop after this stage")
    add("--shard", default="", metavar="I/N", help="only this part of the questions, up to the attempts")
    add("--skip-missing", action="store_true", help="go on without sources that cannot be read")
    add("--out", type=Path, default=None, help="run folder (default: curated/ and a name made of the settings)")
    add("--cache", type=Path, default=Path("curated/.cache"), help="what models wrote, for all runs (curated/.cache)")
    return p


def parse(words: list[str]) -> argparse.Namespace:
    """Read the command line, a recipe's arguments in front of the user's."""
    args = parser().parse_args(words)
    if not args.recipe:
        return args
    given = {option for option in LISTS if getattr(args, option)}
    return parser().parse_args([*recipe_words(args.recipe, given), *words])


def config_of(args: argparse.Namespace) -> CurateConfig:
    """What the arguments ask for.

    Raises:
        CurateError: they ask for something unknown or impossible.
    """

    def model(name: str, style: str, most: int | None, answer: int | None = None) -> ModelSpec:
        return ModelSpec(
            model=name,
            engine=args.engine,
            url=args.url,
            dtype=args.dtype,
            style="answer" if style == "answer" else "think",
            max_tokens=most,
            max_answer_tokens=answer,
            temperature=args.temperature,
            top_p=args.top_p,
            seed=args.seed,
        )

    fields = dict(_pairs(args.fields))
    evals = args.eval or list(EVALUATION)
    return CurateConfig(
        sources=with_copies([parse_spec(text, fields) for text in args.source], args.local),
        evaluation=[evaluation_spec(text) for text in evals if text != "none"],
        shared_texts=tuple(args.shared_text),
        teacher=None if args.teacher in (None, *SOLVERS) else model(args.teacher, "think", args.max_tokens),
        solver="problems" if args.teacher == "problems" else "nano",
        weak=[model(name, args.weak_style, args.weak_max_tokens, args.weak_answer_tokens) for name in args.weak],
        difficulty_sample=args.difficulty_sample,
        judge=args.judge,
        domains=args.domains,
        claude_model=args.claude_model,
        mode=args.select,
        target=args.target,
        seed=args.seed,
        length_ratio=args.length_ratio,
        max_thinking_tokens=args.max_thinking_tokens,
        near_threshold=args.near,
        length_tokenizer=args.length_tokenizer,
    )


def _pairs(text: str) -> list[tuple[str, str]]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if any(not value for _, _, value in pairs):
        raise CurateError(f"--fields is written as question=COLUMN,solution=COLUMN, got {text!r}")
    return [(name.strip(), value.strip()) for name, _, value in pairs]
