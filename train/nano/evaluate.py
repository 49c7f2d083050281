"""Measure s1-nano on its frozen test questions: every budget and every number of waits, greedy.

Examples:
  python -m train.nano.evaluate --checkpoint runs/nano/checkpoint.pt -n 240
  python -m train.nano.evaluate --model s1core/nano/weights -n 1200 --out runs/nano/table.json
  python -m train.nano.evaluate --model s1core/nano/base --plain -n 1200     # answers without a thinking block
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch

from s1core import load_engine
from s1core.engines.base import Engine, Request
from s1core.metrics import wilson
from s1core.nano.make import FAMILIES, make_questions
from s1core.nano.question import Question
from s1core.sweep import asweep
from train.nano.export import write_folder
from train.nano.model import NanoShape
from train.nano.text import END, chat_ids

BUDGETS = (0, 16, 32, 64, 128, 256, None)
"""Thinking tokens without a Wait; None is to the natural end."""
WAITS = (1, 2, 3, 4, 8)
"""Forced Waits without a budget."""
_AT_ONCE = 64
_Done = TypeVar("_Done")


class Answered(NamedTuple):
    """One question under one setting."""

    answer: str | None
    thinking_tokens: int


@contextmanager
def loaded(path: Path, shape: NanoShape) -> Generator[Engine]:
    """The engine of a checkpoint of a run (a file, of this shape) or of an exported model (a folder)."""
    with tempfile.TemporaryDirectory() as exported:
        if path.is_file():
            write_folder(torch.load(path, weights_only=True)["model"], {}, shape, Path(exported))
            path = Path(exported)
        engine = load_engine(str(path), engine="transformers")
        try:
            yield engine
        finally:
            engine.close()


def parse_answer(text: str) -> str | None:
    """The answer that the model wrote, or None."""
    head, found, answer = text.rpartition("Final Answer:")
    answer = (answer if found else head or text).strip()
    return answer or None


async def answers(engine: Engine, question: str, wait_text: str = "Wait") -> dict[str, Answered]:
    """Answer a question, greedily, under every setting: `b16` is a budget, `natural` none, `w1` one Wait."""
    budgets = await asweep(engine, question, BUDGETS)
    waits = await asweep(engine, question, (None,), WAITS, wait_text=wait_text)
    names = [*("natural" if b is None else f"b{b}" for b in BUDGETS), *(f"w{count}" for count in WAITS)]
    traces = [point.trace for point in (*budgets.points, *waits.points)]
    found = [Answered(trace.answer, trace.receipt.thinking_tokens) for trace in traces]
    return dict(zip(names, found, strict=True))


def measure(engine: Engine, questions: Sequence[Question], wait_text: str = "Wait") -> dict[str, Any]:
    """Accuracy of every setting, in total and per family, and what each Wait fixed and broke."""
    rows = _of_all(questions, lambda q: answers(engine, q.question, wait_text))
    pairs = list(zip(questions, rows, strict=True))
    right = {name: [row[name].answer == q.answer for q, row in pairs] for name in rows[0]}
    return {
        "n": len(questions),
        "unparsed": sum(found.answer is None for row in rows for found in row.values()),
        "accuracy": {name: _percent(row) for name, row in right.items()},
        "thinking_tokens": {
            name: round(sum(row[name].thinking_tokens for row in rows) / len(rows), 1) for name in rows[0]
        },
        "families": _by_family(questions, right),
        "one_wait": _changes(right["natural"], right["w1"]),
        "second_wait": _changes(right["w1"], right["w2"]),
    }


def measure_plain(engine: Engine, questions: Sequence[Question], most: int = 300) -> dict[str, Any]:
    """Accuracy of plain answers, greedy, without a thinking block: what the base was taught."""

    async def plain(question: Question) -> str:
        request = Request(prompt_ids=tuple(chat_ids(question.question)), max_tokens=most, stop_ids=frozenset({END}))
        written = [i async for chunk in engine.agenerate(request) for i in chunk.token_ids]
        return "".join(map(chr, (i for i in written if i < 256)))

    texts = _of_all(questions, plain)
    right = [parse_answer(text) == q.answer for text, q in zip(texts, questions, strict=True)]
    share = wilson(sum(right), len(right))
    groups = {f: [r for r, q in zip(right, questions, strict=True) if q.family == f] for f in FAMILIES}
    by_family = {family: _percent(rows) for family, rows in groups.items()}
    return {"n": len(right), "accuracy": share.percent, "low": share.low, "high": share.high, "families": by_family}


def _of_all(questions: Sequence[Question], work: Callable[[Question], Awaitable[_Done]]) -> list[_Done]:
    async def everything() -> list[_Done]:
        free = asyncio.Semaphore(_AT_ONCE)

        async def one(question: Question) -> _Done:
            async with free:
                return await work(question)

        return list(await asyncio.gather(*map(one, questions)))

    return asyncio.run(everything())


def shape_of(model: Path) -> NanoShape:
    """The shape in the receipt of an exported model; s1-nano's own where there is none."""
    try:
        receipt = json.loads((model / "receipt.json").read_text())
        return NanoShape(**receipt["config"]["shape"])
    except (OSError, KeyError):
        return NanoShape()


def _percent(row: Sequence[bool]) -> float:
    return round(100 * sum(row) / max(1, len(row)), 1)


def _by_family(questions: Sequence[Question], right: dict[str, list[bool]]) -> dict[str, dict[str, float]]:
    table: dict[str, dict[str, float]] = {}
    for family in FAMILIES:
        rows = [i for i, q in enumerate(questions) if q.family == family]
        table[family] = {"n": len(rows), **{name: _percent([row[i] for i in rows]) for name, row in right.items()}}
    return table


def _changes(before: Sequence[bool], after: Sequence[bool]) -> dict[str, int]:
    pairs = list(zip(before, after, strict=True))
    return {
        "wrong": sum(not b for b, _ in pairs),
        "fixed": sum(a and not b for b, a in pairs),
        "right": sum(b for b, _ in pairs),
        "broke": sum(b and not a for b, a in pairs),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m train.nano.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", type=Path, help="checkpoint.pt of a run")
    source.add_argument("--model", type=Path, help="exported folder")
    parser.add_argument("-n", type=int, default=1_200, help="questions (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the questions (default %(default)s)")
    parser.add_argument("--wait-text", default="Wait", help="injected text (default %(default)s)")
    parser.add_argument("--family", choices=list(FAMILIES), help="only this family")
    parser.add_argument("--out", type=Path, help="write the table as JSON")
    parser.add_argument("--plain", action="store_true", help="plain answers, without a thinking block")
    args = parser.parse_args(argv)
    shape = NanoShape() if args.checkpoint else shape_of(args.model)
    questions = make_questions(args.n, args.seed, "test", args.family)
    with loaded(args.checkpoint or args.model, shape) as engine:
        if args.plain:
            print(json.dumps(measure_plain(engine, questions), indent=2))
            return 0
        table = measure(engine, questions, args.wait_text)
    table |= {"seed": args.seed, "wait_text": args.wait_text}
    if args.out:
        args.out.write_text(json.dumps(table, indent=2) + "\n")
    print(json.dumps(table, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
