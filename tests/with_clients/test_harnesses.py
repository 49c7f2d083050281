"""lm_eval and inspect_ai on a real server: every request is answered, and logs hold what was asked and spent."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.with_clients.harnesses import QUESTIONS, inspect, lm_eval


def right(samples: list[dict[str, Any]]) -> float:
    return sum(sample["exact_match"] for sample in samples) / len(samples)


def test_lm_eval_asks_by_chat(url: str, tmp_path: Path) -> None:
    samples = lm_eval(url, tmp_path / "chat", gen_kwargs="thinking_budget=64,waits=1")
    assert len(samples) == QUESTIONS and right(samples) > 0.5
    asked: Any = samples[0]["arguments"]
    assert asked["gen_args_0"]["arg_1"] == {"until": ["\n\n"], "temperature": 0.0, "thinking_budget": 64, "waits": 1}


def test_lm_eval_asks_by_token_ids(url: str, tmp_path: Path) -> None:
    chat = lm_eval(url, tmp_path / "chat", gen_kwargs="thinking_budget=64,waits=1")
    text = lm_eval(url, tmp_path / "text", chat=False, gen_kwargs="thinking_budget=64,waits=1", batch_size="4")
    assert [sample["resps"] for sample in text] == [sample["resps"] for sample in chat]


def test_lm_eval_keeps_raw_thinking(url: str, tmp_path: Path) -> None:
    samples: list[Any] = lm_eval(url, tmp_path / "raw", gen_kwargs="thinking_budget=64,reasoning_format=raw")
    assert all(sample["resps"][0][0].startswith("<think>") for sample in samples)


def test_lm_eval_gets_the_sampling_it_asks_for(url: str, tmp_path: Path) -> None:
    cold = lm_eval(url, tmp_path / "cold", gen_kwargs="thinking_budget=64")
    warm = lm_eval(url, tmp_path / "warm", gen_kwargs="thinking_budget=64,temperature=3.0,top_p=0.95,do_sample=True")
    assert [sample["resps"] for sample in cold] != [sample["resps"] for sample in warm]


def test_inspect_logs_receipts_and_epochs_differ(url: str, tmp_path: Path) -> None:
    log = pytest.importorskip("inspect_ai.log")
    body = '{"thinking_budget": 64, "waits": 1}'
    path = inspect(url, tmp_path / "inspect", "--extra-body", body, "--temperature", "1.5", "--epochs", "4")
    read = log.read_eval_log(str(path))
    assert read.status == "success" and len(read.samples) == 4 * QUESTIONS
    thoughts: dict[str, set[str]] = defaultdict(set)
    for sample in read.samples:
        receipt = next(event for event in sample.events if event.event == "model").call.response["receipt"]
        assert receipt["max_thinking_tokens"] == 64 and receipt["waits"] == 1
        (usage,) = sample.model_usage.values()
        assert usage.reasoning_tokens == receipt["thinking_tokens"]
        thoughts[sample.id].add(sample.messages[-1].content[0].reasoning)
    assert any(len(of_one) > 1 for of_one in thoughts.values())


@pytest.mark.parametrize("effort", ["none", "low"])
def test_inspect_asks_by_effort(url: str, tmp_path: Path, effort: str) -> None:
    log = pytest.importorskip("inspect_ai.log")
    path = inspect(url, tmp_path, "--extra-body", f'{{"reasoning_effort": "{effort}"}}', "--limit", "2")
    for sample in log.read_eval_log(str(path)).samples:
        receipt = next(event for event in sample.events if event.event == "model").call.response["receipt"]
        assert receipt["max_thinking_tokens"] == {"none": 0, "low": 1024}[effort]
        assert receipt["budget_from"] == "reasoning_effort"
