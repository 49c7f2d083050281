"""What fine-tuning writes is loaded by vLLM: a merged model of adapters, and the model of a checkpoint."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("vllm", reason="vLLM is not installed in this environment; run: make test-vllm")

from s1core import Budget, Trace, load_engine, solve
from s1core.engines.base import Engine
from s1core.models import NANO_WEIGHTS
from s1core.nano import make_questions

pytestmark = pytest.mark.timeout(600)
ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv" / "bin" / "python"
ROWS = ROOT / "app" / "examples" / "nano-1k" / "rows.jsonl"
SHORT = ("max_steps=2", "save_every=1", "lr=1e-4", "keep=2")
QUESTIONS = 12
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")


def train(*words: str) -> None:
    """In the app's environment: vLLM's has no libraries to train with."""
    if not PYTHON.exists():
        pytest.skip("the app's environment is not there; run: make setup")
    done = subprocess.run([str(PYTHON), "-m", *words], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2_000:]


def traces(engine: Engine) -> list[Trace]:
    try:
        questions = make_questions(n=QUESTIONS, seed=7, split="test")
        return [solve(engine, q.question, budget) for q in questions for budget in (Budget(), Budget(waits=1))]
    finally:
        engine.close()


@pytest.mark.parametrize("recipe", ["s1-nano-lora", "s1-nano"])
def test_a_trained_model_writes_the_same_in_vllm_and_transformers(recipe: str, tmp_path: Path) -> None:
    settings = [word for setting in SHORT for word in ("--set", setting)]
    words = ["--recipe", recipe, "--model", str(NANO_WEIGHTS), "--data", str(ROWS), "--out", str(tmp_path / "run")]
    train("train.sft", *words, *settings)
    model = tmp_path / "run" / "final"
    if recipe == "s1-nano":
        train("train.export_step", "--run", str(tmp_path / "run"), "--step", "1")
        model = tmp_path / "run" / "models" / "run-step-1"
    ours = traces(load_engine(str(model), device="cpu", dtype="float32"))
    theirs = traces(load_engine(str(model), engine="vllm", dtype="float32", enforce_eager=True))
    same = sum(a.token_ids == b.token_ids for a, b in zip(ours, theirs, strict=True))
    assert same >= len(ours) - 1 and all(trace.answer for trace in ours)
