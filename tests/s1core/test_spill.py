"""Spill: answers that go on thinking are told from others, and receipts say how."""

from __future__ import annotations

import pytest

from s1core import Budget, solve
from s1core.engines.scripted import ScriptedEngine, byte_codec
from s1core.spill import COPIED_TOKENS, spill_of

THOUGHT = list(range(100))


@pytest.mark.parametrize(
    ("answer", "reopened", "complete", "spill"),
    [
        ([200, 201], False, True, None),
        ([], False, True, None),
        ([200, 201], True, False, "reopened"),
        (THOUGHT[5 : 5 + COPIED_TOKENS], False, True, "repeats"),
        ([200, *THOUGHT[40 : 40 + COPIED_TOKENS], 201], False, True, "repeats"),
        (THOUGHT[5 : 4 + COPIED_TOKENS], False, True, None),
        ([300] * 50, False, True, None),
        ([300] * 50, False, False, "long"),
        ([300] * 51, False, True, "long"),
    ],
)
def test_an_answer_that_goes_on_thinking_is_told(
    answer: list[int], reopened: bool, complete: bool, spill: str | None
) -> None:
    assert spill_of(THOUGHT, answer, reopened=reopened, complete=complete, usual_tokens=50) == spill


def ending(answer: str, thought: str = "x") -> ScriptedEngine:
    def script(text: str, _request: int) -> str:
        return answer if "</think>" in text else thought * 60

    codec = byte_codec("<think>", "</think>")
    return ScriptedEngine(script, format="think_tags", codec=codec, default_answer_tokens=40)


@pytest.mark.parametrize(
    ("answer", "spill"),
    [
        (" 7<|im_end|>", None),
        (" 7<think>hm", "reopened"),
        (" " + "x" * COPIED_TOKENS + "<|im_end|>", "repeats"),
        (" " + "z" * 99, "long"),
    ],
)
def test_a_receipt_says_how_an_answer_spills(answer: str, spill: str | None) -> None:
    assert solve(ending(answer), "q", Budget(max_thinking_tokens=40)).receipt.spill == spill


def test_a_short_cap_is_no_spill() -> None:
    budget = Budget(max_thinking_tokens=40, max_answer_tokens=5)
    assert solve(ending(" " + "z" * 99), "q", budget).receipt.spill is None
