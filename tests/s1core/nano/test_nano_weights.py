"""The bundled weights: they load everywhere, and a forced Wait does what the project says it does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.torch import load_file

from s1core import Budget, load_engine, solve
from s1core.engines.base import Engine
from s1core.nano import WEIGHTS, make_questions
from s1core.nano.question import Question

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(
    not (WEIGHTS / "model.safetensors").exists(), reason="no bundled weights in this checkout"
)

from train.nano.evaluate import answers, loaded, measure  # noqa: E402
from train.nano.model import NanoModel, NanoShape  # noqa: E402


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = load_engine(str(WEIGHTS))
    yield engine
    engine.close()


def test_the_folder_is_small_and_complete() -> None:
    assert sum(f.stat().st_size for f in WEIGHTS.iterdir()) < 40_000_000
    for name in ("config.json", "tokenizer.json", "generation_config.json", "receipt.json", "README.md"):
        assert (WEIGHTS / name).exists(), name
    assert json.loads((WEIGHTS / "receipt.json").read_text())["tokens_seen"] > 1_000_000


@pytest.mark.parametrize("word", ["raspberry", "strawberry"])
def test_one_wait_counts_the_r_of_words_never_trained_on(engine: Engine, word: str) -> None:
    found = asyncio.run(answers(engine, f"How many r in {word}?"))
    assert found["w1"].answer == "3"


def test_waiting_repairs_more_than_it_breaks(engine: Engine) -> None:
    table = measure(engine, make_questions(60, seed=11))
    assert table["unparsed"] == 0
    assert table["accuracy"]["b0"] < table["accuracy"]["natural"] < table["accuracy"]["w1"]
    assert table["one_wait"]["fixed"] > 4 * table["one_wait"]["broke"]


def test_the_table_has_what_runs_of_their_own_give(engine: Engine) -> None:
    budgets = {"b16": Budget(max_thinking_tokens=16), "natural": Budget(), "w1": Budget(waits=1)}
    questions: list[Question] = make_questions(12, seed=12)
    for text in (q.question for q in questions):
        together = asyncio.run(answers(engine, text))
        for name, budget in budgets.items():
            own = solve(engine, text, budget)
            assert (own.answer, own.receipt.thinking_tokens) == together[name]


def test_a_checkpoint_answers_as_its_export(engine: Engine, tmp_path: Path) -> None:
    state = {name: weight.float() for name, weight in load_file(WEIGHTS / "model.safetensors").items()}
    NanoModel(NanoShape()).load_state_dict(state)
    torch.save({"model": state}, tmp_path / "checkpoint.pt")
    question = "How many r in raspberry?"
    with loaded(tmp_path / "checkpoint.pt", NanoShape()) as own:
        assert asyncio.run(answers(own, question)) == asyncio.run(answers(engine, question))


def test_transformers_loads_and_generates_the_same() -> None:
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(WEIGHTS)
    loaded = transformers.AutoModelForCausalLM.from_pretrained(WEIGHTS)
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|fim_pad|>")
    chat = [{"role": "user", "content": "How many r in raspberry?"}]
    prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(prompt + "<|im_start|>think", return_tensors="pt").input_ids
    text = tokenizer.decode(loaded.generate(ids, max_new_tokens=120)[0, ids.shape[1] :], skip_special_tokens=False)
    assert text.startswith("\nMaybe ")
    assert "Final Answer: " in text
    assert text.endswith("<|im_end|>")
