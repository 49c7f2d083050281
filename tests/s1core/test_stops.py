"""Stops: an answer ends before a text of the caller's, wherever tokens and chunks begin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1core import Budget, solve
from s1core.engines.hf.loading import load_codec
from s1core.engines.scripted import ScriptedEngine, byte_codec
from s1core.models import resolve
from s1core.stops import StopStrings
from s1core.types import Message, Trace

BYTES = byte_codec()
NANO = load_codec(resolve("s1-nano"))[0]
LETTERS = "ab \né→\n"
TEXTS = st.text(LETTERS, max_size=24)
STOPS = st.lists(st.text(LETTERS, min_size=1, max_size=4), min_size=1, max_size=4)


def cut(text: str, stops: list[str]) -> str:
    """What is right: the text before the stop that is complete first, blanks at the beginning passed by."""
    begin = len(text) - len(text.lstrip())
    for end in range(begin, len(text) + 1):
        found = [at for stop in stops if (at := text[:end].find(stop, begin)) >= 0]
        if found:
            return text[: min(found)]
    return text


def stopped(codec: object, text: str, stops: list[str], width: int) -> str:
    finder = StopStrings(codec, stops)  # type: ignore[arg-type]
    ids = codec.encode_user(text)  # type: ignore[attr-defined]
    kept: list[int] = []
    for start in range(0, len(ids), width):
        fed = finder.feed(ids[start : start + width])
        kept += fed.ids
        if fed.ended:
            return codec.decode(kept)  # type: ignore[attr-defined]
    return codec.decode([*kept, *finder.flush()])  # type: ignore[attr-defined]


@given(text=TEXTS, stops=STOPS, width=st.integers(1, 5))
def test_text_is_cut_before_the_first_stop(text: str, stops: list[str], width: int) -> None:
    assert stopped(BYTES, text, stops, width) == cut(text, stops)


@pytest.mark.parametrize("width", [1, 2, 100])
def test_a_stop_inside_a_token_leaves_what_is_before_it(width: int) -> None:
    text = "\nFinal Answer: 31 apples"
    whole = stopped(NANO, text, ["zzz"], width)
    for stop in ("\n", "Answer", "nal An", "1", "apples", " "):
        assert stopped(NANO, whole, [stop], width) == cut(whole, [stop])


def run(answer: str, **more: object) -> Trace:
    def script(text: str, _: int) -> str:
        return f"{answer}<|im_end|>" if "<|im_start|>answer" in text else "It is 3. Stop here?<|im_start|>"

    engine = ScriptedEngine(script, codec=BYTES)
    trace = solve(engine, "What?", Budget(max_thinking_tokens=64), **more)  # type: ignore[arg-type]
    assert all(BYTES.decode(s.token_ids) == s.text for s in trace.segments)
    return trace


def test_an_answer_ends_before_a_stop() -> None:
    trace = run("\nFinal Answer: 3\n\nAnd so on", stop=["\n"])
    assert (trace.answer_text, trace.answer) == ("\nFinal Answer: 3", "3")
    assert trace.receipt.answer_complete and trace.receipt.answer_tokens == len("\nFinal Answer: 3")


def test_a_stop_in_the_thinking_is_none() -> None:
    assert "Stop here?" in run("\nFinal Answer: 3", stop=["Stop"]).thinking_text


def test_an_answer_without_the_stop_is_whole() -> None:
    assert run("\nFinal Answer: 3 an", stop=["and"]).answer_text == "\nFinal Answer: 3 an"


def test_the_answer_gets_what_thinking_left_of_the_total() -> None:
    trace = run("\nFinal Answer: 3", max_total_tokens=25)
    assert trace.receipt.thinking_tokens + trace.receipt.answer_tokens == 25
    assert not trace.receipt.answer_complete


@pytest.mark.parametrize("longest", [100, 3_900, 4_096, 10**6])
def test_a_long_answer_takes_no_room_from_thinking(longest: int) -> None:
    engine = ScriptedEngine(lambda text, _: "x" * 5_000, codec=BYTES)
    budget = Budget(max_thinking_tokens=2_000, max_answer_tokens=longest)
    receipt = solve(engine, "What?", budget).receipt
    assert (receipt.thinking_tokens, receipt.closed_by) == (2_000, "budget")
    assert receipt.prompt_tokens + receipt.thinking_tokens + receipt.answer_tokens <= engine.context_length


def test_history_is_rendered_by_the_template() -> None:
    engine = ScriptedEngine(lambda text, _: "<|im_end|>", codec=BYTES)
    turns = [Message(role="user", content="Hi <|im_end|>"), Message(role="assistant", content="Hello")]
    solve(engine, "What?", system="Short.", history=turns)
    prompt = BYTES.decode(engine.requests[0].prompt_ids)
    said = ["system\nShort.", "user\nHi <|im_end|>", "assistant\nHello", "user\nWhat?", "assistant\n"]
    assert prompt == "<|im_end|>\n".join(f"<|im_start|>{turn}" for turn in said) + "<|im_start|>think"
