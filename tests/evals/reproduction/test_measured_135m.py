"""The evals of s1-135M as data, their tables, and local copies of published benchmarks."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from evals.reports.packed_run import pack
from evals.reproduce import SETS, chosen, local_copies
from evals.reproduction.measured_135m import BUDGETS, EVALS_135M, FORCED, WAITS
from evals.reproduction.measured_tables import tables_135m
from evals.settings import grid_label
from s1core.errors import InvalidSetting
from s1core.store import RunStore


def test_names_are_files_of_their_own() -> None:
    names = [one.name for evals in SETS.values() for one in evals]
    assert len(set(names)) == len(names)
    assert chosen("s1-135m-gsm8k", EVALS_135M)[0].questions == 300


@pytest.mark.parametrize("given", ["gsm8k", "gsm8k=", "problems=a.jsonl", "=a"])
def test_a_local_copy_needs_a_name_and_a_file(given: str) -> None:
    with pytest.raises(InvalidSetting, match="--data is NAME=FILE"):
        local_copies([given])
    assert local_copies(["svamp=a=b.json"]) == {"svamp": Path("a=b.json")}


def test_the_tables_hold_every_setting_and_family(tmp_path: Path) -> None:
    rng = random.Random(0)
    config: dict[str, Any] = {"model": "s1-135M", "benchmark": "problems", "settings": list(FORCED.settings)}
    with RunStore(tmp_path / "run", config, {"commit": "c", "versions": {}, "python": "3", "machine": "m"}) as store:
        for number in range(40):
            for budget in BUDGETS:
                for waits in WAITS:
                    store.append(_row(number, grid_label(budget, waits, "Wait"), rng.random() < 0.3 + 0.2 * waits))
    pack(tmp_path / "run", tmp_path / f"{FORCED.name}.jsonl.gz")
    text = tables_135m(tmp_path)
    assert "| 2 | " in text and "n = 40 in every cell" in text
    assert "| 1 x Wait | natural | " in text and "| 2 x Wait | 1 x Wait | " in text
    assert "| cups | " in text and "Made with: commit c" in text


def _row(number: int, setting: str, correct: bool) -> dict[str, Any]:
    return {
        "id": f"q{number}",
        "group": ("cups", "clock")[number % 2],
        "sample_index": 0,
        "setting": setting,
        "answer": "1",
        "correct": correct,
        "rule": "number",
        "answered": True,
        "thinking_tokens": 10,
        "answer_tokens": 2,
        "waits_used": 0,
        "closed_by": "model",
        "segments": [["model", "thinking", "a"], ["close", "answer", "b"], ["model", "answer", "1"]],
    }
