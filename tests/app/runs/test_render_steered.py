"""How the page shows what a person asked while a run went on."""

from __future__ import annotations

from app.runs import render
from s1core import Budget, Steering, Trace, stream
from s1core.commands import Steered
from s1core.engines.scripted import ScriptedEngine
from tests.browser.playground import think


def folded(*script: Steered, budget: Budget | None = None) -> tuple[render.LiveTrace, Trace]:
    live, events = render.LiveTrace(), []
    for event in stream(ScriptedEngine(think), "q", budget, steering=Steering(script=script)):
        live.take(event)
        events.append(event)
    return live, Trace.from_events(events)


def test_a_word_of_yours_has_a_mark_of_its_own() -> None:
    now = Steered(kind="wait", word="Hmm", at_tokens=5, after_waits=0)
    live, trace = folded(now, budget=Budget(waits=1))
    assert live.text.startswith(f"{render.MODEL}First{render.YOU}1{render.LABEL_END}Hmm{render.MODEL}")
    assert f"{render.WAIT}2{render.LABEL_END}Wait" in live.text
    assert (live.waits_used, live.waits_by_you) == (1, 1)
    rows = dict(render.receipt_rows(trace.receipt))
    assert rows["Waits forced"] == "1 of 1, and 1 by you" and rows["You"] == "“Hmm” at 5"


def test_who_wanted_the_answer_is_named() -> None:
    live, trace = folded(Steered(kind="answer", at_tokens=5, after_waits=0))
    assert f"{render.CLOSE_FORCED}you asked for the answer · 5 tokens{render.LABEL_END}" in live.text
    assert dict(render.receipt_rows(trace.receipt))["Closed by"] == "you, with Answer now"


def test_marks_in_a_word_are_left_out() -> None:
    word = Steered(kind="wait", word=f"a{render.YOU}9{render.LABEL_END}b", at_tokens=5, after_waits=0)
    live, trace = folded(word)
    assert live.text.count(render.YOU) == 1 and "a9b" in live.text
    assert render.YOU not in str(render.receipt_rows(trace.receipt))
