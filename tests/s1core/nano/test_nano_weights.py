"""The bundled weights: they load everywhere, and a forced Wait does what the project says it does."""

from __future__ import annotations

import json

import pytest

from s1core.nano import WEIGHTS, make_questions
from s1core.nano.question import Question

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(
    not (WEIGHTS / "model.safetensors").exists(), reason="no bundled weights in this checkout"
)

from train.nano.decode import Forcing, Setting  # noqa: E402
from train.nano.evaluate import load_model, measure, parse_answer  # noqa: E402
from train.nano.model import NanoModel, NanoShape  # noqa: E402

SHAPE = NanoShape()


@pytest.fixture(scope="module")
def model() -> NanoModel:
    return load_model(WEIGHTS, SHAPE)


def test_the_folder_is_small_and_complete() -> None:
    assert sum(f.stat().st_size for f in WEIGHTS.iterdir()) < 40_000_000
    for name in ("config.json", "tokenizer.json", "generation_config.json", "receipt.json", "README.md"):
        assert (WEIGHTS / name).exists(), name
    assert json.loads((WEIGHTS / "receipt.json").read_text())["tokens_seen"] > 1_000_000


@pytest.mark.parametrize("word", ["raspberry", "strawberry"])
def test_one_wait_counts_the_r_of_words_never_trained_on(model: NanoModel, word: str) -> None:
    forcing = Forcing(model, SHAPE, [f"How many r in {word}?"], limit=400)
    answers = forcing.answer(forcing.think(waits=1), [Setting(name="w1", waits=1)])
    assert parse_answer(answers[0]["w1"]) == "3"


def test_waiting_repairs_more_than_it_breaks(model: NanoModel) -> None:
    table = measure(model, SHAPE, make_questions(60, seed=11))
    assert table["unparsed"] == 0
    assert table["accuracy"]["b0"] < table["accuracy"]["natural"] < table["accuracy"]["w1"]
    assert table["one_wait"]["fixed"] > 4 * table["one_wait"]["broke"]


def test_rewinding_gives_what_a_run_of_its_own_gives(model: NanoModel) -> None:
    questions: list[Question] = make_questions(12, seed=12)
    texts = [q.question for q in questions]
    settings = [Setting(name="b24", budget=24), Setting(name="natural"), Setting(name="w1", waits=1)]
    shared = Forcing(model, SHAPE, texts, limit=500)
    together = shared.answer(shared.think(waits=1), settings)
    for setting in settings:
        alone = Forcing(model, SHAPE, texts, limit=500)
        own = alone.answer(alone.think(waits=setting.waits), [setting])
        assert [row[setting.name] for row in together] == [row[setting.name] for row in own]


def test_transformers_loads_and_generates_the_same(model: NanoModel) -> None:
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
