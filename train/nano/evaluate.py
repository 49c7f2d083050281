"""Measure s1-nano on its frozen test questions: every budget and every number of waits, greedy.

Examples:
  python -m train.nano.evaluate --checkpoint runs/nano/checkpoint.pt -n 240
  python -m train.nano.evaluate --model s1core/nano/weights -n 1200 --out runs/nano/table.json
  python -m train.nano.evaluate --model s1core/nano/base --plain -n 1200     # answers without a thinking block
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from s1core.metrics import wilson
from s1core.nano.make import FAMILIES, make_questions
from s1core.nano.question import Question
from train.nano.decode import Cache, Forcing, Setting, feed
from train.nano.model import NanoModel, NanoShape
from train.nano.text import END, chat_ids

BUDGETS = (0, 16, 32, 64, 128, 256)
SETTINGS = (
    *(Setting(name=f"b{b}", budget=b) for b in BUDGETS),
    Setting(name="natural"),
    *(Setting(name=f"w{w}", waits=w) for w in (1, 2, 3, 4, 8)),
)
_GROUP = 300
_LIMIT = 1_900


def load_model(path: Path, shape: NanoShape) -> NanoModel:
    """Load a checkpoint of a run (a file) or an exported model (a folder)."""
    model = NanoModel(shape)
    if path.is_file():
        state = torch.load(path, weights_only=True)["model"]
    else:
        from safetensors.torch import load_file

        state = load_file(path / "model.safetensors")
    model.load_state_dict({name: value.float() for name, value in state.items()}, strict=True)
    return model.eval()


def parse_answer(text: str) -> str | None:
    """The answer that the model wrote, or None."""
    head, found, answer = text.rpartition("Final Answer:")
    answer = (answer if found else head or text).strip()
    return answer or None


def measure(
    model: NanoModel, shape: NanoShape, questions: Sequence[Question], wait_text: str = "Wait"
) -> dict[str, Any]:
    """Accuracy of every setting, in total and per family, and what each Wait fixed and broke."""
    right: dict[str, list[bool]] = {s.name: [] for s in SETTINGS}
    unparsed = 0
    lengths: list[list[int]] = []
    for start in range(0, len(questions), _GROUP):
        group = questions[start : start + _GROUP]
        limit = min(_LIMIT, shape.max_positions - 200)
        forcing = Forcing(model, shape, [q.question for q in group], limit)
        thinking = forcing.think(max(s.waits for s in SETTINGS), wait_text)
        for question, row in zip(group, forcing.answer(thinking, SETTINGS), strict=True):
            for name, text in row.items():
                answer = parse_answer(text)
                unparsed += answer is None
                right[name].append(answer == question.answer)
        lengths.extend([t.cut(s)[0] for s in SETTINGS] for t in thinking)
    return {
        "n": len(questions),
        "unparsed": unparsed,
        "accuracy": {name: _percent(row) for name, row in right.items()},
        "thinking_tokens": {
            s.name: round(sum(spent[i] for spent in lengths) / len(lengths), 1) for i, s in enumerate(SETTINGS)
        },
        "families": _by_family(questions, right),
        "one_wait": _changes(right["natural"], right["w1"]),
        "second_wait": _changes(right["w1"], right["w2"]),
    }


@torch.no_grad()
def measure_plain(model: NanoModel, shape: NanoShape, questions: Sequence[Question], most: int = 300) -> dict[str, Any]:
    """Accuracy of plain answers, greedy, without a thinking block: what the base was taught."""
    right: list[bool] = []
    for start in range(0, len(questions), _GROUP):
        group = questions[start : start + _GROUP]
        queues = [chat_ids(q.question) for q in group]
        cache = Cache(shape, len(group), max(map(len, queues)) + most + 1)
        written: list[list[int]] = [[] for _ in group]
        alive = list(range(len(group)))
        while alive:
            fed = torch.tensor([queues[row].pop(0) for row in alive])
            chosen = feed(model, shape, cache, torch.tensor(alive), fed).tolist()
            for row, token in zip(list(alive), chosen, strict=True):
                if queues[row]:
                    continue
                queues[row].append(token)
                written[row].append(token)
                if token == END or len(written[row]) >= most:
                    alive.remove(row)
        texts = ["".join(map(chr, (i for i in ids if i < 256))) for ids in written]
        right += [parse_answer(text) == q.answer for text, q in zip(texts, group, strict=True)]
    share = wilson(sum(right), len(right))
    groups = {f: [r for r, q in zip(right, questions, strict=True) if q.family == f] for f in FAMILIES}
    by_family = {family: _percent(rows) for family, rows in groups.items()}
    return {"n": len(right), "accuracy": share.percent, "low": share.low, "high": share.high, "families": by_family}


def shape_of(model: Path) -> NanoShape:
    """The shape that the receipt of an exported model tells; s1-nano's own for anything else."""
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
    model = load_model(args.checkpoint or args.model, shape)
    if args.plain:
        print(json.dumps(measure_plain(model, shape, make_questions(args.n, args.seed, "test", args.family)), indent=2))
        return 0
    table = measure(model, shape, make_questions(args.n, args.seed, "test", args.family), args.wait_text)
    table |= {"seed": args.seed, "wait_text": args.wait_text}
    if args.out:
        args.out.write_text(json.dumps(table, indent=2) + "\n")
    print(json.dumps(table, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
