"""Questions of the families in wordings that no generator has, written by hand as visitors type them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from s1core.nano.question import Question

FILE = Path(__file__).parent / "paraphrases.jsonl"
"""One question a line. `work` is how its answer was checked: a sum, a start with swaps or turns, an order; it may be
empty where that would repeat the question."""


@cache
def paraphrases() -> tuple[Question, ...]:
    """The held-out paraphrases, at least ten of each family; nothing of them is in any training set."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    fields = ("id", "family", "question", "answer", "difficulty")
    return tuple(Question(**{name: row[name] for name in fields}) for row in map(json.loads, lines))
