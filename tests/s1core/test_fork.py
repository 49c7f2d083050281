"""Forks: with nothing changed they write again what the trace has; whatever changes, text and ids agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1core import Budget, Sampling, Trace, load_engine, solve
from s1core.engines.base import Chunk, Engine, Request
from s1core.engines.scripted import ScriptedEngine, byte_codec
from s1core.errors import InvalidSetting, Unsupported
from s1core.fork import CLOSE, FOLLOW, IGNORE, Turn, afork_stream, fork, fork_stream, is_place, places
from s1core.types import Tokens

MARK = "<|im_start|>"
QUESTION = "How many r in raspberry?"


def check_agreement(engine: ScriptedEngine, trace: Trace) -> None:
    for segment in trace.segments:
        assert engine.codec.decode(segment.token_ids) == segment.text
    thinking = [s for s in trace.segments if s.phase == "thinking"]
    assert trace.receipt.thinking_tokens == sum(len(s.token_ids) for s in thinking)
    assert Trace.from_dict(json.loads(json.dumps(trace.as_dict()))) == trace


class Noted(ScriptedEngine):
    """Writes the thoughts in turn, one for each `|`; goes on wherever it was left, within a character too."""

    def __init__(self, thoughts: list[str]) -> None:
        super().__init__(lambda *_: "", codec=byte_codec(), context_length=600, default_answer_tokens=20)
        self._thoughts = [self.codec.encode_user(thought) for thought in thoughts]
        self._open = self.codec.encode_template(f"{MARK}think")

    def _chunks(self, request: Request) -> Iterator[Chunk]:
        prompt, opened = request.prompt_ids, self._open
        start = next(n for n in range(len(prompt), 0, -1) if prompt[n - len(opened) : n] == opened)
        ids = self._next(prompt[start:])
        stop = next((n for n, i in enumerate(ids) if i in request.stop_ids), len(ids))
        sent = ids[:stop][: request.max_tokens]
        for token_id in sent:
            yield Chunk(token_ids=(token_id,))
        yield Chunk(token_ids=(), finish="stop" if stop < request.max_tokens else "length")

    def _next(self, written: tuple[int, ...]) -> tuple[int, ...]:
        text = self.codec.decode(written)
        if f"{MARK}answer" in text:
            return self.codec.encode_template((" 7" if text.endswith(":") else "\nFinal Answer: 7") + "<|im_end|>")
        (bar,) = self.codec.encode_user("|")
        last = max((n + 1 for n, i in enumerate(written) if i == bar), default=0)
        whole, now = self._thoughts[min(written.count(bar), len(self._thoughts) - 1)], written[last:]
        rest = whole[len(now) :] if whole[: len(now)] == now else self.codec.encode_user("!")
        return (*rest, *self.codec.encode_template(MARK))


thoughts = st.lists(st.text(alphabet="ab é漢", min_size=1, max_size=12), min_size=1, max_size=4)


@given(thoughts, st.none() | st.integers(0, 40), st.integers(0, 3), st.integers(0, 20), st.integers(0, 60))
def test_a_fork_that_changes_nothing_writes_the_trace_again(
    written: list[str], most: int | None, waits: int, least: int, at: int
) -> None:
    engine = Noted(written)
    low = least if most is None else min(least, most)
    budget = Budget(max_thinking_tokens=most, waits=waits, min_thinking_tokens=low, wait_text="|")
    trace = solve(engine, "q", budget)
    total = trace.receipt.thinking_tokens
    again = fork(engine, "q", trace, min(at, total), budget, turn=FOLLOW).trace
    assert again.segments == trace.segments and again.answer == trace.answer
    assert (again.receipt.waits_used, again.receipt.closed_by) == (trace.receipt.waits_used, trace.receipt.closed_by)
    check_agreement(engine, again)


@given(
    thoughts,
    st.integers(0, 60),
    st.none() | st.integers(0, 60),
    st.integers(0, 3),
    st.sampled_from([FOLLOW, IGNORE, CLOSE, Turn.say("Hmm, é"), Turn.say("漢"), Turn.say("<|im_start|>answer")]),
)
def test_whatever_changes_the_contract_holds(
    written: list[str], at: int, most: int | None, waits: int, turn: Turn
) -> None:
    engine = Noted(written)
    trace = solve(engine, "q", Budget(waits=1, wait_text="|"))
    at = min(at, trace.receipt.thinking_tokens)
    budget = Budget(max_thinking_tokens=most, waits=waits, wait_text="|")
    least = at + (len(engine.codec.encode_user(turn.word)))
    if most is not None and most < least and turn.kind != "close":
        with pytest.raises(InvalidSetting, match="raise the budget or fork earlier"):
            fork(engine, "q", trace, at, budget, turn=turn)
        return
    events = list(fork_stream(engine, "q", trace, at, budget, turn=turn))
    made = Trace.from_events(events)
    check_agreement(engine, made)
    assert made.token_ids[:at] == trace.token_ids[:at]
    assert most is None or turn.kind == "close" or made.receipt.thinking_tokens <= most
    assert sum(s.source == "close" for s in made.segments) == 1
    assert not {i for s in made.segments if s.phase == "thinking" for i in s.token_ids} & engine.codec.control_ids
    if turn.kind == "close":
        assert made.receipt.thinking_tokens == at
    # A fork can be forked like any other trace.
    assert fork(engine, "q", made, made.receipt.thinking_tokens, turn=CLOSE).trace.answer == "7"


def test_a_place_may_lie_within_a_character() -> None:
    engine = Noted(["aé漢b"])
    trace = solve(engine, "q", Budget())
    for at in range(trace.receipt.thinking_tokens + 1):
        assert fork(engine, "q", trace, at).trace.segments == trace.segments


def test_a_word_is_forced_at_a_wait_and_in_the_midst() -> None:
    engine = Noted(["one\n", "two\n"])
    trace = solve(engine, "q", Budget(waits=1, wait_text="|"))
    assert [(p.kind, p.tokens) for p in places(trace)] == [("start", 0), ("wait", 4), ("end", 9)]
    made = fork(engine, "q", trace, 4, Budget(wait_text="|"), turn=Turn.say("Hmm"))
    assert made.trace.thinking_text == "one\nHmm!"
    assert (made.kept_tokens, made.trace.receipt.waits_used, made.trace.receipt.waits) == (4, 1, 1)
    amid = fork(engine, "q", trace, 2, Budget(wait_text="|"), turn=Turn.say("Hmm")).trace
    assert amid.thinking_text == "onHmm!"
    # There the model had not tried to end, and a fork of the fork knows.
    closed = fork(engine, "q", amid, 2, turn=CLOSE).trace
    assert closed.receipt.closed_by == "budget" and closed.receipt.thinking_tokens == 2


def test_close_takes_an_end_that_was_tried_and_forces_one_elsewhere() -> None:
    engine = Noted(["one\n", "two\n"])
    trace = solve(engine, "q", Budget(waits=1, wait_text="|"))
    assert fork(engine, "q", trace, 4, turn=CLOSE).trace.receipt.closed_by == "model"
    assert fork(engine, "q", trace, 3, turn=CLOSE).trace.receipt.closed_by == "budget"
    assert fork(engine, "q", trace, 0, turn=CLOSE).trace.thinking_text == ""


def test_an_end_is_ignored_without_a_word_where_the_engine_can() -> None:
    engine = Noted(["one\n", "two\n"])
    trace = solve(engine, "q", Budget(waits=1, wait_text="|"))
    made = fork(engine, "q", trace, 4, turn=IGNORE).trace
    assert made.receipt.waits_used == 1
    assert engine.requests[-2].forbid_first
    engine.capabilities = replace(engine.capabilities, forbid_first="unsupported")
    with pytest.raises(Unsupported, match="say one"):
        fork(engine, "q", trace, 4, turn=IGNORE)
    assert fork(engine, "q", trace, 2, turn=IGNORE).trace.thinking_text == "one\n"


def test_another_budget_goes_on_where_the_first_was_spent() -> None:
    engine = Noted(["a long thought\n"])
    short = solve(engine, "q", Budget(max_thinking_tokens=6))
    longer = fork(engine, "q", short, 6, Budget(max_thinking_tokens=100)).trace
    assert longer.segments == solve(engine, "q", Budget(max_thinking_tokens=100)).segments


async def test_afork_stream_yields_what_fork_stream_yields() -> None:
    engine = Noted(["one\n", "two\n"])
    trace = solve(engine, "q", Budget(waits=1, wait_text="|"))
    events = [event async for event in afork_stream(engine, "q", trace, 4, turn=Turn.say("Hmm"))]
    assert Trace.from_events(events).segments == fork(engine, "q", trace, 4, turn=Turn.say("Hmm")).trace.segments
    assert [event.at_s for event in events if isinstance(event, Tokens)][0] == 0.0


def test_what_cannot_be_forked_is_one_sentence() -> None:
    engine = Noted(["one\n", "two\n"])
    trace = solve(engine, "q", Budget(waits=1, wait_text="|||"))
    first = trace.segments[0]
    control = engine.codec.single_id("<|im_end|>")
    assert control is not None

    def with_first(**changes: object) -> Trace:
        return replace(trace, segments=(replace(first, **changes), *trace.segments[1:]))  # type: ignore[arg-type]

    forged: list[tuple[Trace, int, str, str]] = [
        (trace, 5, "q", "forced Wait is not divided"),
        (trace, -1, "q", "cannot be forked after -1"),
        (trace, 99, "q", "cannot be forked after 99"),
        (trace, 2, "another question", "was asked something else"),
        (with_first(text="else"), 2, "q", "do not spell its text"),
        (with_first(token_ids=(10**9,)), 1, "q", "do not spell its text"),
        (with_first(token_ids=(control,), text="<|im_end|>"), 1, "q", "control tokens"),
        (replace(trace, receipt=replace(trace.receipt, accounting="per_round")), 2, "q", "under total accounting"),
    ]
    for made, at, question, says in forged:
        with pytest.raises(InvalidSetting, match=says):
            fork(engine, question, made, at)
    assert not is_place(trace, 5) and is_place(trace, 4) and is_place(trace, 7)
    with pytest.raises(InvalidSetting, match="a word to say"):
        Turn.say("")


@pytest.fixture(scope="module")
def nano() -> Iterator[Engine]:
    engine = load_engine("s1-nano")
    yield engine
    engine.close()


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.0, seed=3)])
def test_s1_nano_goes_on_as_it_did_and_pays_for_what_is_new(nano: Engine, sampling: Sampling) -> None:
    budget = Budget(max_thinking_tokens=128, waits=1)
    trace = solve(nano, QUESTION, budget, sampling)
    marks = {place.tokens for place in places(trace)} | {5, trace.receipt.thinking_tokens // 2}
    for at in sorted(mark for mark in marks if is_place(trace, mark)):
        made = fork(nano, QUESTION, trace, at, budget, sampling)
        assert made.trace.segments == trace.segments
        # The last token of what is kept is computed again: its output is the first that is new.
        assert trace.receipt.prompt_tokens + at - 2 <= made.saved_tokens
        assert made.new_tokens == len(trace.token_ids) - at
    hmm = fork(nano, QUESTION, trace, places(trace)[1].tokens, budget, sampling, turn=Turn.say("Hmm"))
    assert "Hmm" in hmm.trace.thinking_text and hmm.saved_tokens > 0
