"""Small configurations and engines for the tests of the whole pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curate.generation import ModelSpec
from curate.rows import Rejection
from s1core.engines.scripted import ScriptedEngine
from s1core.nano import expected_answer, make_questions


def asked(prompt: str) -> str:
    """The question in a rendered prompt."""
    return prompt.split("<|im_start|>user\n")[1].split("<|im_end|>")[0]


def knows(share: int) -> ScriptedEngine:
    """An engine that answers every `share`-th question of s1-nano's families rightly, by the number of its letters."""

    def script(text: str, request: int) -> str:
        question = asked(text)
        if "<|im_start|>answer" in text:
            right = len(question) % share == 0
            return f"\nFinal Answer: {expected_answer(question) if right else 'none'}<|im_end|>"
        return "\nMaybe.\n<|im_start|>"

    return ScriptedEngine(script, context_length=2048, default_answer_tokens=64, tokens_per_chunk=64)


def use_engines(monkeypatch: pytest.MonkeyPatch, **engines: Any) -> list[str]:
    """Let model names stand for engines; returns the names in the order in which they are loaded."""
    loaded: list[str] = []

    def load(spec: ModelSpec, concurrency: int = 1) -> Any:
        loaded.append(spec.model)
        return engines[spec.model]

    monkeypatch.setattr(ModelSpec, "load", load)
    monkeypatch.setattr("curate.config.resolve", lambda name: None)
    return loaded


def question_file(path: Path, count: int, **more: Any) -> Path:
    """A file with questions of s1-nano's families."""
    with path.open("w") as file:
        for q in make_questions(count, seed=5, split="train"):
            file.write(json.dumps({"id": q.id, "question": q.question, "answer": q.answer, **more}) + "\n")
    return path


def rejections(folder: Path) -> list[Rejection]:
    return [Rejection(**json.loads(line)) for line in (folder / "rejected.jsonl").read_text().splitlines()]
