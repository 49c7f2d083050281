"""The recipe s1-135m from end to end on a few dozen problems, and what training reads of its set."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from curate_helpers import asked, rejections, use_engines
from datasets import load_from_disk

from curate.generation import ModelSpec
from curate.run import main
from curate.sources import parse_spec, read
from curate.stages.difficulty import NOT_MEASURED
from s1core.engines.scripted import ScriptedEngine
from s1core.errors import EngineFailed
from s1core.models import CHAT_TEMPLATE
from s1core.nano import WEIGHTS

WORDS = ["--recipe", "s1-135m", "--source", "problems:120", "--eval", "none", "--length-tokenizer", str(WEIGHTS)]
LIMITS = ["--max-thinking-tokens", "700", "--difficulty-sample", "60", "--target", "24"]


def gsm8k(path: Path, count: int = 12) -> Path:
    """Rows in GSM8K's form, written here; the last one calculates with decimals."""
    with path.open("w") as file:
        for n in range(2, count + 2):
            a, b = (n, 0.5) if n == count + 1 else (n, 2 * n)
            work = f"In all there are {a} + {b} = <<{a}+{b}={a + b}>>{a + b} pens.\n#### {int(a + b)}"
            question = f"A box holds {n} pens and a bag twice as many. How many pens are in both?"
            file.write(json.dumps({"question": question, "answer": work}) + "\n")
    return path


def answers(share: int) -> ScriptedEngine:
    """Answers directly, every `share`-th problem rightly, by the number of its letters."""
    known = {row.question: row.answer for _, row in read(parse_spec("problems:120"))}  # type: ignore[union-attr]

    def script(text: str, request: int) -> str:
        assert text.endswith("<|im_start|>answer\nFinal Answer:"), "the budget is spent before any thinking"
        question = asked(text)
        return f" {known.get(question) if len(question) % share == 0 else 'none'}<|im_end|>"

    return ScriptedEngine(script, context_length=2048, default_answer_tokens=64, tokens_per_chunk=64)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return use_engines(monkeypatch, **{"SmolLM2-135M-Instruct": answers(3), "s1-135M-base": answers(2)})


def run(tmp_path: Path, *words: str, out: str = "run") -> int:
    return main([*WORDS, *LIMITS, *words, "--out", str(tmp_path / out), "--cache", str(tmp_path / "cache")])


def test_problems_and_gsm8k_become_a_set(tmp_path: Path, loaded: list[str]) -> None:
    assert run(tmp_path, "--source", f"gsm8k={gsm8k(tmp_path / 'g.jsonl')}") == 0
    assert loaded == ["SmolLM2-135M-Instruct", "s1-135M-base"]
    told = json.loads((tmp_path / "run" / "manifest.json").read_text())
    funnel = {count["stage"]: count for count in told["funnel"]}
    rules = Counter(r.rule for r in rejections(tmp_path / "run"))
    assert funnel["collect"]["rows_out"] == 132
    assert rules["failed_call"] == 1
    assert rules[NOT_MEASURED] == funnel["quality"]["rows_out"] - 60
    assert rules["solved_by:SmolLM2-135M-Instruct"] > 0 < rules["solved_by:s1-135M-base"]
    assert told["rows"] == 24 == sum(source["selected"] for source in told["sources"])
    # Families take turns, and GSM8K is one of them.
    assert "gsm8k" in told["domains"] and len(told["domains"]) >= 10
    assert told["config"]["teacher"]["model"] == "problems-teacher"
    assert str(tmp_path) not in json.dumps(told)


def test_spans_without_loss_reach_the_training(tmp_path: Path, loaded: list[str]) -> None:
    transformers = pytest.importorskip("transformers")
    from train.finetune.config import TrainConfig
    from train.finetune.data import IGNORED, load_data

    run(tmp_path, "--source", f"gsm8k={gsm8k(tmp_path / 'g.jsonl')}", "--select", "all")
    rows: list[Any] = list(load_from_disk(str(tmp_path / "run" / "dataset")))
    spans = [(row["assistant"][start:end], row) for row in rows for start, end in row["no_loss"]]
    assert len(spans) > 20 and all(text for text, _ in spans)
    tokenizer = transformers.AutoTokenizer.from_pretrained(WEIGHTS)
    tokenizer.chat_template = CHAT_TEMPLATE.read_text()
    config = TrainConfig(recipe="x", model="x", data=str(tmp_path / "run"), max_length=4_096)
    for row, made in zip(rows, load_data(config, tokenizer).rows, strict=True):
        turn, spans = row["assistant"], row["no_loss"]
        learned = "".join(c for at, c in enumerate(turn) if not any(start <= at < end for start, end in spans))
        # Bytes are tokens here, but for a marker, which is one; the end of the turn is two more.
        tokens = len(learned.encode()) - learned.count("<|im_start|>") * (len("<|im_start|>") - 1) + 2
        assert sum(label != IGNORED for label in made.labels) == tokens


def test_a_stopped_difficulty_resumes_where_it_was(
    tmp_path: Path, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first: Any = ModelSpec(model="SmolLM2-135M-Instruct").load()
    generate, asked_for = first.agenerate, first.requests

    async def failing(request: Any) -> Any:
        if len(asked_for) >= 25:
            raise EngineFailed("the device is gone")
        async for chunk in generate(request):
            yield chunk

    monkeypatch.setattr(first, "agenerate", failing)
    assert run(tmp_path, "--concurrency", "4") == 2
    monkeypatch.setattr(first, "agenerate", generate)
    assert run(tmp_path) == 0
    assert 60 <= len(asked_for) <= 60 + 4


def test_without_gsm8k_it_says_so_and_goes_on_when_told(
    tmp_path: Path, loaded: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--source", "gsm8k") == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "source gsm8k could not be fetched from huggingface.co/datasets/openai/gsm8k" in error
    assert "--local gsm8k=FILE" in error and "--skip-missing does without" in error
    assert run(tmp_path, "--source", "gsm8k", "--skip-missing") == 0
    assert "gsm8k" in json.loads((tmp_path / "run" / "manifest.json").read_text())["skipped"]


def test_a_local_copy_stands_for_the_hub(tmp_path: Path, loaded: list[str]) -> None:
    words = ["--source", "gsm8k", "--local", f"gsm8k={gsm8k(tmp_path / 'g.jsonl')}"]
    assert run(tmp_path, *words, "--until", "quality") == 0
    told = [json.loads(line) for line in (tmp_path / "run" / "progress.jsonl").read_text().splitlines()]
    assert next(e["out"] for e in told if e["stage"] == "collect" and e["state"] == "done") == 132


def test_held_out_problems_and_paraphrases_are_not_trained_on() -> None:
    from curate.sources import evaluation_spec
    from s1core.problems import TEST_SIZE, paraphrases

    held = [row for _, row in read(evaluation_spec("problems"), evaluation=True)]
    assert len(held) == TEST_SIZE + len(paraphrases())
