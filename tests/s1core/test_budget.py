"""The state machine by itself: properties that hold for every budget and every behaviour of a model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1core.budget import Action, Budget, Close, Inject, Limits, Progress, Sample, next_action
from s1core.errors import InvalidSetting

budgets = st.builds(
    lambda maximum, minimum, waits, accounting: Budget(
        max_thinking_tokens=maximum,
        min_thinking_tokens=min(minimum, maximum) if maximum is not None else minimum,
        waits=waits,
        accounting=accounting,
    ),
    maximum=st.none() | st.integers(0, 60),
    minimum=st.integers(0, 60),
    waits=st.integers(0, 6),
    accounting=st.sampled_from(["total", "per_round"]),
)


def play(limits: Limits, rounds: list[int]) -> tuple[list[Action], Progress]:
    """Run the machine against a model that ends its thinking after `rounds[i]` tokens, then never again."""
    actions: list[Action] = []
    progress, ends = Progress(), iter(rounds)
    while True:
        action = next_action(limits, progress)
        actions.append(action)
        match action:
            case Sample(max_tokens, forbid_end_first):
                until_end = max(next(ends, 10**6), int(forbid_end_first))
                progress = progress.sampled(min(until_end, max_tokens))
                if until_end < max_tokens:
                    progress = progress.tried_to_end()
            case Inject():
                progress = progress.injected(limits.wait_tokens)
            case Close():
                return actions, progress


@given(
    budget=budgets,
    room=st.integers(0, 80),
    wait_tokens=st.integers(0, 5),
    rounds=st.lists(st.integers(0, 30), max_size=12),
)
def test_every_run_ends_within_its_limits(budget: Budget, room: int, wait_tokens: int, rounds: list[int]) -> None:
    limits = Limits.of(budget, room=room, wait_tokens=wait_tokens)
    actions, progress = play(limits, rounds)
    close = actions[-1]
    assert isinstance(close, Close)
    assert sum(isinstance(action, Close) for action in actions) == 1
    assert close.keep_tokens <= limits.max_thinking_tokens <= room
    if budget.max_thinking_tokens is not None:
        assert close.keep_tokens <= budget.max_thinking_tokens
    if budget.accounting == "total":
        assert close.keep_tokens == progress.spent <= limits.max_thinking_tokens
    if budget.min_thinking_tokens == 0:
        assert progress.waits_used <= budget.waits
    assert progress.spent <= room


@given(budget=budgets, room=st.integers(0, 80), rounds=st.lists(st.integers(0, 30), min_size=12, max_size=12))
def test_the_minimum_is_kept_when_it_fits(budget: Budget, room: int, rounds: list[int]) -> None:
    limits = Limits.of(budget, room=room, wait_tokens=1)
    actions, progress = play(limits, rounds)
    close = actions[-1]
    assert isinstance(close, Close)
    if close.reason == "model":
        ceiling = room if budget.accounting == "per_round" else limits.max_thinking_tokens
        assert progress.spent >= budget.min_thinking_tokens or progress.spent + 1 > ceiling


def reasons(budget: Budget, room: int, rounds: list[int]) -> str:
    close = play(Limits.of(budget, room=room, wait_tokens=1), rounds)[0][-1]
    assert isinstance(close, Close)
    return close.reason


def test_every_closing_reason_is_reached() -> None:
    assert reasons(Budget(max_thinking_tokens=10), 50, [3]) == "model"
    assert reasons(Budget(max_thinking_tokens=10), 50, []) == "budget"
    assert reasons(Budget(max_thinking_tokens=100), 50, []) == "context"
    assert reasons(Budget(), 50, []) == "context"


def test_budget_zero_closes_at_once() -> None:
    assert next_action(Limits.of(Budget(max_thinking_tokens=0), room=9, wait_tokens=1), Progress()) == Close(
        "budget", 0
    )


def test_a_wait_that_does_not_fit_is_not_started() -> None:
    limits = Limits.of(Budget(max_thinking_tokens=10, waits=1), room=99, wait_tokens=4)
    assert next_action(limits, Progress(spent=7, ended=True)) == Close("model", 7)
    assert next_action(limits, Progress(spent=6, ended=True)) == Inject(1)


def test_an_end_ignored_without_a_word_may_not_come_again_at_once() -> None:
    limits = Limits.of(Budget(max_thinking_tokens=10, waits=2), room=99, wait_tokens=0)
    assert next_action(limits, Progress(spent=4).injected(0)) == Sample(6, forbid_end_first=True)


def test_per_round_gives_every_round_the_whole_allowance_and_cuts_once() -> None:
    limits = Limits.of(Budget(max_thinking_tokens=10, waits=1, accounting="per_round"), room=99, wait_tokens=1)
    actions, progress = play(limits, [8, 6])
    assert actions == [Sample(10), Inject(1), Sample(9), Close("budget", 10)]
    assert progress.spent == 15


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"max_thinking_tokens": -1}, "max_thinking_tokens"),
        ({"waits": -1}, "waits"),
        ({"waits": 1.5}, "whole number"),
        ({"waits": True}, "whole number"),
        ({"max_thinking_tokens": "128"}, "whole number"),
        ({"max_answer_tokens": 0}, "max_answer_tokens"),
        ({"max_thinking_tokens": 5, "min_thinking_tokens": 6}, "larger"),
        ({"accounting": "none"}, "accounting"),
    ],
)
def test_a_bad_budget_says_what_is_wrong(settings: dict[str, object], word: str) -> None:
    with pytest.raises(InvalidSetting, match=word):
        Budget(**settings)  # type: ignore[arg-type]
