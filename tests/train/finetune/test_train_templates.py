"""Training rows in the chat templates of model families: one block a row, opened and closed where it belongs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from s1core.errors import InvalidSetting  # noqa: E402
from s1core.types import Message  # noqa: E402
from tests.s1core.engines import templates  # noqa: E402
from train.finetune.config import TrainConfig  # noqa: E402
from train.finetune.data import IGNORED, Renderer, load_data  # noqa: E402

ASKED = [Message(role="user", content="3+4?")]
ANSWER = "<think>\nadd\n</think>\n\n7"
DROPS_THOUGHTS = templates.OPENS.replace("m.content", "m.content.split('</think>')[-1]")


def texts(template: str, messages: list[Message], answer: str) -> tuple[str, str]:
    """The row's text, and its learned part."""
    tokenizer: Any = templates.tokenizer(template)
    row = Renderer(tokenizer, "think_tags").row(messages, answer)
    assert [i for i, label in zip(row.ids, row.labels, strict=True) if label != IGNORED] == list(
        row.ids[len(row.ids) - sum(label != IGNORED for label in row.labels) :]
    )
    learned = [i for i, label in zip(row.ids, row.labels, strict=True) if label != IGNORED]
    return str(tokenizer.decode(list(row.ids))), str(tokenizer.decode(learned))


@pytest.mark.parametrize("answer", [ANSWER, "add\n</think>\n\n7", "<think>add\n</think>\n\n7"])
@pytest.mark.parametrize(
    ("template", "opened"),
    [
        (templates.OPENS, True),
        (DROPS_THOUGHTS, True),
        (templates.R1, True),
        (templates.HYBRID_OFF, True),
        (templates.ALWAYS_CLOSED, False),
        (templates.QWEN3, False),
        (templates.PLAIN, False),
        (templates.NEVER_ASKS, False),
    ],
)
def test_a_row_opens_and_closes_one_block(template: str, opened: bool, answer: str) -> None:
    text, learned = texts(template, ASKED, answer)
    assert (text.count("<think>"), text.count("</think>")) == (1, 1)
    assert learned.startswith("add\n</think>\n\n7<|im_end|>" if opened else "<think>")
    if not opened and not answer.startswith("<think>add"):
        assert learned.startswith("<think>\nadd\n</think>\n\n7<|im_end|>")
    assert "<think>\nadd" in text or "<think>add" in answer


@pytest.mark.parametrize("template", [templates.HYBRID_OFF, templates.QWEN3, templates.ALWAYS_CLOSED])
def test_a_row_without_thinking_keeps_the_closed_block(template: str) -> None:
    text, learned = texts(template, ASKED, "7")
    assert text.endswith("assistant\n<think>\n\n</think>\n\n7<|im_end|>\n")
    assert learned == "7<|im_end|>\n"


def test_markers_in_the_trace_stay_text() -> None:
    row = Renderer(templates.tokenizer(templates.QWEN3), "think_tags").row(
        [Message(role="user", content="<think>")], "<think>\nsay <think> and </think> here\n</think>\n\n7"
    )
    tokenizer = templates.tokenizer(templates.QWEN3)
    for marker in ("<think>", "</think>"):
        assert row.ids.count(tokenizer.convert_tokens_to_ids(marker)) == 1


def test_thoughts_of_earlier_turns_go_where_the_template_drops_them() -> None:
    chat = [*ASKED, Message(role="assistant", content=ANSWER), Message(role="user", content="2+2?")]
    dropped, _ = texts(templates.QWEN3, chat, ANSWER.replace("7", "4"))
    assert dropped.count("add") == 1 and "assistant\n7<|im_end|>" in dropped
    kept, _ = texts(templates.PLAIN, chat, ANSWER)
    assert kept.count("add") == 2


@pytest.mark.parametrize(
    ("template", "row", "said"),
    [
        (
            templates.REFUSES_SYSTEM,
            {"system": "Be brief.", "user": "q", "assistant": ANSWER},
            "refuses a system turn",
        ),
        (templates.DROPS_SYSTEM, {"system": "Be brief.", "user": "q", "assistant": ANSWER}, "leaves out a turn"),
        (
            templates.OPENS,
            {"user": "q", "assistant": "7"},
            "opens a thinking block, but the answer has no </think>",
        ),
        (templates.BREAKS, {"user": "q", "assistant": ANSWER}, "cannot render these turns"),
        (
            "{%- for m in messages %}{%- if m.role != 'assistant' %}{{- m.content }}{%- endif %}{%- endfor %}",
            {"user": "q", "assistant": ANSWER},
            "leaves out the assistant's turn",
        ),
    ],
)
def test_a_row_that_cannot_be_rendered_is_named(tmp_path: Path, template: str, row: dict[str, str], said: str) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text(json.dumps(row) + "\n")
    config = TrainConfig(recipe="x", model="x", data=str(data), max_length=512, format="think_tags")
    with pytest.raises(InvalidSetting, match=f"row 1 of .* cannot be used: .*{said}"):
        load_data(replace(config), templates.tokenizer(template))
