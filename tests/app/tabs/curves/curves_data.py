"""Runs for the tests of the Curves tab: small, with every kind of change that a Wait can make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evals.benchmarks import nano
from evals.reports.packed_run import pack
from s1core.store import Row, RunStore

GRID: dict[str, Any] = {"method": "sweep", "budgets": [8, None], "waits": [0, 1], "wait_text": "Wait"}
CONFIG: dict[str, Any] = {"benchmark": "nano", "model": "s1-nano", "engine": "scripted", "settings": [GRID]}
LABELS = ("budget 8", "natural", "budget 8, 1 x Wait", "1 x Wait")
TOKENS = (8, 20, 8, 50)
RIGHT = {"natural": (0, 1, 2, 3), "1 x Wait": (1, 2, 3, 4, 5), "budget 8": (0,), "budget 8, 1 x Wait": (0,)}
"""Of 6 questions. One Wait fixes questions 4 and 5 and breaks question 0."""
QUESTIONS = 6


def row(number: int, label: str) -> Row:
    item = nano(QUESTIONS)[number]
    correct = number in RIGHT[label]
    waits = int("Wait" in label)
    forced = label.startswith("budget")
    thinking = [["model", "thinking", "\nFirst look.\n"]]
    thinking += [["wait", "thinking", "Wait"], ["model", "thinking", ", again.\n"]] if waits else []
    close = "\n<|im_start|>answer\nFinal Answer:" if forced else "<|im_start|>answer"
    return {
        "id": item.id,
        "group": item.group,
        "setting": label,
        "sample_index": 0,
        "answer": item.answer if correct else "nonsense",
        "correct": correct,
        "rule": "same_words",
        "answered": True,
        "thinking_tokens": TOKENS[LABELS.index(label)],
        "answer_tokens": 4,
        "waits_used": waits,
        "closed_by": "budget" if forced else "model",
        "segments": [*thinking, ["close", "answer", close], ["model", "answer", f" {item.answer}"]],
    }


def rows() -> list[Row]:
    return [row(number, label) for number in range(QUESTIONS) for label in LABELS]


def measured(folder: Path) -> Path:
    """Pack a run where the app looks for measured ones; returns that folder."""
    with RunStore(folder / "run", CONFIG) as store:
        store.append(*rows())
    pack(folder / "run", folder / "measured" / "nano-sweep.jsonl.gz")
    return folder / "measured"
