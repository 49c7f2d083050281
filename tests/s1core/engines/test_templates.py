"""Runs through the chat templates of model families: what nothing forced is what the model writes by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import templates
import torch
from engine_helpers import Load
from transformers import AutoModelForCausalLM, AutoTokenizer

from s1core import Budget, Trace, solve
from s1core.engines.hf.engine import TransformersEngine
from s1core.errors import InvalidSetting
from s1core.models import resolve

QUESTIONS = ["3+4?", "2+2?"]
TURNS = {
    "3+4?": "Three and four.\nThat is 7.\n</think>\n\nFinal Answer: 7",
    "2+2?": "Two and two, é.\n</think>\n\nIt is **4**.\n\nFinal Answer: 4",
}


@pytest.fixture(scope="module", params=["qwen3", "r1", "qwen3 without marker tokens"])
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model that thinks as its family does."""
    folder = tmp_path_factory.mktemp("family")
    opens = request.param == "r1"
    said = {question: ("" if opens else "<think>\n") + turn for question, turn in TURNS.items()}
    template = templates.R1 if opens else templates.QWEN3
    templates.save_model_that_says(folder, template, said, markers="without" not in request.param)
    return folder


def by_itself(folder: Path, question: str) -> str:
    """What transformers' own generation writes after the template's prompt, without the end of the turn."""
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=False
    )
    with torch.inference_mode():
        ids = model.generate(asked, max_new_tokens=200, do_sample=False, pad_token_id=0)
    return tokenizer.decode(ids[0]).removesuffix("<|im_end|>")


def whole_text(engine: TransformersEngine, question: str, trace: Trace) -> str:
    from s1core.types import Message

    prompt = engine.codec.render_prompt([Message(role="user", content=question)], engine.format)
    return engine.codec.decode((*prompt, *trace.token_ids))


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("budget", [Budget(), Budget(max_thinking_tokens=150), Budget(max_thinking_tokens=60, waits=0)])
def test_an_unforced_run_is_the_models_own_text(family: Path, load: Load, question: str, budget: Budget) -> None:
    engine = TransformersEngine.load(resolve(str(family)), device="cpu")
    trace = solve(engine, question, budget)
    assert whole_text(engine, question, trace) == by_itself(family, question)
    assert (trace.receipt.closed_by, trace.receipt.answer_complete) == ("model", True)
    assert trace.answer == TURNS[question][-1]
    engine.close()


def test_a_forced_close_differs_by_what_it_forces_alone(family: Path) -> None:
    engine = TransformersEngine.load(resolve(str(family)), device="cpu")
    own = solve(engine, "3+4?")
    for most in range(own.receipt.thinking_tokens + 1):
        trace = solve(engine, "3+4?", Budget(max_thinking_tokens=most))
        thinking = own.thinking_text.encode()[:most].decode()
        assert trace.thinking_text == thinking
        closing = next(s.text for s in trace.segments if s.source == "close")
        assert closing == ("" if thinking.endswith("\n") else "\n") + "</think>\n\n" + (
            "Final Answer:" if trace.receipt.closed_by == "budget" else ""
        )
    engine.close()


@pytest.mark.parametrize(
    ("template", "system", "said"),
    [
        (templates.REFUSES_SYSTEM, "Be brief.", r"refuses a system turn \(no system turns\); put its text in front"),
        (templates.DROPS_SYSTEM, "Be brief.", "leaves out a turn of the role system; say it in the question"),
        (templates.BREAKS, None, "cannot render these turns"),
        (templates.BREAKS, "Be brief.", "cannot render these turns"),
        (templates.ENDS_THINKING, None, "ends its prompt with </think>, after which there is no thinking"),
    ],
)
def test_a_template_that_cannot_be_used_says_why(
    qwen2_folder: Path, tmp_path: Path, template: str, system: str | None, said: str
) -> None:
    engine = with_template(qwen2_folder, tmp_path, template)
    with pytest.raises(InvalidSetting, match=said):
        solve(engine, "3+4?", Budget(max_thinking_tokens=3), system=system)
    engine.close()


@pytest.mark.parametrize(
    "template", [templates.HYBRID_OFF, templates.ALWAYS_CLOSED, templates.OPENS, templates.NEVER_ASKS, templates.QWEN3]
)
def test_every_prompt_ends_in_one_open_block(qwen2_folder: Path, tmp_path: Path, template: str) -> None:
    engine = with_template(qwen2_folder, tmp_path, template)
    trace = solve(engine, "3+4?", Budget(max_thinking_tokens=3))
    text = whole_text(engine, "3+4?", trace)
    assert text.startswith("<|im_start|>user\n3+4?<|im_end|>\n<|im_start|>assistant\n<think>\n")
    assert text.count("<think>") == text.count("</think>") == 1
    engine.close()


def with_template(qwen2_folder: Path, tmp_path: Path, template: str) -> TransformersEngine:
    """Load the random model with another template."""
    folder = tmp_path / "model"
    folder.mkdir()
    for path in qwen2_folder.iterdir():
        (folder / path.name).symlink_to(path)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (folder / name).unlink(missing_ok=True)
    templates.tokenizer(template + "{#- </think> #}").save_pretrained(folder)
    engine = TransformersEngine.load(resolve(str(folder)), device="cpu")
    assert engine.format.name == "think_tags"
    return engine
