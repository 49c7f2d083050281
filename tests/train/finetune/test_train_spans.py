"""Spans without loss: what is read but not learned, seen in the labels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from s1core.errors import InvalidSetting  # noqa: E402
from s1core.nano import WEIGHTS  # noqa: E402
from s1core.types import Message  # noqa: E402
from train.finetune.config import TrainConfig  # noqa: E402
from train.finetune.data import IGNORED, Renderer, Span, load_data  # noqa: E402

TOKENIZER = transformers.AutoTokenizer.from_pretrained(WEIGHTS)
RENDERER = Renderer(TOKENIZER, "s1")
CHAT = [Message(role="user", content="q")]
TURN = "<|im_start|>think\nIt is 7.\nWait, it is 8.\n<|im_start|>answer\nFinal Answer: 8"
CONFIG = TrainConfig(recipe="x", model="x", max_length=1_024)


def learned_text(no_loss: list[Span]) -> str:
    row = RENDERER.row(CHAT, TURN, no_loss)
    return TOKENIZER.decode([label for label in row.labels if label != IGNORED])


def test_a_span_is_read_and_not_learned() -> None:
    start = TURN.index("7")
    row, plain = RENDERER.row(CHAT, TURN, [(start, start + 1)]), RENDERER.row(CHAT, TURN)
    assert row.ids == plain.ids
    differ = [i for i, (a, b) in enumerate(zip(row.labels, plain.labels, strict=True)) if a != b]
    assert [TOKENIZER.decode([plain.labels[i]]) for i in differ] == ["7"]
    assert learned_text([(start, start + 1)]) == TURN.replace("7", "", 1) + "<|im_end|>\n"


def test_a_marker_in_a_span_is_a_marker_without_loss() -> None:
    start, end = TURN.index("\n<|im_start|>answer"), TURN.index("Final")
    row = RENDERER.row(CHAT, TURN, [(start, end)])
    assert row.ids == RENDERER.row(CHAT, TURN).ids
    assert "<|im_start|>answer" not in learned_text([(start, end)])


@given(st.lists(st.tuples(st.integers(0, len(TURN)), st.integers(0, len(TURN))).map(sorted), max_size=5))
def test_any_spans_keep_the_text_and_hide_what_they_cover(spans: list[list[int]]) -> None:
    # Inside of a marker there is nothing to cut: such edges would change what is read.
    inside = [
        i for m in ("<|im_start|>think", "<|im_start|>answer") for i in range(TURN.index(m) + 1, TURN.index(m) + len(m))
    ]
    no_loss = [(a, b) for a, b in spans if a not in inside and b not in inside]
    row = RENDERER.row(CHAT, TURN, no_loss)
    assert TOKENIZER.decode(row.ids).endswith(TURN + "<|im_end|>\n")
    hidden = {i for a, b in no_loss for i in range(a, b)}
    assert learned_text(no_loss) == "".join(c for i, c in enumerate(TURN) if i not in hidden) + "<|im_end|>\n"


@pytest.mark.parametrize("spans", [[[0]], [[5, 2]], [[-1, 3]], [[0, 10_000]], [["a", "b"]], [[True, 2]], [[0, 1, 2]]])
def test_a_span_outside_of_the_turn_is_refused(tmp_path: Path, spans: list[object]) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"user": "q", "assistant": TURN, "no_loss": spans}) + "\n")
    with pytest.raises(InvalidSetting, match="row 1 of .*no_loss has the span"):
        load_data(replace(CONFIG, data=str(path)), TOKENIZER)


@pytest.mark.parametrize("made", ["skills", "problems"])
def test_made_rows_follow_from_the_seed(made: str) -> None:
    config = replace(CONFIG, data=f"{made}:20")
    one, again, other = (load_data(replace(config, seed=seed), TOKENIZER) for seed in (0, 0, 1))
    assert len(one.rows) == 20 and one.fingerprint == again.fingerprint != other.fingerprint
