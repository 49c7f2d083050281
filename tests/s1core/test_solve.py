"""The driver over a scripted engine: provenance, receipts, ids that agree with the text, freed engines."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1core.budget import Budget
from s1core.engines.base import Chunk, Engine, Request
from s1core.engines.scripted import Script, ScriptedEngine, byte_codec
from s1core.errors import EngineFailed, InvalidSetting, QuestionTooLong, Unsupported
from s1core.solve import astream, solve, stream
from s1core.sweep import asweep
from s1core.types import Cut, Event, Finished, Sampling, Segments, Source, Started, Tokens, Trace


def thinker(*thoughts: str, answer: str = "3") -> Script:
    """Think `thoughts` in turn (the last one again and again), then answer in the s1 format."""

    def script(text: str, _request: int) -> str:
        thinking = text.rpartition("<|im_start|>think")[2]
        if "<|im_start|>answer" in thinking:
            return (" " if thinking.endswith(":") else "\nFinal Answer: ") + answer + "<|im_end|>"
        return thoughts[min(thinking.count("Wait"), len(thoughts) - 1)] + "<|im_start|>"

    return script


def test_the_engine_protocol_is_met() -> None:
    assert isinstance(ScriptedEngine(thinker("a")), Engine)


def test_a_model_that_ends_by_itself_is_closed_by_the_model() -> None:
    trace = solve(ScriptedEngine(thinker("\nhm\n")), "q", Budget(max_thinking_tokens=50))
    assert trace.text == "\nhm\n<|im_start|>answer\nFinal Answer: 3"
    assert [(s.source, s.phase) for s in trace.segments] == [
        ("model", "thinking"),
        ("close", "answer"),
        ("model", "answer"),
    ]
    receipt = trace.receipt
    assert (trace.answer, receipt.closed_by, receipt.thinking_tokens, receipt.waits_used) == ("3", "model", 4, 0)
    assert receipt.answer_complete and receipt.answered and receipt.answer_rule == "final_answer_label"


def test_each_wait_is_injected_where_the_model_tried_to_end() -> None:
    trace = solve(ScriptedEngine(thinker("\na\n", " b\n", " c\n")), "q", Budget(waits=2))
    assert trace.thinking_text == "\na\nWait b\nWait c\n"
    assert [(s.source, s.note) for s in trace.segments if s.source == "wait"] == [
        ("wait", "Wait 1"),
        ("wait", "Wait 2"),
    ]
    assert trace.receipt.waits_used == 2


def test_a_wait_that_the_model_writes_itself_is_not_a_forced_one() -> None:
    trace = solve(ScriptedEngine(thinker("\nWait, a\n")), "q")
    assert trace.receipt.waits_used == 0
    assert {s.source for s in trace.segments if s.phase == "thinking"} == {"model"}


def test_a_spent_budget_always_leads_to_an_answer() -> None:
    trace = solve(ScriptedEngine(thinker("\n" + "x" * 100)), "q", Budget(max_thinking_tokens=10))
    assert trace.text == "\nxxxxxxxxx\n<|im_start|>answer\nFinal Answer: 3"
    assert (trace.answer, trace.receipt.closed_by, trace.receipt.thinking_tokens) == ("3", "budget", 10)
    close = next(s for s in trace.segments if s.source == "close")
    assert close.note == "budget" and close.text == "\n<|im_start|>answer\nFinal Answer:"


def test_the_newline_before_a_forced_close_is_not_doubled() -> None:
    trace = solve(ScriptedEngine(thinker("\nabc\nxxxxx")), "q", Budget(max_thinking_tokens=5))
    assert trace.text == "\nabc\n<|im_start|>answer\nFinal Answer: 3"


def test_budget_zero_asks_the_engine_for_an_answer_only() -> None:
    engine = ScriptedEngine(thinker("never"))
    trace = solve(engine, "q", Budget(max_thinking_tokens=0, waits=3))
    assert trace.thinking_text == "" and trace.answer == "3"
    assert len(engine.requests) == 1


def test_without_a_limit_the_context_is_the_limit() -> None:
    engine = ScriptedEngine(thinker("\n" + "x" * 999), context_length=200, default_answer_tokens=20)
    trace = solve(engine, "q")
    assert trace.receipt.closed_by == "context" and trace.answer == "3"
    assert trace.receipt.prompt_tokens + len(trace.token_ids) <= 200


def test_a_question_longer_than_the_context_says_by_how_much() -> None:
    engine = ScriptedEngine(thinker("a"), context_length=100, default_answer_tokens=20)
    with pytest.raises(QuestionTooLong, match="shorten the question by"):
        solve(engine, "q" * 100)
    assert not engine.requests


@pytest.mark.parametrize("question", ["", "  \n"])
def test_an_empty_question_is_refused(question: str) -> None:
    with pytest.raises(InvalidSetting, match="empty"):
        solve(ScriptedEngine(thinker("a")), question)


def test_per_round_cuts_once_and_text_and_ids_still_agree() -> None:
    engine = ScriptedEngine(thinker("\naébcdef\n", " éééééé\n"))
    events = list(stream(engine, "q", Budget(max_thinking_tokens=13, waits=1, accounting="per_round")))
    cut = next(e for e in events if isinstance(e, Cut))
    trace = Trace.from_events(events)
    assert cut.keep_tokens == trace.receipt.thinking_tokens == 13
    assert trace.receipt.closed_by == "budget"
    check_agreement(engine, trace)
    answer_request = engine.requests[-1]
    assert answer_request.prompt_ids[-len(answer_prefix(trace)) :] == answer_prefix(trace)


def answer_prefix(trace: Trace) -> tuple[int, ...]:
    """What conditioned the answer: everything before the model's answer."""
    return tuple(i for s in trace.segments if (s.phase, s.source) != ("answer", "model") for i in s.token_ids)


