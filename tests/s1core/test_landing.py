"""Closing words and soft landings: where they are written, what a budget still guarantees, and sweeps over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from babbler import Babbler
from hypothesis import given
from hypothesis import strategies as st

from s1core import Budget, Sampling, load_engine, solve, sweep
from s1core.budget import Close, Hint, Inject, Limits, Progress, Sample, is_landing, next_action
from s1core.engines.base import Capabilities, Engine
from s1core.engines.scripted import Script, ScriptedEngine, byte_codec
from s1core.errors import InvalidSetting, Unsupported
from s1core.formats import FORMATS
from s1core.nano import make_questions
from s1core.settings import DEFAULT_LANDING_TEXT

HINT = "|wrap up|"


def thinker(length: int = 200, *, heeds: str = "") -> Script:
    """Think `x` without end; after `heeds` a few letters more."""

    def script(text: str, _request: int) -> str:
        thinking = text.rpartition("<|im_start|>think")[2]
        if "<|im_start|>answer" in text:
            return " 3<|im_end|>"
        if heeds and heeds in thinking:
            return "ok<|im_start|>"
        return "x" * length + "<|im_start|>"

    return script


def test_a_hint_is_written_once_at_its_share_of_the_budget() -> None:
    budget = Budget(max_thinking_tokens=40, landing_text=HINT, landing_share=0.5)
    trace = solve(ScriptedEngine(thinker(heeds=HINT)), "q", budget)
    assert trace.thinking_text == "x" * 20 + HINT + "ok"
    assert [(s.source, s.note) for s in trace.segments][1] == ("hint", "landing")
    assert (trace.receipt.closed_by, trace.receipt.landing) == ("model", "soft")
    assert trace.receipt.thinking_tokens == 22 + len(HINT)


def test_a_model_that_does_not_heed_it_is_cut_all_the_same() -> None:
    budget = Budget(max_thinking_tokens=40, landing_text=HINT, landing_share=0.5)
    trace = solve(ScriptedEngine(thinker()), "q", budget)
    assert trace.thinking_text == "x" * 20 + HINT + "x" * (20 - len(HINT))
    assert (trace.receipt.closed_by, trace.receipt.landing, trace.receipt.thinking_tokens) == ("budget", "hard", 40)


def test_thinking_that_ends_before_has_no_landing() -> None:
    budget = Budget(max_thinking_tokens=40, landing_text=HINT, landing_share=0.5)
    receipt = solve(ScriptedEngine(thinker(9)), "q", budget).receipt
    assert (receipt.closed_by, receipt.landing) == ("model", None)
    assert solve(ScriptedEngine(thinker()), "q", Budget(max_thinking_tokens=9)).receipt.landing is None


def test_a_landing_ends_the_waits() -> None:
    budget = Budget(max_thinking_tokens=60, waits=5, landing_text=HINT, landing_share=0.5)
    trace = solve(ScriptedEngine(thinker(9, heeds=HINT)), "q", budget)
    assert trace.receipt.waits_used < 5 and trace.thinking_text.endswith(HINT + "ok")
    assert trace.receipt.landing == "soft"


def test_a_hint_that_does_not_fit_is_not_written() -> None:
    budget = Budget(max_thinking_tokens=len(HINT) - 1, landing_text=HINT)
    trace = solve(ScriptedEngine(thinker()), "q", budget)
    assert HINT not in trace.text and trace.receipt.landing == "hard"


def test_without_a_budget_nothing_lands() -> None:
    assert not Budget(landing_text=HINT).lands
    assert HINT not in solve(ScriptedEngine(thinker(9)), "q", Budget(landing_text=HINT)).text


@pytest.mark.parametrize("words", ["", "In short:", "<|im_start|>think", "é漢"])
def test_the_answer_begins_with_the_words_that_were_asked_for(words: str) -> None:
    engine = ScriptedEngine(thinker())
    trace = solve(engine, "q", Budget(max_thinking_tokens=5, final_answer_text=words))
    close = next(s for s in trace.segments if s.source == "close")
    assert close.text == f"\n<|im_start|>answer\n{words}"
    assert close.token_ids[-len(engine.codec.encode_user(words)) :] == engine.codec.encode_user(words) or not words
    assert trace.answer_text == " 3"


def test_the_advice_of_a_family_takes_the_last_tokens_of_the_budget() -> None:
    fmt = FORMATS["think_tags"]
    asked = fmt.advised(Budget(max_thinking_tokens=200))
    assert (asked.final_answer_text, asked.landing_text, asked.landing_share) == ("", fmt.advice, 1.0)

    def script(text: str, _request: int) -> str:
        return " 3<|im_end|>" if "</think>" in text else "x" * 300

    engine = ScriptedEngine(script, format="think_tags", codec=byte_codec("<think>", "</think>"))
    trace = solve(engine, "q", asked)
    assert trace.thinking_text.endswith("x" + fmt.advice) and trace.receipt.thinking_tokens == 200
    assert trace.text.endswith("directly now.\n</think>\n\n 3") and trace.receipt.landing == "hard"
    own = FORMATS["s1"].advised(Budget(max_thinking_tokens=9, final_answer_text="Go:", landing_text=HINT))
    assert own == Budget(max_thinking_tokens=9)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"landing_share": 1.2}, "landing_share must be a number between 0 and 1"),
        ({"landing_share": True}, "landing_share"),
        ({"landing_bias": -1}, "landing_bias must be a number between 0 and 100"),
        ({"landing_bias": float("nan")}, "landing_bias"),
        ({"landing_text": HINT, "accounting": "per_round", "max_thinking_tokens": 9}, "use accounting 'total'"),
    ],
)
def test_a_bad_landing_says_what_is_wrong(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSetting, match=words):
        Budget(**settings)


def test_an_engine_that_cannot_raise_a_logit_is_refused() -> None:
    budget = Budget(max_thinking_tokens=9, landing_bias=5)
    with pytest.raises(Unsupported, match="let a hint bring the thinking"):
        solve(ScriptedEngine(thinker()), "q", budget)
    engine = Babbler()
    with pytest.raises(Unsupported, match="several tokens"):
        solve(engine, "q", budget)
    assert solve(engine, "q", replace(budget, max_thinking_tokens=None)).text


limits_and_progress = st.builds(
    lambda most, more, share, bias, hint, spent, hinted, waits, ended: (
        Limits(
            max_thinking_tokens=most,
            room=most + more,
            waits=waits,
            wait_tokens=1,
            landing_share=share,
            landing_bias=bias,
            hint_tokens=hint,
        ),
        Progress(spent=min(spent, most), round_spent=min(spent, most), hinted=hinted, ended=ended),
    ),
    st.integers(0, 80),
    st.integers(0, 20),
    st.none() | st.floats(0, 1),
    st.sampled_from([0.0, 8.0]),
    st.integers(0, 12),
    st.integers(0, 80),
    st.booleans(),
    st.integers(0, 2),
    st.booleans(),
)


@given(limits_and_progress)
def test_every_state_of_a_landing_has_one_next_action(state: tuple[Limits, Progress]) -> None:
    limits, progress = state
    action = next_action(limits, progress)
    match action:
        case Sample(max_tokens, _, bias):
            assert 1 <= max_tokens <= limits.max_thinking_tokens - progress.spent
            assert 0 <= bias <= limits.landing_bias
            assert bias == 0 or is_landing(limits, progress)
            if limits.landing_at is not None and progress.spent < limits.landing_at:
                assert progress.spent + max_tokens <= limits.landing_at
        case Hint():
            assert is_landing(limits, progress) and not progress.hinted
            assert progress.spent + limits.hint_tokens <= limits.max_thinking_tokens
        case Inject():
            assert progress.ended and not is_landing(limits, progress)
        case Close():
            assert progress.ended or progress.spent == limits.max_thinking_tokens


def test_the_bias_rises_to_what_was_asked_for() -> None:
    limits = Limits(max_thinking_tokens=100, room=100, landing_share=0.6, landing_bias=8.0)
    biases, spent = list[float](), 0
    while isinstance(action := next_action(limits, Progress(spent=spent)), Sample):
        biases.append(action.end_bias)
        spent += action.max_tokens
    assert biases == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0] and spent == 100


ends: dict[str, Any] = {
    "most": st.integers(0, 90),
    "waits": st.integers(0, 2),
    "share": st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]),
    "text": st.sampled_from(["", HINT, "é漢", "</think>"]),
    "bias": st.sampled_from([0.0, 40.0, 100.0]),
    "repeats": st.sampled_from([0, 2, 3]),
}


def budget_of(most: int | None, waits: int, share: float, text: str, bias: float, repeats: int) -> Budget:
    return Budget(
        max_thinking_tokens=most,
        waits=waits,
        landing_share=share,
        landing_text=text,
        landing_bias=bias,
        loop_repeats=repeats,
        loop_tokens=8,
        final_answer_text="So:",
    )


@given(seed=st.integers(0, 255), per_chunk=st.tuples(st.integers(1, 9), st.integers(1, 9)), **ends)
def test_whatever_the_model_does_a_landing_keeps_the_budget(
    seed: int,
    per_chunk: tuple[int, int],
    most: int,
    waits: int,
    share: float,
    text: str,
    bias: float,
    repeats: int,
) -> None:
    budget = budget_of(most, waits, share, text, bias, repeats)
    first, second = (solve(Babbler(seed, per_chunk=size, whole_marker=True), "q", budget) for size in per_chunk)
    assert first.segments == second.segments
    receipt, codec = first.receipt, Babbler(seed, whole_marker=True).codec
    assert receipt.thinking_tokens <= most and receipt.waits_used <= waits
    assert sum(s.source == "hint" for s in first.segments) <= 1
    assert (receipt.landing == "soft") <= (receipt.closed_by == "model")
    for segment in first.segments:
        assert codec.decode(segment.token_ids) == segment.text


@given(
    seed=st.integers(0, 255),
    budgets=st.lists(st.none() | st.integers(0, 80), min_size=1, max_size=4),
    counts=st.lists(st.integers(0, 2), min_size=1, max_size=3),
    **{name: value for name, value in ends.items() if name not in ("most", "waits")},
)
def test_a_sweep_over_landings_and_loops_equals_independent_runs(
    seed: int, budgets: list[int | None], counts: list[int], share: float, text: str, bias: float, repeats: int
) -> None:
    rest = budget_of(None, 0, share, text, bias, repeats)
    engine: Callable[[], Babbler] = lambda: Babbler(seed, whole_marker=True, context_length=300)  # noqa: E731
    grid = sweep(engine(), "q", budgets, counts, rest=rest)
    for point in grid.points:
        asked = replace(rest, max_thinking_tokens=point.max_thinking_tokens, waits=point.waits)
        alone = solve(engine(), "q", asked)
        assert point.trace.segments == alone.segments and point.trace.answer == alone.answer
        for name in ("thinking_tokens", "waits_used", "closed_by", "max_thinking_tokens", "landing", "spill", "waits"):
            assert getattr(point.trace.receipt, name) == getattr(alone.receipt, name), name


def test_a_sweep_needs_one_budget_for_the_whole_thinking() -> None:
    with pytest.raises(InvalidSetting, match="accounting 'total'"):
        sweep(Babbler(), "q", [9], rest=Budget(accounting="per_round"))


@pytest.fixture(scope="module")
def nano() -> Iterator[Engine]:
    engine = load_engine("s1-nano", device="cpu", dtype="float32")
    yield engine
    engine.close()


def test_the_real_model_lands_softly_when_its_end_becomes_likelier(nano: Engine) -> None:
    questions = [q.question for q in make_questions(n=12, seed=3, split="test")]
    cut = [solve(nano, q, Budget(max_thinking_tokens=40, waits=2)).receipt for q in questions]
    asked = Budget(max_thinking_tokens=40, waits=2, landing_bias=60.0, landing_share=0.5)
    landed = [solve(nano, q, asked).receipt for q in questions]
    hard = sum(receipt.closed_by == "budget" for receipt in cut)
    assert hard >= 6 and sum(receipt.closed_by == "budget" for receipt in landed) < hard / 2
    assert all(
        receipt.landing == "soft"
        for receipt in landed
        if receipt.closed_by == "model" and receipt.thinking_tokens >= 20
    )
    assert all(receipt.thinking_tokens <= 40 for receipt in landed)


def test_a_sweep_of_the_real_model_equals_its_runs(nano: Engine) -> None:
    for rest in (
        Budget(landing_text=DEFAULT_LANDING_TEXT, landing_share=0.6, final_answer_text=""),
        Budget(landing_bias=30.0, landing_share=0.5, loop_repeats=2),
    ):
        for q in make_questions(n=3, seed=8, split="test"):
            grid = sweep(nano, q.question, [16, 40, None], [0, 2], Sampling(temperature=0.7, seed=1), rest=rest)
            for point in grid.points:
                asked = replace(rest, max_thinking_tokens=point.max_thinking_tokens, waits=point.waits)
                alone = solve(nano, q.question, asked, Sampling(temperature=0.7, seed=1))
                assert point.trace.segments == alone.segments
                assert point.trace.receipt.closed_by == alone.receipt.closed_by


def test_capabilities_are_told_apart(nano: Engine) -> None:
    assert nano.capabilities.logit_bias == "enforced" and Capabilities().logit_bias == "unsupported"
