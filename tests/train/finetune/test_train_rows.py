"""Where a row's thinking may stand, in which files rows come, and what is refused because it would not be trained."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

from s1core.encodings import encoding_of  # noqa: E402
from s1core.errors import InvalidSetting  # noqa: E402
from s1core.formats import FORMATS  # noqa: E402
from tests.s1core.engines import templates  # noqa: E402
from train.finetune.config import TrainConfig  # noqa: E402
from train.finetune.data import IGNORED, Renderer, load_data  # noqa: E402
from train.finetune.rows import THINKING, read_rows, turns  # noqa: E402

ASKED = {"role": "user", "content": "3+4?"}
CONFIG = TrainConfig(recipe="x", model="x", max_length=512, global_batch=1, micro_batch=1, format="think_tags")
ROW = {"user": "3+4?", "assistant": "7"}


def chat(**answer: Any) -> dict[str, Any]:
    return {"messages": [ASKED, {"role": "assistant", "content": "7"} | answer]}


def learned(raw: dict[str, Any], fmt: str, template: str = templates.PLAIN) -> str:
    tokenizer: Any = templates.tokenizer(template)
    renderer = Renderer(tokenizer, fmt)
    row = renderer.row(*turns(raw, renderer.format))
    return str(tokenizer.decode([i for i in row.labels if i != IGNORED]))


# Thinking in a field of its own

OWN_FIELD = [
    *(chat(**{name: "add both"}) for name in THINKING),
    *(ROW | {name: "add both"} for name in THINKING),
    chat() | {"thinking": "add both"},
    chat(content=[{"type": "thinking", "thinking": "add both"}, {"type": "text", "text": "7"}]),
    chat(content="<think>\n\n</think>\n\n7", reasoning="add both"),
    chat(reasoning="add both", reasoning_content="add both", thinking=None),
]


@pytest.mark.parametrize("raw", OWN_FIELD, ids=lambda raw: json.dumps(raw)[-60:])
def test_thinking_of_its_own_field_is_trained(raw: dict[str, Any]) -> None:
    assert learned(raw, "think_tags") == "<think>\nadd both\n</think>\n\n7<|im_end|>\n"
    expected = "<|im_start|>think\nadd both\n<|im_start|>answer\n7<|im_end|>\n"
    assert turns(raw, FORMATS["s1"])[1] + "<|im_end|>\n" == expected
    assert learned(raw, "think_tags", templates.OPENS) == "add both\n</think>\n\n7<|im_end|>\n"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (chat(deepseek_reasoning="first add both of them"), "its field deepseek_reasoning would not be trained"),
        (ROW | {"model_thoughts": "first add both of them"}, "its field model_thoughts would not be trained"),
        (chat(thinking=["add", "both"]), "its field thinking is no text"),
        (chat(thinking="add both", reasoning="add all"), "its fields thinking and reasoning differ"),
        (chat(content="<think>\nadd\n</think>\n\n7", thinking="subtract"), "one thinking in its text and another"),
        (chat(tool_calls=[{"function": {}}]), "a turn has tool_calls"),
        (chat(content=[{"type": "image"}]), "a part of the type 'image'"),
        ({"messages": [ASKED | {"thinking": "hm, well"}, chat()["messages"][1]]}, "a turn of the user has thinking"),
        (ROW | {"thinking": "add both", "no_loss": [[0, 1]]}, "no_loss counts the characters"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_not_be_trained_is_refused(raw: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        turns(raw)
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(raw) + "\n")
    with pytest.raises(InvalidSetting, match=f"row 1 of .* cannot be used: .*{said}"):
        load_data(replace(CONFIG, data=str(path)), templates.tokenizer(templates.PLAIN))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("So \frac{1}{2}", r"a control character instead of \frac"),
        ("3 \times 4", r"a control character instead of \times"),
        ("Is 3 \ne 4?", r"a control character instead of \ne"),
        ("Let $\nu$ be", r"a control character instead of \nu"),
        ("$A \not= B$", r"a control character instead of \not"),
        ("half \ud83d of it", "half of a character"),
    ],
)
@pytest.mark.parametrize("place", ["user", "assistant", "system", "thinking"])
def test_text_that_was_not_meant_is_refused_with_its_row(text: str, said: str, place: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(raw) + "\n" for raw in (ROW, ROW | {place: text})))
    with pytest.raises(InvalidSetting, match=f"row 2 of .* cannot be used: .*{re.escape(said)}"):
        load_data(replace(CONFIG, data=str(path)), templates.tokenizer(templates.PLAIN))


@pytest.mark.parametrize("text", ["a\n\tan apple", "def f():\n\treturn 3\n", "two\nlines", r"\frac{1}{2} \neq 3"])
def test_tabs_and_lines_are_kept(text: str) -> None:
    assert turns(ROW | {"user": text})[0][-1].content == text


def test_columns_beside_a_turn_that_thinks_change_nothing() -> None:
    """As in a curated set, whose `thinking` stands in the turn already."""
    turn = "<|im_start|>think\nadd both\n<|im_start|>answer\n7"
    raw = {"user": "3+4?", "assistant": turn, "thinking": "add both", "thinking_tokens": 2, "reasoning_effort": "high"}
    assert turns(raw)[1] == turn
    assert turns(chat(content=turn, reasoning_content="add both"))[1] == turn


@given(st.text(min_size=1).filter(str.strip), st.text(min_size=1).filter(str.strip), st.sampled_from(sorted(FORMATS)))
def test_a_turn_that_is_made_is_taken_apart_again(thinking: str, answer: str, name: str) -> None:
    fmt = FORMATS[name]
    if any(mark in thinking + answer for mark in ("think>", "<|im_start|>")):
        return
    turn = fmt.turn(thinking, answer)
    block = fmt.block(turn)
    assert block and turn[block.start : block.end].strip() == thinking.strip()
    assert fmt.answer_of(turn) == answer.lstrip()


# The end of a turn

NO_END = (
    "{%- for m in messages %}{{- '<|' + m.role + '|>' + m.content }}{%- endfor %}"
    "{{- '<|assistant|>' if add_generation_prompt }}"
)
ENDS = {
    "no end": NO_END,
    "a mark between turns": NO_END.replace(
        "m.content }}", "m.content }}{%- if not loop.last %}{{- '<|im_end|>' }}{%- endif %}"
    ),
    "a blank line": NO_END.replace("m.content }}", "m.content + '\\n\\n' }}"),
}


@pytest.mark.parametrize("template", ENDS.values(), ids=list(ENDS))
def test_a_template_without_an_end_teaches_one_and_says_so(template: str, tmp_path: Path) -> None:
    tokenizer: Any = templates.tokenizer(template)
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROW) + "\n")
    data = load_data(replace(CONFIG, data=str(path)), tokenizer)
    assert tokenizer.eos_token_id is not None and data.rows[0].labels[-1] == tokenizer.eos_token_id
    assert "no token that ends an assistant's turn" in data.summary()
    tokenizer.eos_token = None
    assert "no row teaches to stop" in load_data(replace(CONFIG, data=str(path)), tokenizer).summary()


def test_a_template_with_an_end_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROW) + "\n")
    data = load_data(replace(CONFIG, data=str(path)), templates.tokenizer(templates.PLAIN))
    assert data.notes == ()
    assert [(part.text[-22:], part.learned) for part in data.sample] == [
        ("<|im_start|>assistant\n", False),
        ("7<|im_end|>\n", True),
    ]


def test_thinking_in_markers_of_another_format_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROW | {"assistant": "<think>\nadd\n</think>\n\n7"}) + "\n")
    data = load_data(replace(CONFIG, data=str(path), format="s1"), templates.tokenizer(templates.PLAIN))
    assert "1 rows have their thinking in the markers of think_tags" in data.summary()


# Files

LINES = json.dumps(ROW) + "\n" + json.dumps({**ROW, "user": "3+4? é 数"}, ensure_ascii=False) + "\n"
LISTED = json.dumps([ROW, {**ROW, "user": "3+4? é 数"}], indent=1, ensure_ascii=False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("text", [LINES, LISTED], ids=["lines", "list"])
@pytest.mark.parametrize("suffix", ["json", "jsonl"])
def test_files_of_other_programs_are_read(text: str, encoding: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"rows.{suffix}"
    path.write_bytes(text.encode(encoding))
    assert [row["user"] for row in read_rows(path)] == ["3+4?", "3+4? é 数"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"user": "\xff", "assistant": "7"}\n', "is no UTF-8 text at byte 10; save it as UTF-8"),
        (codecs.BOM_UTF16_LE + b"{\x00\x00", "is no UTF-16"),
        (b'{\n "user": "q"\n}', "line 1, is not JSON: .* every row is one line, or all are one JSON list"),
        (b'[{"user": ', "is not a JSON list"),
        (b'[{"user": "q", "assistant": "a"}, 3]', "entry 2, is not a JSON object"),
        (b'{"conversations": []}', "it has conversations; rows need user and assistant, or messages, or text"),
    ],
)
def test_files_that_are_no_rows_are_told(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(InvalidSetting, match=said):
        load_data(replace(CONFIG, data=str(path)), templates.tokenizer(templates.PLAIN))


@given(
    st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=2),
    st.sampled_from(["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]),
)
def test_text_comes_back_from_the_encoding_that_is_told(text: str, encoding: str) -> None:
    content = text.encode(encoding)
    assert content.decode(encoding_of(content[:4])) == text


@pytest.mark.parametrize(
    "turn",
    [
        {"content": "5", "reasoning_details": [{"text": "T one two"}]},
        {"content": "5", "thinking_blocks": [{"thinking": "T"}]},
        {"content": "5", "thought_process": "我们先计算二加三等于五"},
        {"content": "5", "Complex_CoT": "Compute it"},
        {"content": [{"type": "reasoning", "summary": [{"text": "T"}]}, {"type": "text", "text": "5"}]},
        {"content": "<think>never closed"},
        {"content": "<think>T</think>"},
        {"content": "<thinking>T</thinking>5"},
        {"content": "[THINK]T[/THINK]5"},
        {"content": "<Think>T</Think>5"},
        {"content": "<|channel|>analysis<|message|>T<|end|>5"},
        {"content": "5", "additional_kwargs": {"thought_process": "T one two"}},
    ],
)
def test_thinking_that_would_be_lost_or_cut_is_refused(turn: dict[str, Any]) -> None:
    row = {"messages": [{"role": "user", "content": "2+3?"}, {"role": "assistant", **turn}]}
    with pytest.raises(ValueError, match="trained|closed|follows|no known format"):
        turns(row, FORMATS["think_tags"])


@pytest.mark.parametrize(
    "turn",
    [
        {"content": "5", "reasoning_content": "<think>T</think>"},
        {"content": "5", "additional_kwargs": {"reasoning_content": "T"}},
        {"content": "5", "provider_specific_fields": {"reasoning_content": "T"}, "reasoning_tokens": 1},
        {"content": "5", "thinking": "T", "reasoning_effort": "high", "thinking_mode": "on"},
    ],
)
def test_thinking_is_found_where_clients_put_it(turn: dict[str, Any]) -> None:
    fmt = FORMATS["think_tags"]
    _, answer = turns({"messages": [{"role": "user", "content": "2+3?"}, {"role": "assistant", **turn}]}, fmt)
    assert answer == fmt.turn("T", "5")