def check_agreement(engine: ScriptedEngine, trace: Trace) -> None:
    for segment in trace.segments:
        assert engine.codec.decode(segment.token_ids) == segment.text
    assert engine.codec.decode(trace.token_ids) == trace.text


pieces = st.text(alphabet="a é\n漢</think>Wait", max_size=30)


@given(
    thoughts=st.lists(pieces, min_size=1, max_size=4),
    maximum=st.none() | st.integers(0, 60),
    minimum=st.integers(0, 40),
    waits=st.integers(0, 4),
    wait_text=st.sampled_from(["Wait", "", "Hmm, é", "<|im_start|>answer", "漢" * 5]),
    accounting=st.sampled_from(["total", "per_round"]),
    fmt=st.sampled_from(["s1", "think_tags"]),
    whole_marker=st.booleans(),
    per_chunk=st.integers(1, 9),
)
def test_whatever_the_model_does_the_contract_holds(
    thoughts: list[str],
    maximum: int | None,
    minimum: int,
    waits: int,
    wait_text: str,
    accounting: str,
    fmt: str,
    whole_marker: bool,
    per_chunk: int,
) -> None:
    """Spent <= max, waits <= asked, an answer phase follows, text equals decoded ids; markers of one or many tokens."""
    codec = byte_codec("<think>", "</think>") if whole_marker else byte_codec()
    end = "<|im_start|>" if fmt == "s1" else "</think>"

    def script(text: str, request: int) -> str:
        closed = "<|im_start|>answer" in text if fmt == "s1" else text.count("</think>\n\n") > 0
        return " 7<|im_end|>" if closed else thoughts[request % len(thoughts)] + end

    engine = ScriptedEngine(script, format=fmt, codec=codec, context_length=400, tokens_per_chunk=per_chunk)
    low = minimum if maximum is None else min(minimum, maximum)
    budget = Budget(
        max_thinking_tokens=maximum,
        min_thinking_tokens=low,
        waits=waits,
        wait_text=wait_text,
        accounting=accounting,  # type: ignore[arg-type]
    )
    trace = solve(engine, "q", budget)
    receipt = trace.receipt
    thinking = [s for s in trace.segments if s.phase == "thinking"]
    assert receipt.thinking_tokens == sum(len(s.token_ids) for s in thinking)
    assert maximum is None or receipt.thinking_tokens <= maximum
    assert sum(s.source == "close" for s in trace.segments) == 1
    assert receipt.closed_by in ("model", "budget", "context")
    forced = [s for s in trace.segments if s.source == "wait"]
    if low == 0:
        assert receipt.waits_used <= waits
    assert len(forced) <= receipt.waits_used
    check_agreement(engine, trace)
    assert receipt.prompt_tokens + len(trace.token_ids) <= engine.context_length
    assert Trace.from_dict(json.loads(json.dumps(trace.as_dict()))) == trace


