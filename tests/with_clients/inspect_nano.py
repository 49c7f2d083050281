"""The task of inspect_ai that `harnesses.inspect` runs; the questions lie beside it."""

import json
from pathlib import Path

from inspect_ai import Task, task  # pyright: ignore[reportMissingImports]
from inspect_ai.dataset import Sample  # pyright: ignore[reportMissingImports]
from inspect_ai.scorer import pattern  # pyright: ignore[reportMissingImports]
from inspect_ai.solver import generate  # pyright: ignore[reportMissingImports]


@task
def nano() -> Task:
    rows = [json.loads(line) for line in Path("questions.jsonl").read_text("utf-8").splitlines()]
    samples = [Sample(id=row["id"], input=row["question"], target=row["answer"]) for row in rows]
    return Task(dataset=samples, solver=generate(), scorer=pattern(r"(\S+)\s*$"))
