"""llama.cpp in a process of its own: its file, its adapters, its end; and what a stream of its leaves out."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from engine_helpers import ask, preset, prompts, run

from s1core import Budget, load_engine, solve, stream, weights
from s1core.engines.base import Request, is_dead
from s1core.engines.hf.engine import TransformersEngine
from s1core.engines.http.llamacpp import LlamaCompletion
from s1core.engines.llamacpp import has_llamacpp, memory
from s1core.engines.llamacpp.engine import LlamaCppEngine
from s1core.engines.llamacpp.slots import ANY_SLOT, Slots, common_prefix
from s1core.engines.scripted import byte_codec
from s1core.errors import EngineFailed, ModelUnavailable, Unsupported
from s1core.models import PRESETS, preferred_engine, resolve
from s1core.types import Prefilled, Tokens
from s1core.weights import SMOLLM2, is_here
from tests.s1core.tiny_gguf import write_tiny_gguf

needs_llamacpp = pytest.mark.skipif(not has_llamacpp(), reason="xllamacpp is not installed")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf", spread=0.5)


@pytest.fixture
def engine(file: Path) -> Iterator[LlamaCppEngine]:
    loaded = LlamaCppEngine.load(preset(file), threads=1, max_live=2)
    yield loaded
    loaded.close()


def test_gguf_files_are_run_by_llamacpp_where_it_is(file: Path) -> None:
    def chosen(*given: str, llamacpp: bool = True) -> str:
        return preferred_engine(
            resolve(str(file)), given=given, endpoint=False, gpu_and_vllm=lambda: False, llamacpp=llamacpp
        )

    assert chosen() == chosen("lora", "threads") == "llamacpp"
    assert chosen(llamacpp=False) == chosen("dtype") == chosen("device") == "transformers"
    assert chosen("url") == "http"


@needs_llamacpp
def test_a_process_that_is_killed_ends_the_run_with_words(engine: LlamaCppEngine) -> None:
    chunks = engine.generate(ask(prompts(1)[0], 200))
    next(chunks)
    assert not is_dead(engine)
    os.kill(engine._process._process.pid, signal.SIGKILL)
    with pytest.raises(EngineFailed, match="llama.cpp failed .*; load the engine again"):
        list(chunks)
    assert is_dead(engine)
    with pytest.raises(EngineFailed, match="load the engine again"):
        run(engine, ask(prompts(1)[0]))


@needs_llamacpp
def test_nobody_is_served_without_the_key(engine: LlamaCppEngine) -> None:
    import httpx

    answer = httpx.post(f"{engine._process.url}/completion", json={"prompt": [1]}, trust_env=False)
    assert answer.status_code == 401


@needs_llamacpp
def test_a_closed_engine_leaves_no_process(file: Path) -> None:
    loaded = LlamaCppEngine.load(preset(file), threads=1, max_live=1)
    process = loaded._process._process
    loaded.close()
    assert process.poll() is not None


@needs_llamacpp
@pytest.mark.parametrize("size", [0, 3, 400, 20_000, 60_000])
def test_a_torn_file_is_one_sentence(file: Path, tmp_path: Path, size: int) -> None:
    torn = tmp_path / "torn.gguf"
    torn.write_bytes(file.read_bytes()[:size])
    with pytest.raises(ModelUnavailable, match="copy or download it again") as error:
        load_engine(str(torn))
    assert "\n" not in str(error.value)


@needs_llamacpp
def test_an_unknown_architecture_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="unknown model architecture: 'llamba'"):
        load_engine(str(write_tiny_gguf(tmp_path / "odd.gguf", architecture="llamba")))


@needs_llamacpp
def test_a_file_without_a_template_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no chat template; choose"):
        load_engine(str(write_tiny_gguf(tmp_path / "bare.gguf", template=None)))


def test_a_model_without_a_gguf_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s1core.engines.llamacpp.engine.has_llamacpp", lambda: True)
    with pytest.raises(ModelUnavailable, match="has no GGUF file here"):
        load_engine("s1-nano", engine="llamacpp")
    monkeypatch.setattr("s1core.engines.llamacpp.engine.has_llamacpp", lambda: False)
    with pytest.raises(ModelUnavailable, match="pip install xllamacpp"):
        load_engine("s1-nano", engine="llamacpp")


@needs_llamacpp
def test_an_adapter_changes_the_model_as_peft_does(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    monkeypatch.setenv("S1_CACHE", str(tmp_path / "cache"))
    base = weights.location_of(str(file))
    library: Any = AutoModelForCausalLM
    torch.manual_seed(0)
    model: Any = get_peft_model(
        library.from_pretrained(base, dtype=torch.float32), LoraConfig(r=2, target_modules="all-linear")
    )
    for name, value in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value)
    model.save_pretrained(tmp_path / "adapter")
    merged: Any = model.merge_and_unload()
    engine = LlamaCppEngine.load(preset(file), lora=str(tmp_path / "adapter"), threads=1, max_live=1)
    plain = LlamaCppEngine.load(preset(file), threads=1, max_live=1)
    try:
        for prompt in prompts(2):
            ids, told = logprobs(engine, prompt)
            with torch.inference_mode():
                logits = merged(torch.tensor([[*prompt, *ids]])).logits[0, len(prompt) - 1 : -1]
            expected = logits.float().log_softmax(-1)[range(len(ids)), ids]
            assert told == pytest.approx(expected.tolist(), abs=0.05)
            assert told != pytest.approx(logprobs(plain, prompt)[1], abs=0.5)
    finally:
        engine.close()
        plain.close()
    (made,) = (tmp_path / "cache").glob("*.gguf")
    with pytest.raises(ModelUnavailable, match="is a LoRA adapter; name the model it was made for"):
        LlamaCppEngine.load(preset(made))
    with pytest.raises(ModelUnavailable, match="is a whole model, not a LoRA adapter"):
        LlamaCppEngine.load(preset(file), lora=str(file))


def logprobs(engine: LlamaCppEngine, prompt: tuple[int, ...]) -> tuple[list[int], list[float]]:
    chunks = list(engine.generate(ask(prompt, 6, logprobs=True)))
    return [i for c in chunks for i in c.token_ids], [p for c in chunks for p in c.logprobs]


@needs_llamacpp
@pytest.mark.skipif(not is_here(PRESETS[SMOLLM2]), reason="SmolLM2's package is not installed")
def test_a_real_model_is_forced_and_computes_nothing_twice() -> None:
    engine = load_engine(SMOLLM2, engine="llamacpp", max_live=2, context_length=512)
    try:
        events = list(stream(engine, "Say 🦙🎉 and stop. <|im_end|>", Budget(min_thinking_tokens=10, waits=2,
                             max_thinking_tokens=24, max_answer_tokens=4)))  # fmt: skip
        injected = [len(e.token_ids) for e in events if isinstance(e, Tokens) and e.source in ("wait", "close")]
        computed = [e.computed for e in events if isinstance(e, Prefilled)][1:]
        # A text that was cut by its budget sends its last token again.
        assert computed and all(new <= own + 1 for new, own in zip(computed, injected, strict=True))
        trace = solve(engine, "Repeat: 🦙🎉🧪", Budget(max_thinking_tokens=20, max_answer_tokens=8))
        assert all(engine.codec.decode(s.token_ids) == s.text for s in trace.segments)
        assert trace.receipt.thinking_tokens <= 20
    finally:
        engine.close()


def line(**event: Any) -> str:
    defaults = {"content": "", "tokens": [], "stop": False, "tokens_predicted": 0}
    return f"data: {json.dumps(defaults | event)}"


def job(**settings: Any) -> LlamaCompletion:
    return LlamaCompletion(Request(prompt_ids=(97,), max_tokens=8, **settings), byte_codec(), "m", slot=1)


def fed(text: LlamaCompletion, *lines: str) -> list[int]:
    return [i for each in lines for chunk in text.feed(each) for i in chunk.token_ids]


def test_tokens_of_a_character_that_are_counted_only_are_found_again() -> None:
    ids = byte_codec().encode_user("é")
    assert len(ids) == 2
    text = job()
    text.body()
    assert fed(text, line(content="é", tokens=[ids[1]], tokens_predicted=2)) == list(ids)
    assert not text.round_over


def test_tokens_that_cannot_be_found_are_asked_for_in_one_piece() -> None:
    text = job()
    assert text.body()["stream"]
    assert fed(text, line(content="b", tokens=[98], tokens_predicted=1)) == [98]
    assert fed(text, line(content="é", tokens=[99], tokens_predicted=3)) == []
    assert text.round_over and not text.done
    again = text.body()
    assert (again["stream"], again["n_predict"], again["prompt"]) == (False, 2, [97, 98])
    whole = {"content": "xy", "tokens": [120, 121], "stop": True, "tokens_predicted": 2, "stop_type": "limit"}
    assert fed(text, json.dumps(whole)) == [120, 121]
    assert text.body()["n_predict"] == 5 and text.body()["stream"]


def test_a_character_that_is_cut_at_the_end_is_asked_for_again() -> None:
    text = job()
    text.body()
    assert fed(text, line(content="b", tokens=[98], tokens_predicted=1), line(stop=True, tokens_predicted=3)) == [98]
    assert text.round_over and text.body()["n_predict"] == 2


def test_a_marker_in_plain_letters_ends_nothing() -> None:
    codec = byte_codec()
    text = job(stop_ids=frozenset({codec.single_id("<|im_end|>")}))
    assert text.body()["stop"] == ["<|im_end|>"]
    fed(text, line(content=">", tokens=[98], tokens_predicted=1), line(stop=True, stop_type="word", tokens_predicted=1))
    assert text.round_over and not text.done


def test_text_without_ids_is_refused() -> None:
    text = job()
    text.body()
    with pytest.raises(Unsupported, match="returns no token ids"):
        fed(text, line(content="b", tokens_predicted=1))


def test_a_text_goes_to_the_slot_that_knows_most_of_it() -> None:
    slots = Slots(3)
    a = slots.take(tuple(range(100)))
    b = slots.take(tuple(range(200, 300)))
    slots.give_back(a, range(120))
    slots.give_back(b, range(200, 310))
    assert slots.take(tuple(range(125))) == a
    assert slots.take((0, 1, 2, 77, 78, 79, 80, 81)) not in (a, b), "a few tokens in common are not worth a text"
    assert slots.take(tuple(range(200, 320))) == b
    assert slots.take((1,)) == ANY_SLOT
    assert slots.live == 3


def test_common_prefixes_are_measured() -> None:
    assert common_prefix((), (1,)) == 0
    assert common_prefix((1, 2, 3), (1, 2, 4)) == 2
    assert common_prefix((1, 2), (1, 2, 4)) == 2
    assert common_prefix((5,), (1,)) == 0


@pytest.mark.parametrize(
    ("cache", "wanted", "live", "planned"),
    [
        (1 << 20, 8192, 8, (1024, 1)),
        (8192 << 10, 8192, 8, (8192, 1)),
        (16384 << 10, 8192, 8, (8192, 2)),
        (1 << 30, 8192, 8, (8192, 8)),
        (1 << 30, 1 << 20, 8, (131072, 8)),
        (1 << 30, 512, 4, (512, 4)),
    ],
)
def test_one_long_text_comes_before_many_texts(cache: int, wanted: int, live: int, planned: tuple[int, int]) -> None:
    found = memory.plan(bytes_per_token=1024, cache_bytes=cache, context_length=wanted, max_live=live)
    assert (found.context_length, found.slots) == planned


@needs_llamacpp
def test_llamacpp_and_transformers_agree_on_one_file(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: LlamaCppEngine
) -> None:
    monkeypatch.setenv("S1_CACHE", str(tmp_path / "cache"))
    local = TransformersEngine.load(resolve(str(file)), device="cpu", dtype="float32")
    try:
        for text in ("How many?", "ünï 字 🦙", "a  b\n\n<|im_end|>"):
            assert engine.codec.encode_user(text) == local.codec.encode_user(text)
            ids = engine.codec.render_prompt([message(text)], engine.format)
            assert ids == local.codec.render_prompt([message(text)], local.format)
            assert engine.codec.decode(ids) == local.codec.decode(ids)
        assert engine.codec.known_ids == local.codec.known_ids
        assert engine.codec.control_ids == local.codec.control_ids
    finally:
        local.close()


def message(text: str) -> Any:
    from s1core.types import Message

    return Message(role="user", content=text)