def test_thinking_that_is_reopened_in_the_answer_does_not_escape_the_budget() -> None:
    def script(text: str, _request: int) -> str:
        return "x" * 50 if "</think>" not in text else " 1<think>more" + "x" * 50

    engine = ScriptedEngine(script, format="think_tags", codec=byte_codec("<think>", "</think>"))
    trace = solve(engine, "q", Budget(max_thinking_tokens=10))
    assert trace.answer_text == " 1"


def test_a_model_that_opens_the_block_again_is_kept_from_it() -> None:
    engine = ScriptedEngine(lambda *_: "<think>x</think>", format="think_tags", codec=byte_codec("<think>", "</think>"))
    solve(engine, "q", Budget(max_thinking_tokens=10))
    assert engine.codec.single_id("<think>") in engine.requests[0].forbid_first


def test_the_noise_steps_count_every_token_after_the_prompt() -> None:
    engine = ScriptedEngine(thinker("\na\n", " b\n"))
    solve(engine, "q", Budget(waits=1), Sampling(temperature=1.0, seed=5))
    prompt = len(engine.requests[0].prompt_ids)
    assert [r.first_step for r in engine.requests] == [len(r.prompt_ids) - prompt for r in engine.requests]
    assert all(r.sampling.seed == 5 for r in engine.requests)


def test_events_come_in_order_and_end_with_the_receipt() -> None:
    events: list[Event] = list(stream(ScriptedEngine(thinker("\na\n")), "q"))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    times = [e.at_s for e in events if isinstance(e, Tokens)]
    assert times == sorted(times)


def test_only_injected_tokens_are_prefilled_after_the_prompt() -> None:
    trace = solve(ScriptedEngine(thinker("\na\n", " b\n")), "q", Budget(waits=1))
    injected = sum(len(s.token_ids) for s in trace.segments if s.source != "model")
    assert trace.receipt.prefill_computed == trace.receipt.prompt_tokens + injected


async def test_astream_yields_what_stream_yields() -> None:
    budget = Budget(max_thinking_tokens=30, waits=2)
    events = [e async for e in astream(ScriptedEngine(thinker("\na\n", " b" * 40)), "q", budget)]
    trace = solve(ScriptedEngine(thinker("\na\n", " b" * 40)), "q", budget)
    assert Trace.from_events(events).segments == trace.segments


def test_a_set_flag_ends_the_run_with_a_receipt() -> None:
    engine, flag = ScriptedEngine(thinker("\n" + "x" * 99)), threading.Event()
    events: list[Event] = []
    for event in stream(engine, "q", cancel=flag):
        events.append(event)
        if len(events) == 10:
            flag.set()
    trace = Trace.from_events(events)
    assert trace.receipt.closed_by == "cancelled" and trace.answer is None
    assert engine.running == 0


def test_closing_the_stream_frees_the_engine() -> None:
    engine = ScriptedEngine(thinker("\n" + "x" * 99))
    events = stream(engine, "q")
    for _ in range(5):
        next(events)
    assert engine.running == 1
    events.close()
    assert engine.running == 0


async def test_cancelling_the_task_frees_the_engine() -> None:
    engine = ScriptedEngine(lambda *_: "x" * 4000, context_length=10_000)

    async def consume() -> None:
        async for _ in astream(engine, "q"):
            pass

    task = asyncio.create_task(consume())
    while not engine.running:
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert engine.running == 0


def test_an_interrupted_stream_has_no_trace() -> None:
    with pytest.raises(ValueError, match="interrupted"):
        Trace.from_events([Started(prompt_tokens=1, max_thinking_tokens=1)])


def test_a_user_s_final_answer_text_stays_text() -> None:
    engine = ScriptedEngine(thinker("\nx"))
    trace = solve(engine, "q", Budget(max_thinking_tokens=1, final_answer_text="<|im_end|>Answer:"))
    assert sum(i == engine.codec.single_id("<|im_end|>") for i in trace.token_ids) == 0
    assert trace.answer == "3"


