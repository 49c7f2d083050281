"""What the page is told: provenance, numbers, receipts. No Gradio."""

from __future__ import annotations

from app.runs import render
from s1core import Budget, Sampling, stream
from s1core.engines.scripted import ScriptedEngine
from s1core.types import Cut, Segment, Tokens


def fold(script, budget: Budget) -> render.LiveTrace:
    trace = render.LiveTrace()
    for event in stream(ScriptedEngine(script), "q", budget, Sampling()):
        trace.take(event)
    return trace


def looks_twice(text: str, _request: int) -> str:
    if "<|im_start|>answer" in text:
        return " 3<|im_end|>"
    return ", again: 3.<|im_start|>" if text.endswith("Wait") else "\nIt is 2.<|im_start|>"


def test_every_part_says_who_wrote_it() -> None:
    trace = fold(looks_twice, Budget(waits=1, max_thinking_tokens=100))
    assert trace.text == (
        f"{render.MODEL}It is 2.{render.WAIT}1{render.LABEL_END}Wait{render.MODEL}, again: 3."
        f"{render.CLOSE_BY_MODEL}model stopped on its own · token 24{render.LABEL_END}{render.MODEL} 3"
    )


def test_a_forced_close_names_its_reason_and_keeps_only_the_words() -> None:
    trace = fold(looks_twice, Budget(max_thinking_tokens=4))
    closing = f"{render.CLOSE_FORCED}budget reached · 4 tokens{render.LABEL_END}Final Answer:{render.MODEL} 3"
    assert trace.text.endswith(closing)


def test_the_text_only_ever_grows_so_that_only_what_is_new_travels() -> None:
    trace, before = render.LiveTrace(), ""
    for event in stream(ScriptedEngine(looks_twice), "q", Budget(waits=2), Sampling()):
        trace.take(event)
        assert trace.text.startswith(before)
        before = trace.text


def test_two_waits_in_a_row_are_two_marks() -> None:
    trace = render.LiveTrace()
    for number in (1, 2):
        trace.take(Tokens(source="wait", phase="thinking", text="Wait", token_ids=(1,), note=f"Wait {number}"))
    assert trace.text.count(render.WAIT) == 2 and trace.waits_used == 2


def test_a_cut_draws_what_is_kept_and_counts_it_anew() -> None:
    trace = fold(looks_twice, Budget(waits=1, max_thinking_tokens=11, accounting="per_round"))
    assert trace.spent_tokens == 11
    assert "again" not in trace.text
    trace.take(Cut(keep_tokens=1, segments=(Segment(source="model", phase="thinking", text="It", token_ids=(7,)),)))
    assert (trace.text, trace.spent_tokens, trace.waits_used) == (f"{render.MODEL}It", 1, 0)


def test_marks_of_provenance_cannot_be_forged() -> None:
    trace = fold(lambda text, _: f"a{render.WAIT}9{render.LABEL_END}b<|im_start|>", Budget(max_thinking_tokens=40))
    assert render.WAIT not in trace.text
    assert "a9b" in trace.text


def test_the_receipt_is_in_plain_words() -> None:
    trace = fold(looks_twice, Budget(max_thinking_tokens=4, waits=2, min_thinking_tokens=1))
    assert trace.finished
    rows = {name: value for name, value in render.receipt_rows(trace.finished.receipt)}
    assert rows["Thinking"] == "4 of 4 tokens"
    assert rows["At least"] == "1 token"
    assert rows["Closed by"] == "the budget"
    assert rows["Waits forced"] == "0 of 2"
    assert rows["Sampling"] == "greedy (temperature 0)"


def test_the_answer_card_tells_right_wrong_and_missing_apart() -> None:
    right = render.answer("3", over=True, expected="3", correct=True)
    assert (right["verdict"], right["missing"]) == ("right", False)
    wrong = render.answer("3", over=True, expected="4", correct=False)
    assert (wrong["verdict"], wrong["expected"]) == ("wrong", "4")
    assert render.answer(None, over=True, expected=None, correct=None)["missing"]


def test_an_answer_on_its_way_is_neither_judged_nor_missing() -> None:
    card = render.answer(" 3", over=False, expected="3", correct=None)
    assert (card["text"], card["verdict"], card["expected"], card["missing"]) == ("3", "", "", False)


def test_no_limit_is_said_in_words() -> None:
    trace = fold(looks_twice, Budget())
    assert trace.finished
    assert ["Thinking", "9 tokens, no limit"] in render.receipt_rows(trace.finished.receipt)


def test_the_speed_is_unknown_before_the_second_token() -> None:
    trace = render.LiveTrace()
    trace.take(Tokens(source="model", phase="thinking", text="a", token_ids=(1,), at_s=1.0))
    assert trace.tokens_per_s is None
    trace.take(Tokens(source="model", phase="thinking", text="b", token_ids=(2,), at_s=1.5))
    assert trace.tokens_per_s == 2.0
