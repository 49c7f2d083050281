"""The tokenizer: one byte, one token; markers cannot be typed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

from train.nano.export import build_tokenizer
from train.nano.model import VOCAB_ROWS
from train.nano.text import SPECIAL, prompt_ids

TOKENIZER = build_tokenizer()


@given(st.text())
def test_any_text_comes_back_composed_and_otherwise_unchanged(text: str) -> None:
    for marker in SPECIAL:
        text = text.replace(marker, "")
    text = unicodedata.normalize("NFC", text.encode("utf-8", "ignore").decode())
    ids = TOKENIZER.encode(text, add_special_tokens=False).ids
    assert TOKENIZER.decode(ids, skip_special_tokens=False) == text
    assert ids == list(text.encode())


def test_special_tokens_are_single_ids_above_the_bytes() -> None:
    for marker, token in SPECIAL.items():
        assert TOKENIZER.encode(marker, add_special_tokens=False).ids == [token]
        assert 256 <= token < VOCAB_ROWS
    assert TOKENIZER.get_vocab_size() == 260 < VOCAB_ROWS


def test_bytes_never_form_a_special_token() -> None:
    typed = [i for piece in "<|im_end|>" for i in TOKENIZER.encode(piece, add_special_tokens=False).ids]
    assert typed == list(b"<|im_end|>")
    assert TOKENIZER.decode(typed, skip_special_tokens=True) == "<|im_end|>"


def test_training_prompts_are_what_the_tokenizer_makes_of_the_template() -> None:
    rendered = "<|im_start|>user\nHow many r in raspberry?<|im_end|>\n<|im_start|>assistant\n<|im_start|>think"
    assert TOKENIZER.encode(rendered, add_special_tokens=False).ids == prompt_ids("How many r in raspberry?")
