"""Early exit: on s1-nano against budget forcing, token for token; its rules over a scripted engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from s1core import Budget, Sampling, Trace, load_engine, solve
from s1core.engines.base import Capabilities, Engine
from s1core.engines.scripted import ScriptedEngine
from s1core.errors import InvalidSetting, Unsupported
from s1core.methods import EarlyExit, Outcome
from s1core.nano import make_questions
from s1core.probe import TrackPoint, probe
from s1core.types import Event, Finished, Started

QUESTIONS = [question.question for question in make_questions(n=8, seed=5, split="test")]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = load_engine("s1-nano")
    yield engine
    engine.close()


def believes(change_at: int) -> ScriptedEngine:
    """Thinks 60 letters; answers 2 before it has written `change_at` of them, then 3."""

    def script(text: str, _request: int) -> str:
        thinking = text.rpartition("<|im_start|>think")[2]
        written = thinking.count("x")
        if "<|im_start|>answer" in thinking:
            start = " " if thinking.endswith(":") else "\nFinal Answer: "
            return start + ("3" if written >= change_at else "2") + "<|im_end|>"
        return "x" * (60 - written) + "<|im_start|>"

    return ScriptedEngine(script)


def probed(outcome: Outcome) -> list[tuple[int, str | None]]:
    return [(place, answer) for place, answer, *_ in outcome.details["probes"]]


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.0, seed=3)], ids=["greedy", "hot"])
def test_an_exit_gives_what_budget_forcing_gives_there(engine: Engine, sampling: Sampling) -> None:
    settled = 0
    for question in QUESTIONS:
        outcome = EarlyExit(every=8, equal=2).run(engine, question, sampling)
        receipt = outcome.trace and outcome.trace.receipt
        assert outcome.trace is not None and receipt is not None
        budget = Budget(max_thinking_tokens=receipt.thinking_tokens) if outcome.details["settled"] else Budget()
        forced = solve(engine, question, budget, sampling)
        assert (outcome.answer, outcome.trace.token_ids) == (forced.answer, forced.token_ids)
        assert outcome.trace.text == forced.text
        settled += receipt.closed_by == "settled"
    assert 0 < settled < len(QUESTIONS), "both ends were seen"


def test_waits_are_kept_up_to_the_exit(engine: Engine) -> None:
    outcome = EarlyExit(every=16, equal=2, budget=Budget(waits=2)).run(engine, "How many r in raspberry?")
    assert outcome.trace is not None
    place = outcome.trace.receipt.thinking_tokens
    forced = solve(engine, "How many r in raspberry?", Budget(max_thinking_tokens=place, waits=2))
    assert outcome.trace.token_ids == forced.token_ids
    assert outcome.trace.receipt.waits_used == forced.receipt.waits_used == 1


async def test_probes_are_those_of_the_answer_track(engine: Engine) -> None:
    question, budget, seen = "How many r in raspberry?", Budget(waits=1), list[TrackPoint]()
    await EarlyExit(every=16, equal=99, budget=budget).arun(engine, question, on_point=seen.append)
    track = {point.thinking_tokens: point for point in probe(engine, question, every=16, budget=budget).points}
    assert len(seen) > 1
    for point in seen:
        assert point.agrees(track[point.thinking_tokens])
        # Probabilities are rounded otherwise in another batch.
        assert point.probability == pytest.approx(track[point.thinking_tokens].probability, abs=1e-5)


def test_equal_answers_in_a_row_end_the_thinking() -> None:
    outcome = EarlyExit(every=10, equal=2).run(believes(15), "q")
    assert probed(outcome) == [(10, "2"), (20, "3"), (30, "3")]
    assert outcome.trace is not None
    assert (outcome.answer, outcome.trace.receipt.closed_by) == ("3", "settled")
    assert outcome.trace.receipt.thinking_tokens == 30
    assert outcome.trace.segments[-2].note == "settled"


def test_every_token_is_counted_once() -> None:
    engine = believes(15)
    outcome = EarlyExit(every=10, equal=2).run(engine, "q")
    spent, answer = outcome.spent, len(" 3")
    assert (spent.thinking_tokens, spent.answer_tokens, spent.probe_tokens) == (30, answer, 2 * answer)
    assert spent.total_tokens == spent.sequential_tokens == 30 + 3 * answer
    assert outcome.trace is not None and outcome.trace.receipt.total_tokens == spent.total_tokens


def test_a_probe_that_was_cut_is_asked_again_in_full() -> None:
    outcome = EarlyExit(every=10, equal=1, probe_answer=1).run(believes(0), "q")
    assert outcome.answer is None or outcome.trace is not None
    longer = EarlyExit(every=10, equal=1, probe_answer=2).run(believes(0), "q")
    assert (longer.answer, longer.spent.probe_tokens, longer.spent.answer_tokens) == ("3", 2, 2)


def test_without_an_exit_it_is_the_run_itself() -> None:
    outcome = EarlyExit(every=25, equal=9).run(believes(30), "q")
    alone = solve(believes(30), "q")
    assert outcome.trace is not None and outcome.trace.segments == alone.segments
    assert (outcome.trace.receipt.closed_by, outcome.details["settled"]) == ("model", False)
    at_budget = EarlyExit(every=25, equal=9, budget=Budget(max_thinking_tokens=40)).run(believes(30), "q")
    assert at_budget.trace is not None
    assert (at_budget.trace.receipt.closed_by, at_budget.trace.receipt.thinking_tokens) == ("budget", 40)
    assert probed(at_budget) == [(25, "2")]


def test_a_minimum_is_thought_before_the_first_probe() -> None:
    outcome = EarlyExit(every=10, equal=1, budget=Budget(min_thinking_tokens=25)).run(believes(0), "q")
    assert probed(outcome) == [(30, "3")]


def test_the_events_are_those_of_one_run() -> None:
    events: list[Event] = []
    outcome = EarlyExit(every=10, equal=2).run(believes(15), "q", on_event=lambda number, event: events.append(event))
    assert Trace.from_events(events) == outcome.trace
    assert sum(isinstance(event, Started) for event in events) == 1
    assert isinstance(events[-1], Finished) and sum(isinstance(event, Finished) for event in events) == 1


def test_a_probability_needs_an_engine_that_tells_it(engine: Engine) -> None:
    sure = EarlyExit(every=8, equal=None, probability=0.7)
    outcome = sure.run(engine, "How many r in raspberry?")
    assert outcome.details["settled"] and outcome.details["probes"][-1][2] >= 0.7
    silent = believes(0)
    silent.capabilities = Capabilities(logprobs="unsupported")
    with pytest.raises(Unsupported, match="log probabilities"):
        sure.run(silent, "q")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"every": 0}, "every"),
        ({"equal": None}, "rule"),
        ({"equal": 0}, "equal"),
        ({"probability": 1.5}, "probability"),
        ({"budget": Budget(accounting="per_round")}, "total accounting"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidSetting, match=said):
        EarlyExit(**settings)  # pyright: ignore[reportArgumentType]
