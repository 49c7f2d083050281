"""Adaptive vote: its posterior against other ways to compute it, and on s1-nano against the fixed vote."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1core import Budget, Sampling, load_engine
from s1core.engines.base import Capabilities, Engine
from s1core.engines.scripted import ScriptedEngine
from s1core.errors import InvalidSetting, Unsupported
from s1core.methods import AdaptiveVote, MajorityVote, posterior
from s1core.nano import make_questions
from s1core.types import Event

QUESTIONS = [question.question for question in make_questions(n=6, seed=8, split="test")]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = load_engine("s1-nano")
    yield engine
    engine.close()


def answers(said: str) -> ScriptedEngine:
    """Sample i answers letter i; a dot is no answer."""

    class Dice(ScriptedEngine):
        def _chunks(self, request):  # type: ignore[no-untyped-def]
            self.index = request.sampling.sample_index
            return super()._chunks(request)

    def script(text: str, _request: int) -> str:
        if "<|im_start|>answer" not in text:
            return "xx<|im_start|>"
        return "\nnothing<|im_end|>" if said[engine.index] == "." else f"\nFinal Answer: {said[engine.index]}<|im_end|>"

    engine = Dice(script)
    return engine


@pytest.mark.parametrize(
    ("votes", "expected"), [((), 0.0), ((1,), 3 / 4), ((4,), 31 / 32), ((1, 1), 1 / 2), ((5, 1), 15 / 16)]
)
def test_the_posterior_of_two_is_the_tail_of_a_beta_distribution(votes: tuple[int, ...], expected: float) -> None:
    assert posterior(votes) == expected


@given(st.integers(0, 12), st.integers(0, 12))
def test_it_is_the_integral_of_the_density(first: int, second: int) -> None:
    steps = 4_000
    weights = [((k + 0.5) / steps) ** first * (1 - (k + 0.5) / steps) ** second for k in range(steps)]
    assert posterior((first, second)) == pytest.approx(sum(weights[steps // 2 :]) / sum(weights), abs=1e-5)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=4))
def test_each_answer_leads_with_some_probability_and_they_add_up(votes: list[int]) -> None:
    alone = votes if len(votes) > 1 else [*votes, 0]
    chances = [posterior([each, *alone[:i], *alone[i + 1 :]], "dirichlet") for i, each in enumerate(alone)]
    assert sum(chances) == pytest.approx(1.0, abs=1e-8)


def test_the_posterior_of_many_agrees_with_draws() -> None:
    votes, noise, wins = (4, 2, 1), random.Random(7), 0
    for _ in range(20_000):
        drawn = [noise.gammavariate(each + 1, 1) for each in votes]
        wins += drawn[0] == max(drawn)
    assert posterior(votes, "dirichlet") == pytest.approx(wins / 20_000, abs=0.012)
    assert posterior(votes, "dirichlet") < posterior(votes, "beta")
    assert posterior((1, 1, 1), "dirichlet") == pytest.approx(float(Fraction(1, 3)), abs=1e-8)


def test_it_stops_when_the_leader_is_certain() -> None:
    outcome = AdaptiveVote(samples=9).run(answers("333322222"), "q")
    assert (outcome.answer, outcome.details["samples"], outcome.details["certainty"]) == ("3", 4, 31 / 32)
    split = AdaptiveVote(samples=6).run(answers("323232"), "q")
    assert (split.answer, split.details["samples"], split.details["certainty"]) == ("3", 6, 0.5)
    silent = AdaptiveVote(samples=3).run(answers("..."), "q")
    assert (silent.answer, silent.trace, silent.details["certainty"]) == (None, None, 0.0)


def test_samples_without_an_answer_are_paid_and_do_not_vote() -> None:
    outcome = AdaptiveVote(samples=9).run(answers("..3333333"), "q")
    assert (outcome.details["samples"], outcome.details["votes"][0]["votes"]) == (6, 4)
    assert outcome.spent.thinking_tokens == 6 * 2
    assert outcome.trace is outcome.runs[2]


def test_rounds_wait_for_one_another() -> None:
    one, four = (AdaptiveVote(at_once=k).run(answers("3" * 16), "q") for k in (1, 4))
    assert one.details["samples"] == four.details["samples"] == 4
    assert one.spent.total_tokens == one.spent.sequential_tokens == four.spent.total_tokens
    assert four.spent.sequential_tokens * 4 == four.spent.total_tokens


def test_its_samples_are_those_of_the_fixed_vote(engine: Engine) -> None:
    fewer = 0
    for question in QUESTIONS:
        hot = Sampling(temperature=1.0, seed=3)
        fixed = MajorityVote(samples=8).run(engine, question, hot)
        numbers: set[int] = set()

        def take(number: int, event: Event, seen: set[int] = numbers) -> None:
            seen.add(number)

        outcome = AdaptiveVote(samples=8, at_once=2).run(engine, question, hot, on_event=take)
        count = outcome.details["samples"]
        assert [t.token_ids for t in outcome.runs] == [t.token_ids for t in fixed.runs[:count]]
        assert numbers == set(range(count))
        assert outcome.spent.total_tokens <= fixed.spent.total_tokens
        fewer += count < 8
    assert fewer, "some question was certain before the last sample"


def test_confident_answers_weigh_more(engine: Engine) -> None:
    hot = Sampling(temperature=1.0, seed=3)
    outcome = MajorityVote(samples=6, weighted=True).run(engine, "How many r in raspberry?", hot)
    sure = [trace.receipt.answer_probability or 0.0 for trace in outcome.runs]
    for ballot in outcome.details["votes"]:
        weight = sum(p for p, trace in zip(sure, outcome.runs, strict=True) if trace.answer == ballot["answer"])
        assert ballot["weight"] == pytest.approx(weight)
    weights = [ballot["weight"] for ballot in outcome.details["votes"]]
    assert weights == sorted(weights, reverse=True) and outcome.answer == outcome.details["votes"][0]["answer"]
    adaptive = AdaptiveVote(samples=6, weighted=True, certainty=0.99).run(engine, "How many r in raspberry?", hot)
    assert [t.token_ids for t in adaptive.runs] == [t.token_ids for t in outcome.runs[: len(adaptive.runs)]]


def test_weights_need_an_engine_that_tells_probabilities() -> None:
    silent = answers("3")
    silent.capabilities = Capabilities(logprobs="unsupported")
    for method in (AdaptiveVote(weighted=True), MajorityVote(weighted=True)):
        with pytest.raises(Unsupported, match="log probabilities"):
            method.run(silent, "q")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"samples": 0}, "samples"),
        ({"at_once": 0}, "at_once"),
        ({"certainty": 1.0}, "certainty"),
        ({"prior": "flat"}, "prior"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidSetting, match=said):
        AdaptiveVote(**settings)  # pyright: ignore[reportArgumentType]


def test_the_label_names_what_differs() -> None:
    assert AdaptiveVote().label == "vote until 0.95 certain, at most 16"
    longest = AdaptiveVote(at_once=4, prior="dirichlet", weighted=True, budget=Budget(max_thinking_tokens=64))
    assert longest.label == "vote until 0.95 certain, at most 16, 4 at once, dirichlet, weighted, budget 64"