@pytest.mark.parametrize("budget", [Budget(waits=1, wait_text=""), Budget(min_thinking_tokens=5, wait_text="")])
def test_what_an_engine_cannot_keep_is_refused_before_the_run(budget: Budget) -> None:
    engine = ScriptedEngine(thinker("\na"))
    engine.capabilities = replace(engine.capabilities, forbid_first="unsupported")
    with pytest.raises(Unsupported, match="engine='transformers'"):
        solve(engine, "q", budget)
    assert not engine.requests
    assert solve(engine, "q", replace(budget, wait_text="Wait")).answer == "3"


def test_waits_that_a_cut_took_away_are_not_counted() -> None:
    for most in range(1, 30):
        for word in ("Wait", ""):
            budget = Budget(max_thinking_tokens=most, waits=4, wait_text=word, accounting="per_round")
            trace = solve(ScriptedEngine(thinker("\nab", " cd"), context_length=200), "q", budget)
            assert trace.receipt.waits_used == sum(s.source == "wait" for s in trace.segments)
            assert trace.receipt.thinking_tokens <= most


class Counted(tuple[int, ...]):
    """Token ids that count how often they are looked at."""

    looks = 0

    def __iter__(self):  # type: ignore[no-untyped-def]
        Counted.looks += len(self)
        return super().__iter__()


def looks_of_a_run(tokens: int) -> int:
    """How many ids are looked at while a text of so many is written, one a chunk, and folded."""

    class Long(ScriptedEngine):
        def _chunks(self, request: Request) -> Iterator[Chunk]:
            if request.max_tokens <= self.default_answer_tokens:
                yield Chunk(token_ids=self.codec.encode_user(" 1"), finish="stop")
                return
            for number in range(tokens):
                yield Chunk(token_ids=Counted((97,)), finish="stop" if number == tokens - 1 else None)

    Counted.looks = 0
    events = list(stream(Long(thinker("a"), context_length=10**6), "q"))
    trace = Trace.from_events(events)
    assert trace.receipt.thinking_tokens == tokens
    return Counted.looks


def test_a_long_text_is_folded_in_linear_time() -> None:
    short, long = looks_of_a_run(500), looks_of_a_run(4000)
    assert long <= 8 * short
    assert long < 12 * 4000


@given(st.lists(st.tuples(st.sampled_from(["model", "wait"]), st.sampled_from(["", "a", "bc"]), st.booleans())))
def test_segments_are_the_same_however_often_one_looks(parts: list[tuple[Source, str, bool]]) -> None:
    looked, waited = Segments(), Segments()
    for source, text, look in parts:
        ids = tuple(text.encode())
        for segments in (looked, waited):
            segments.append(Tokens(source=source, phase="thinking", text=text, token_ids=ids))
        if look:
            assert list(looked)[-1].source == source
    assert list(looked) == list(waited)
    assert all(a.source != b.source for a, b in zip(list(waited), list(waited)[1:], strict=False))
    assert "".join(s.text for s in waited) == "".join(text for _, text, _ in parts)


class Breaks(ScriptedEngine):
    """Stops in the middle, without saying why."""

    def _chunks(self, request: Request) -> Iterator[Chunk]:
        yield Chunk(token_ids=self.codec.encode_user("ab"))
        assert len(self.requests) < 5, "it is asked for ever"


async def test_an_engine_that_stops_short_fails_in_words() -> None:
    said = "the scripted engine stopped in the middle of a text without saying why; ask again"
    with pytest.raises(EngineFailed, match=said):
        solve(Breaks(thinker("a")), "q")
    with pytest.raises(EngineFailed, match=said):
        async for _ in astream(Breaks(thinker("a")), "q"):
            pass
    with pytest.raises(EngineFailed, match=said):
        await asweep(Breaks(thinker("a")), "q", [8], [0])


def test_a_receipt_says_how_tokens_were_drawn() -> None:
    drawn = Sampling(temperature=0.6, top_p=0.95, top_k=20, min_p=0.05, seed=3)
    receipt = solve(ScriptedEngine(thinker("a")), "q", sampling=drawn).receipt
    assert (receipt.top_p, receipt.top_k, receipt.min_p) == (0.95, 20, 0.05)
    assert receipt.drawn == "temperature 0.6, top_p 0.95, top_k 20, min_p 0.05, seed 3"
    assert solve(ScriptedEngine(thinker("a")), "q").receipt.drawn == "temperature 0, seed 0"
