"""Commands to a run while it goes on: what they do, where, and that no order or number of them breaks anything."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace

import pytest
from babbler import Babbler
from hypothesis import given
from hypothesis import strategies as st

from s1core import Budget, Steering, Trace, astream, load_engine, stream
from s1core.commands import COUNTED, KINDS, Command, Steered
from s1core.engines.base import Capabilities, Engine
from s1core.engines.scripted import Script, ScriptedEngine
from s1core.errors import CommandRefused, InvalidSetting
from s1core.steering import MOST_WAITING
from s1core.types import Event, Tokens

QUESTION = "How many r in raspberry?"


def thinker(*thoughts: str) -> Script:
    """Think one of them for each round, then answer."""

    def script(text: str, _request: int) -> str:
        thinking = text.rpartition("<|im_start|>think")[2]
        if "<|im_start|>answer" in thinking:
            return (" " if thinking.endswith(":") else "\nFinal Answer: ") + "3<|im_end|>"
        return thoughts[min(thinking.count("W"), len(thoughts) - 1)] + "<|im_start|>"

    return script


def steered_run(
    engine: Engine, budget: Budget, steering: Steering, presses: Mapping[int, Callable[[Steering], object]]
) -> tuple[Trace, list[Event]]:
    """Run, and press what `presses` says as soon as so many tokens are there."""
    events, seen, left = list[Event](), 0, sorted(presses)
    for event in stream(engine, QUESTION, budget, steering=steering):
        events.append(event)
        seen += len(event.token_ids) if isinstance(event, Tokens) else 0
        while left and left[0] <= seen:
            presses[left.pop(0)](steering)
    return Trace.from_events(events), events


def run(presses: Mapping[int, Callable[[Steering], object]], *thoughts: str, budget: Budget | None = None) -> Trace:
    engine = ScriptedEngine(thinker(*(thoughts or ("\n" + "x" * 20, "y" * 9))))
    trace, _ = steered_run(engine, budget or Budget(), Steering(), presses)
    for segment in trace.segments:
        assert engine.codec.decode(segment.token_ids) == segment.text
    assert Trace.from_dict(json.loads(json.dumps(trace.as_dict()))) == trace
    return trace


def test_answer_now_closes_the_thinking_where_it_was_read() -> None:
    trace = run({5: Steering.answer_now})
    assert trace.thinking_text == "\nxxxx" and trace.answer == "3"
    assert trace.receipt.closed_by == "you"
    assert trace.segments[1].note == "you" and trace.segments[1].text.endswith("Final Answer:")
    assert trace.receipt.steered == (Steered(kind="answer", at_tokens=5, after_waits=0),)


def test_a_wait_now_is_written_where_it_was_pressed() -> None:
    trace = run({5: lambda steering: steering.wait("W!")})
    assert trace.thinking_text == "\nxxxxW!yyyyyyyyy"
    (word,) = [segment for segment in trace.segments if segment.source == "you"]
    assert (word.text, word.note, word.at_a_try) == ("W!", "Wait 1, put in", False)
    assert (trace.receipt.waits_used, trace.receipt.waits_by_you, trace.receipt.closed_by) == (0, 1, "model")


def test_a_wait_at_the_next_end_takes_its_place() -> None:
    trace = run({5: lambda steering: steering.wait("W?", at_end=True)}, budget=Budget(waits=1))
    assert trace.thinking_text == "\n" + "x" * 20 + "W?" + "y" * 9 + "Wait" + "y" * 9
    assert [(s.source, s.note) for s in trace.segments if s.at_a_try] == [("you", "Wait 1"), ("wait", "Wait 2")]
    assert (trace.receipt.waits_used, trace.receipt.waits_by_you) == (1, 1)


def test_an_end_is_ignored_without_a_word() -> None:
    trace = run({2: lambda steering: steering.wait("", at_end=True)}, "\nab")
    assert trace.receipt.waits_by_you == 1 and trace.thinking_text == "\nab\nab"


def test_more_and_less_move_the_budget() -> None:
    budget = Budget(max_thinking_tokens=8)
    raised = run({4: lambda steering: steering.more(5)}, budget=budget).receipt
    assert raised.thinking_tokens == raised.max_thinking_tokens == 13
    trace = run({4: lambda steering: steering.less(2)}, budget=budget)
    assert trace.thinking_text == "\nxxxxx" and trace.receipt.closed_by == "budget"
    assert trace.receipt.max_thinking_tokens == 6
    at_once = run({4: lambda steering: steering.less(99)}, budget=budget)
    assert at_once.thinking_text == "\nxxx" and at_once.receipt.steered[0].tokens == 4
    unlimited = run({4: lambda steering: steering.less(10**6)})
    assert unlimited.thinking_text == "\nxxx" and unlimited.receipt.max_thinking_tokens == 4


def test_a_command_that_comes_before_the_run_waits_for_it() -> None:
    trace = run({0: Steering.answer_now})
    assert (trace.thinking_text, trace.receipt.closed_by, trace.answer) == ("", "you", "3")


def test_what_is_raised_obeys_the_ceiling_of_the_caller() -> None:
    steering, engine = Steering(most_thinking_tokens=10), ScriptedEngine(thinker("\n" + "x" * 20))
    trace, _ = steered_run(engine, Budget(max_thinking_tokens=8), steering, {4: lambda s: s.more(50)})
    assert trace.receipt.thinking_tokens == trace.receipt.max_thinking_tokens == 10


def test_a_total_keeps_what_it_keeps_for_the_answer() -> None:
    engine, steering = ScriptedEngine(thinker("\n" + "x" * 20)), Steering()
    asked = stream(engine, QUESTION, Budget(max_thinking_tokens=8), max_total_tokens=12, steering=steering)
    refused = steering.more(4)
    trace = Trace.from_events(asked)
    assert trace.receipt.thinking_tokens == 8
    with pytest.raises(CommandRefused, match="cannot be raised above 8"):
        refused.result(0)


class Reader:
    """Reads a run in a thread of its own."""

    def __init__(self, engine: Engine, steering: Steering, budget: Budget | None = None) -> None:
        self.events: list[Event] = []
        self._events = stream(engine, QUESTION, budget or Budget(), steering=steering)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        for event in self._events:
            self.events.append(event)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Tokens))

    def trace(self) -> Trace:
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()
        return Trace.from_events(self.events)


def test_a_held_text_is_shown_step_by_step() -> None:
    engine, steering = ScriptedEngine(thinker("\n" + "x" * 20), tokens_per_chunk=7), Steering()
    paused = steering.pause()
    reader = Reader(engine, steering)
    assert paused.result(10).at_tokens == 0
    for tokens in (1, 2, 5):
        before = len(reader.text)
        steering.step(tokens).result(10)
        deadline = time.monotonic() + 10
        while len(reader.text) < before + tokens and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.05)
        assert len(reader.text) == before + tokens
    steering.resume()
    trace = reader.trace()
    assert trace.thinking_text == "\n" + "x" * 20 and trace.answer == "3"
    assert [each.kind for each in trace.receipt.steered] == ["pause", "step", "resume"]
    assert trace.receipt.steered[1].tokens == 8
    assert trace.receipt.unsupported == ()


def test_who_asks_for_the_answer_of_a_held_text_reads_it() -> None:
    steering = Steering()
    steering.pause()
    reader = Reader(ScriptedEngine(thinker("\n" + "x" * 20)), steering)
    steering.step(4).result(10)
    time.sleep(0.1)
    steering.answer_now()
    trace = reader.trace()
    assert trace.thinking_text == "\nxxx" and trace.answer == "3"


def test_a_text_is_not_held_for_longer_than_is_allowed() -> None:
    steering = Steering(longest_pause_s=0.05)
    steering.pause()
    trace = Reader(ScriptedEngine(thinker("\nx")), steering).trace()
    assert [each.kind for each in trace.receipt.steered] == ["pause", "resume"]


def test_a_held_run_can_be_stopped() -> None:
    steering, cancel = Steering(), threading.Event()
    steering.pause()
    events: list[Event] = []

    def read() -> None:
        events.extend(stream(ScriptedEngine(thinker("\nx")), QUESTION, cancel=cancel, steering=steering))

    reader = threading.Thread(target=read)
    reader.start()
    cancel.set()
    reader.join(timeout=30)
    assert not reader.is_alive() and Trace.from_events(events).receipt.closed_by == "cancelled"


def refusal(future: Future[Steered]) -> str:
    error = future.exception(10)
    assert isinstance(error, CommandRefused) and "\n" not in str(error)
    return str(error)


def test_what_comes_twice_late_or_out_of_order_is_refused_in_a_sentence() -> None:
    steering, said = Steering(), dict[str, Future[Steered]]()

    def press(name: str, press: Callable[[Steering], Future[Steered]]) -> Callable[[Steering], None]:
        return lambda steering: said.update({name: press(steering)})

    presses = {
        2: press("step first", Steering.step),
        3: press("resume first", Steering.resume),
        5: press("wait", Steering.wait),
        6: press("wait again", Steering.wait),
        12: press("answer", Steering.answer_now),
        13: press("answer again", Steering.answer_now),
        14: press("more in the answer", lambda s: s.more(5)),
        15: press("pause in the answer", Steering.pause),
        16: press("resume in the answer", Steering.resume),
    }
    steered_run(ScriptedEngine(thinker("\n" + "x" * 20, "y" * 9)), Budget(), steering, presses)
    said["late"] = steering.answer_now()
    words = {
        "step first": "not held",
        "resume first": "not held",
        "wait again": "just been put in",
        "answer again": "thinking is over",
        "more in the answer": "thinking is over",
        "late": "run is over",
    }
    for name, future in said.items():
        if name in words:
            assert words[name] in refusal(future)
        else:
            assert future.result(0).kind in KINDS


def test_a_steering_steers_one_run() -> None:
    steering = Steering()
    list(stream(ScriptedEngine(thinker("\nx")), QUESTION, steering=steering))
    with pytest.raises(InvalidSetting, match="steers one run"):
        list(stream(ScriptedEngine(thinker("\nx")), QUESTION, steering=steering))


def test_commands_that_nobody_can_obey_do_not_pile_up() -> None:
    steering = Steering()
    futures = [steering.pause() for _ in range(10 * MOST_WAITING)]
    assert sum(future.done() for future in futures) == 9 * MOST_WAITING
    assert "wait to be obeyed" in refusal(futures[-1])
    list(stream(ScriptedEngine(thinker("\nx")), QUESTION, steering=Steering()))
    steering.end()
    assert "run is over" in refusal(futures[0])


def test_a_command_that_was_taken_back_is_not_obeyed() -> None:
    steering = Steering()
    assert steering.answer_now().cancel()
    events = list(stream(ScriptedEngine(thinker("\nx")), QUESTION, steering=steering))
    assert Trace.from_events(events).receipt.closed_by == "model"


def test_a_thousand_commands_a_second_break_nothing() -> None:
    """Four people press whatever there is as fast as they can; every press has an outcome, and the run its end."""
    engine = Babbler(3, context_length=4_000)
    steering, over = Steering(longest_pause_s=0.01), threading.Event()
    futures: list[Future[Steered]] = []
    kinds = [Command(kind=kind, tokens=3 if kind in COUNTED else 0) for kind in KINDS if kind != "answer"]
    kinds.append(Command(kind="wait", word="Hm", at_end=True))

    def press(first: int) -> None:
        number = first
        while not over.is_set():
            futures.append(steering.press(kinds[number % len(kinds)]))
            number += 1

    people = [threading.Thread(target=press, args=(first,)) for first in range(4)]
    for person in people:
        person.start()
    reader = Reader(engine, steering, Budget(max_thinking_tokens=600, min_thinking_tokens=200))
    try:
        trace = reader.trace()
    finally:
        over.set()
        for person in people:
            person.join()
    assert len(futures) >= 1_000
    outcomes = [future.exception(10) for future in futures]
    assert all(error is None or isinstance(error, CommandRefused) for error in outcomes)
    assert 0 < len(trace.receipt.steered) <= 1_000
    for segment in trace.segments:
        assert engine.codec.decode(segment.token_ids) == segment.text
    assert trace.receipt.thinking_tokens <= (trace.receipt.max_thinking_tokens or 0)


words = st.sampled_from([None, "Wait", "é漢", "", "</think>", "<"])
commands = (
    st.just(Command(kind="answer"))
    | st.builds(lambda word, at_end: Command(kind="wait", word=word, at_end=at_end), words, st.booleans())
    | st.builds(
        lambda kind, tokens: Command(kind=kind, tokens=tokens), st.sampled_from(["more", "less"]), st.integers(1, 40)
    )
    | st.sampled_from([Command(kind="pause"), Command(kind="resume"), Command(kind="step", tokens=3)])
)


async def pressed(engine: Babbler, budget: Budget, presses: list[tuple[int, Command]]) -> Trace:
    steering, waiting = Steering(longest_pause_s=0), sorted(presses, key=lambda each: each[0])
    events, seen = list[Event](), 0
    async for event in astream(engine, "q", budget, steering=steering):
        events.append(event)
        seen += len(event.token_ids) if isinstance(event, Tokens) else 0
        while waiting and waiting[0][0] <= seen:
            steering.press(waiting.pop(0)[1])
    return Trace.from_events(events)


@given(
    seed=st.integers(0, 255),
    per_chunk=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    most=st.none() | st.integers(0, 80),
    waits=st.integers(0, 2),
    least=st.integers(0, 30),
    presses=st.lists(st.tuples(st.integers(0, 100), commands), max_size=10),
)
def test_a_recording_replays_whatever_is_held_back_and_however_it_is_cut(
    seed: int,
    per_chunk: tuple[int, int],
    most: int | None,
    waits: int,
    least: int,
    presses: list[tuple[int, Command]],
) -> None:
    """With an end marker of many tokens, letters of several bytes, and chunks of other sizes the second time."""
    budget = Budget(
        max_thinking_tokens=most, waits=waits, min_thinking_tokens=least if most is None else min(least, most)
    )
    engine = Babbler(seed, per_chunk=per_chunk[0])
    trace = asyncio.run(pressed(engine, budget, presses))
    again = Trace.from_events(
        stream(Babbler(seed, per_chunk=per_chunk[1]), "q", budget, steering=Steering(script=trace.receipt.steered))
    )
    assert again.segments == trace.segments and again.receipt.steered == trace.receipt.steered
    assert (again.answer, again.receipt.closed_by) == (trace.answer, trace.receipt.closed_by)
    for segment in trace.segments:
        assert engine.codec.decode(segment.token_ids) == segment.text
    assert trace.receipt.thinking_tokens <= (trace.receipt.max_thinking_tokens or 10**9)
    assert trace.receipt.prompt_tokens + len(trace.token_ids) <= engine.context_length


def test_a_script_of_another_run_is_obeyed_as_far_as_it_can_be() -> None:
    script = [
        Steered(kind="wait", word="Hm", at_tokens=4, after_waits=0),
        Steered(kind="answer", at_tokens=3, after_waits=0),
        Steered(kind="more", tokens=5, at_tokens=900, after_waits=7),
    ]
    events = stream(ScriptedEngine(thinker("\n" + "x" * 20)), QUESTION, steering=Steering(script=script))
    trace = Trace.from_events(events)
    assert trace.thinking_text == "\nxxxHm" and trace.receipt.closed_by == "you"


def test_a_server_that_emulates_it_is_named_on_the_receipt() -> None:
    engine = ScriptedEngine(thinker("\n" + "x" * 20, "y" * 9))
    engine.capabilities = replace(Capabilities(), steering="emulated")
    trace, _ = steered_run(engine, Budget(), Steering(), {4: Steering.wait})
    assert trace.receipt.unsupported == ("steering: the request was closed, and another one went on from there",)
    untouched, _ = steered_run(engine, Budget(), Steering(), {})
    assert untouched.receipt.unsupported == ()


def test_an_engine_that_plays_recordings_obeys_recorded_commands_alone() -> None:
    engine = ScriptedEngine(thinker("\n" + "x" * 20))
    engine.capabilities = replace(Capabilities(), steering="unsupported")
    said = list[Future[Steered]]()
    presses = {3: lambda s: said.append(s.answer_now()), 4: lambda s: said.append(s.pause())}
    trace, _ = steered_run(engine, Budget(), Steering(longest_pause_s=0), presses)
    assert trace.receipt.closed_by == "model" and "plays what was recorded" in refusal(said[0])
    assert said[1].result(0).kind == "pause"


@pytest.fixture(scope="module")
def nano() -> Iterator[Engine]:
    engine = load_engine("s1-nano", device="cpu", dtype="float32")
    yield engine
    engine.close()


def test_a_model_writes_nothing_more_after_the_command(nano: Engine) -> None:
    """On the transformers engine a command takes effect within one decoding step, however far the model is ahead."""
    for at in range(1, 24, 4):
        seen, steering = 0, Steering()
        answered = None
        events: list[Event] = []
        for event in stream(nano, QUESTION, Budget(waits=2), steering=steering):
            events.append(event)
            seen += len(event.token_ids) if isinstance(event, Tokens) else 0
            if seen >= at and answered is None:
                answered, then = steering.answer_now(), seen
        assert answered is not None
        trace, obeyed = Trace.from_events(events), answered.result(0)
        # Where that step ended a text, the Wait that took the end's place is written, too.
        waits = {0, len(nano.codec.encode_user("Wait"))}
        assert obeyed.at_tokens - then in waits  # pyright: ignore[reportPossiblyUnboundVariable]
        assert trace.receipt.thinking_tokens == obeyed.at_tokens and trace.receipt.closed_by == "you"


def test_a_held_text_lets_the_model_write_ahead(nano: Engine) -> None:
    steering, events = Steering(), list[Event]()

    def read() -> None:
        events.extend(stream(nano, QUESTION, Budget(max_thinking_tokens=256, waits=4), steering=steering))

    before = nano.stats().turns  # type: ignore[attr-defined]
    held = steering.pause()
    reader = threading.Thread(target=read)
    reader.start()
    held.result(30)
    deadline = time.monotonic() + 60
    while nano.stats().turns < before + 8 and time.monotonic() < deadline:  # type: ignore[attr-defined]
        time.sleep(0.02)
    assert nano.stats().turns >= before + 8  # type: ignore[attr-defined]
    assert not any(isinstance(event, Tokens) for event in events)
    steering.resume()
    reader.join(timeout=60)
    assert Trace.from_events(events).receipt.waits_used == 4
