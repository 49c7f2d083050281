"""Commands as inputs of the state machine: pure, total, and every run still ends within its limits."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1core.budget import Accounting, Close, Inject, Limits, Progress, Sample, next_action
from s1core.commands import (
    COUNTED,
    KINDS,
    MOST_COMMANDS,
    Command,
    CommandLog,
    Obeyed,
    Refused,
    Steered,
    obey,
    read_steered,
)
from s1core.errors import InvalidSetting

COMMANDS = {
    "answer": Command(kind="answer"),
    "wait": Command(kind="wait"),
    "wait at end": Command(kind="wait", at_end=True),
    "more": Command(kind="more", tokens=7),
    "less": Command(kind="less", tokens=7),
    "pause": Command(kind="pause"),
    "step": Command(kind="step", tokens=2),
    "resume": Command(kind="resume"),
}
commands = st.builds(
    lambda kind, tokens, at_end: Command(kind=kind, tokens=tokens if kind in COUNTED else 0, at_end=at_end),
    st.sampled_from(KINDS),
    st.integers(1, 50),
    st.just(False),
) | st.sampled_from(list(COMMANDS.values()))


@st.composite
def states(draw: st.DrawFn) -> tuple[Limits, Progress]:
    """Any state, also such as no run comes to."""
    room = draw(st.integers(0, 80))
    limits = Limits(
        max_thinking_tokens=draw(st.integers(0, room)),
        room=room,
        min_thinking_tokens=draw(st.integers(0, 40)),
        waits=draw(st.integers(0, 3)),
        wait_tokens=draw(st.integers(0, 3)),
        accounting=draw(st.sampled_from(["total", "per_round"])),
        ceiling=draw(st.none() | st.integers(0, 80)),
    )
    spent = draw(st.integers(0, 90))
    progress = Progress(
        spent=spent,
        round_spent=draw(st.integers(0, spent)),
        waits_used=draw(st.integers(0, 4)),
        waits_by_you=draw(st.integers(0, 4)),
        ended=draw(st.booleans()),
        just_injected=draw(st.booleans()),
        answer_asked=draw(st.booleans()),
        word_now=draw(st.none() | st.integers(0, 5)),
        word_at_end=draw(st.none() | st.integers(0, 5)),
    )
    return limits, progress


@given(states(), commands, st.integers(0, 5))
def test_every_command_in_every_state_has_one_outcome(
    state: tuple[Limits, Progress], command: Command, word_tokens: int
) -> None:
    outcome = obey(*state, command, word_tokens=word_tokens)
    assert outcome == obey(*state, command, word_tokens=word_tokens)
    if isinstance(outcome, Refused):
        assert outcome.reason and outcome.reason.count("\n") == 0
        return
    assert isinstance(next_action(outcome.limits, outcome.progress), Sample | Inject | Close)
    assert outcome.progress.spent == state[1].spent and outcome.limits.room == state[0].room
    moved = outcome.limits.max_thinking_tokens - state[0].max_thinking_tokens
    assert abs(moved) == outcome.moved
    assert moved == 0 or command.kind == ("more" if moved > 0 else "less")


@given(
    most=st.integers(0, 60),
    room=st.integers(0, 80),
    waits=st.integers(0, 3),
    accounting=st.sampled_from(["total", "per_round"]),
    ends=st.lists(st.integers(0, 20), max_size=8),
    pressed=st.lists(st.tuples(st.integers(0, 80), commands, st.integers(0, 4)), max_size=12),
)
def test_a_steered_run_ends_within_its_limits(
    most: int,
    room: int,
    waits: int,
    accounting: Accounting,
    ends: list[int],
    pressed: list[tuple[int, Command, int]],
) -> None:
    """A model that ends its thinking after so many tokens of a round; commands come when so many are spent."""
    limits = Limits(max_thinking_tokens=min(most, room), room=room, waits=waits, wait_tokens=1, accounting=accounting)
    progress, rounds, waiting = Progress(), iter(ends), sorted(pressed, key=lambda each: each[0])
    until_end, done = next(rounds, 10**6), 0
    for _ in range(2_000):
        while waiting and waiting[0][0] <= progress.spent:
            _, command, word_tokens = waiting.pop(0)
            outcome = obey(limits, progress, command, word_tokens=word_tokens)
            if isinstance(outcome, Obeyed):
                limits, progress, done = outcome.limits, outcome.progress, done + 1
        match next_action(limits, progress):
            case Sample(max_tokens, forbid_end_first):
                assert 1 <= max_tokens <= room
                until_end = max(until_end, int(forbid_end_first))
                progress = progress.sampled(min(1, until_end))
                until_end -= 1
                if until_end < 0:
                    progress, until_end = progress.tried_to_end(), next(rounds, 10**6)
            case Inject(_, by):
                length = progress.word_now if progress.word_now is not None else progress.word_at_end
                progress = progress.injected(1 if by == "budget" else length or 0, by)
            case Close(reason, keep_tokens):
                assert keep_tokens <= limits.max_thinking_tokens <= room
                assert reason != "you" or progress.answer_asked
                assert progress.waits_used <= waits and progress.waits_by_you <= done
                return
    raise AssertionError("the run does not end")


LIMITS = Limits(max_thinking_tokens=20, room=50, waits=1, wait_tokens=4)


def obeyed(limits: Limits, progress: Progress, command: Command, word_tokens: int = 0) -> Obeyed:
    outcome = obey(limits, progress, command, word_tokens=word_tokens)
    assert isinstance(outcome, Obeyed)
    return outcome


def reason(limits: Limits, progress: Progress, command: Command, word_tokens: int = 0) -> str:
    outcome = obey(limits, progress, command, word_tokens=word_tokens)
    assert isinstance(outcome, Refused)
    return outcome.reason


def test_the_answer_is_given_at_once() -> None:
    after = obeyed(LIMITS, Progress(spent=7), COMMANDS["answer"])
    assert next_action(after.limits, after.progress) == Close("you", 7)


def test_a_wait_now_is_injected_and_uses_up_no_other() -> None:
    after = obeyed(LIMITS, Progress(spent=7), COMMANDS["wait"], 4)
    assert next_action(after.limits, after.progress) == Inject(1, by="you")
    later = after.progress.injected(4, "you")
    assert (later.spent, later.waits_used, later.waits_by_you) == (11, 0, 1)
    assert next_action(LIMITS, later.sampled(1).tried_to_end()) == Inject(2)


def test_a_wait_at_the_next_end_comes_before_those_of_the_budget() -> None:
    after = obeyed(LIMITS, Progress(spent=7), COMMANDS["wait at end"], 2).progress
    assert next_action(LIMITS, after) == Sample(13)
    assert next_action(LIMITS, after.tried_to_end()) == Inject(1, by="you")
    later = after.tried_to_end().injected(2, "you").sampled(1).tried_to_end()
    assert next_action(LIMITS, later) == Inject(2)


def test_a_wait_now_leaves_the_one_at_the_next_end() -> None:
    both = obeyed(LIMITS, Progress(spent=7, word_at_end=3), COMMANDS["wait"], 2).progress
    assert both.injected(2, "you").word_at_end == 3


def test_a_budget_moves_within_room_ceiling_and_what_is_spent() -> None:
    spent = Progress(spent=15)
    assert obeyed(LIMITS, spent, Command(kind="more", tokens=10)).limits.max_thinking_tokens == 30
    to_the_room = obeyed(LIMITS, spent, Command(kind="more", tokens=99))
    assert (to_the_room.limits.max_thinking_tokens, to_the_room.limits.bound_by, to_the_room.moved) == (
        50,
        "context",
        30,
    )
    lower = obeyed(LIMITS, spent, Command(kind="less", tokens=99))
    assert lower.moved == 5 and next_action(lower.limits, spent) == Close("budget", 15)
    bounded = Limits(max_thinking_tokens=20, room=50, ceiling=25)
    assert obeyed(bounded, spent, Command(kind="more", tokens=99)).limits.max_thinking_tokens == 25


@pytest.mark.parametrize(
    ("limits", "progress", "command", "word_tokens", "words"),
    [
        (LIMITS, Progress(spent=18), "wait", 4, "no room for a word of 4 tokens"),
        (LIMITS, Progress(spent=3), "wait", 0, "no word to put in"),
        (LIMITS, Progress(spent=3).injected(1), "wait", 1, "just been put in"),
        (LIMITS, Progress(spent=3, word_at_end=1), "wait at end", 1, "ignored already"),
        (Limits(max_thinking_tokens=50, room=50), Progress(spent=3), "more", 0, "cannot be raised above 50"),
        (Limits(max_thinking_tokens=9, room=50, ceiling=5), Progress(spent=3), "more", 0, "cannot be raised above 9"),
        (LIMITS, Progress(spent=20), "less", 0, "nothing to take away"),
        (Limits(max_thinking_tokens=9, room=50, accounting="per_round"), Progress(), "more", 0, "per round"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(
    limits: Limits, progress: Progress, command: str, word_tokens: int, words: str
) -> None:
    said = reason(limits, progress, COMMANDS[command], word_tokens)
    assert words in said and "\n" not in said


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "sing"},
        {"kind": "more"},
        {"kind": "more", "tokens": -1},
        {"kind": "more", "tokens": 1.5},
        {"kind": "step", "tokens": True},
        {"kind": "more", "tokens": 2**31},
        {"kind": "answer", "tokens": 3},
        {"kind": "pause", "word": "Wait"},
        {"kind": "more", "tokens": 3, "at_end": True},
        {"kind": "wait", "word": "x" * 201},
    ],
)
def test_a_command_that_is_none_says_what_is_wrong(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting):
        Command(**settings)


@given(st.lists(commands, max_size=30))
def test_steps_in_a_row_are_one_in_the_log(pressed: list[Command]) -> None:
    log = CommandLog()
    for number, command in enumerate(pressed):
        assert log.record(command, at_tokens=number, after_waits=0).command == command
    kept = list(log)
    assert not any(a.kind == b.kind == "step" for a, b in zip(kept, kept[1:], strict=False))
    shown = [command.tokens for command in pressed if command.kind == "step"]
    assert sum(each.tokens for each in kept if each.kind == "step") == sum(shown)
    assert log.moved_budget == any(command.kind in ("more", "less") for command in pressed)
    assert read_steered([asdict(each) for each in kept]) == tuple(kept)


def test_a_log_that_is_full_says_so() -> None:
    log = CommandLog()
    for _ in range(MOST_COMMANDS):
        assert not log.is_full
        log.record(COMMANDS["pause"], at_tokens=0, after_waits=0)
    assert log.is_full


def test_a_command_is_told_in_words() -> None:
    def words(command: Command) -> str:
        return Steered.of(command, at_tokens=0, after_waits=0).in_words

    assert [words(command) for command in COMMANDS.values()] == [
        *("answer now", "Wait", "Wait at the next end", "more 7", "less 7", "pause", "step 2", "resume")
    ]
    assert words(Command(kind="wait", word="Hmm")) == "“Hmm”"
