"""Runs as `train.sft` leaves them, without training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from s1core.nano import make_questions
from s1core.nano.teacher import teach


def write_rows(path: Path, count: int = 8) -> Path:
    """Short rows of s1-nano's families, as a curated set would have them."""
    with path.open("w", encoding="utf-8") as file:
        for question in make_questions(count, split="train"):
            lesson = teach(question.question)
            assert lesson is not None
            turn = f"<|im_start|>think{lesson.thinking}<|im_start|>answer\n{lesson.attempt}"
            file.write(json.dumps({"user": question.question, "assistant": turn}) + "\n")
    return path


def write_run(
    folder: Path, *, state: str = "done", steps: int = 3, total: int = 3, reason: str = "", **config: Any
) -> Path:
    """A run's folder, with a loss on held-out rows after the last step."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"rows": 60, "held_out": 0, "too_long": 0}
    told = {"recipe": "s1-nano", "model": "/elsewhere/base", "data": "", "world": 1, "global_batch": 16}
    (folder / "config.json").write_text(json.dumps(told | {"data_facts": facts} | config))
    status = {"pid": 2**22 + 1, "state": state, "reason": reason, "step": steps, "total": total, "time": 100.0}
    (folder / "status.json").write_text(json.dumps(status))
    rows = [
        {"step": n, "total": total, "loss": 2.0 / n, "lr": 1e-3, "grad_norm": 1.0, "tokens_s": 50.0, "step_s": 0.5}
        for n in range(1, steps + 1)
    ]
    held = [{"step": steps, "total": total, "eval_loss": 0.75}] if steps else []
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, *held]))
    return folder
