"""Best-of-N and REBASE: the rules of the tree, and searches of s1-nano against its samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1core import Budget, Sampling, load_engine
from s1core.engines.base import Capabilities, Engine
from s1core.engines.scripted import ScriptedEngine, byte_codec
from s1core.errors import InvalidSetting, Unsupported
from s1core.methods import BestOfN, MajorityVote, Outcome, Rebase, RewardModel, Scores, shares
from s1core.methods.tree import StepEnd
from s1core.nano import make_questions
from s1core.types import Event

HOT = Sampling(temperature=1.0, seed=6)
QUESTIONS = [question.question for question in make_questions(n=4, seed=31, split="test")]
RASPBERRY = "How many r in raspberry?"


class Likes:
    """Scores a step by how many of a letter it has: a reward model that everybody can check."""

    name = "likes"

    def __init__(self, letter: str) -> None:
        self._letter = letter
        self.asked: list[list[str]] = []

    def score(self, question: str, solutions: Sequence[Sequence[str]]) -> list[Scores]:
        self.asked += [list(steps) for steps in solutions]
        return [
            Scores(steps=tuple(1 - 1 / (1 + step.count(self._letter)) for step in steps), tokens=sum(map(len, steps)))
            for steps in solutions
        ]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = load_engine("s1-nano")
    yield engine
    engine.close()


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=20),
    st.integers(0, 64),
    st.sampled_from([1e-3, 0.1, 0.2, 1.0, 1e9]),
)
def test_shares_add_up_to_the_width_and_follow_the_rewards(
    rewards: list[float], width: int, temperature: float
) -> None:
    found = shares(rewards, width, temperature)
    assert sum(found) == width and min(found) >= 0
    best_first = sorted(range(len(rewards)), key=lambda number: -rewards[number])
    assert found[best_first[0]] == max(found)


def test_shares_are_those_of_the_formula() -> None:
    import math

    assert shares([0.5, 0.5, 0.5, 0.5], 4, 0.2) == [1, 1, 1, 1]
    assert shares([0.9, 0.1], 8, 1e-3) == [8, 0]
    assert shares([0.1, 0.9, 0.5], 16, 0.2) == [0, 14, 2]
    weights = [math.exp(r / 0.2) for r in (0.9, 0.5, 0.1)]
    first = math.ceil(16 * weights[0] / sum(weights))
    assert first == 14 and math.ceil(2 * weights[1] / sum(weights[1:])) == 2


def test_a_step_ends_after_some_text_or_many_tokens() -> None:
    codec = byte_codec()

    def tokens(text: str, *, most: int = 99, delimiter: str | None = "\n") -> tuple[int, bool]:
        end = StepEnd(codec, delimiter, most)
        end.feed(codec.encode_user(text))
        return end.tokens, end.over

    assert tokens("\n\nab\ncd") == (5, True)
    assert tokens("abcd") == (4, False)
    assert tokens("abcd", most=3) == (3, True)
    assert tokens("a\nb\n\nc", delimiter="\n\n") == (5, True)
    assert tokens("a\nb", delimiter=None) == (3, False)
    end = StepEnd(codec, "\n", 99)
    end.feed(codec.encode_user("ab\n"), forced=True)
    assert not end.over
    end.feed(codec.encode_user("c"))
    assert end.over, "a forced Wait is not divided; the step ends with the next token of the model's own"


def check_tree(outcome: Outcome, width: int) -> None:
    """Every token of a search belongs to one node, and the tree is one."""
    tree = outcome.details["tree"]
    by_number = {node["number"]: node for node in tree}
    assert list(by_number) == list(range(len(tree)))
    for node in tree:
        parent = by_number.get(node["parent"])
        assert node["depth"] == (1 if parent is None else parent["depth"] + 1)
        assert parent is None or not parent["finished"]
        assert 0 <= node["reward"] <= 1
    assert sum(node["finished"] for node in tree) == width == len(outcome.runs)
    assert sum(node["parent"] is None for node in tree) == width
    spent = outcome.spent
    for name in ("thinking_tokens", "answer_tokens", "probe_tokens"):
        assert getattr(spent, name) == sum(node[name] for node in tree)
    finished = [node for node in tree if node["finished"]]
    for node, trace, reward in zip(finished, outcome.runs, outcome.details["rewards"], strict=True):
        path, text = node, node["text"]
        thought = node["thinking_tokens"]
        while (path := by_number.get(path["parent"])) is not None:
            thought += path["thinking_tokens"]
            text = path["text"] + text
        assert (thought, text) == (trace.receipt.thinking_tokens, trace.text)
        assert (node["answer"], node["reward"]) == (trace.answer, reward)
        assert node["answer_tokens"] == trace.receipt.answer_tokens
    longest: dict[int, int] = {}
    for node in tree:
        own = node["thinking_tokens"] + node["answer_tokens"]
        longest[node["depth"]] = max(longest.get(node["depth"], 0), own)
    probes: dict[int, int] = {}
    for node in tree:
        probes[node["depth"]] = max(probes.get(node["depth"], 0), node["probe_tokens"])
    assert spent.sequential_tokens == sum(longest.values()) + sum(probes.values())


def test_a_search_is_a_tree_whose_tokens_are_counted_once(engine: Engine) -> None:
    for question in QUESTIONS:
        outcome = Rebase(width=6).run(engine, question, HOT)
        check_tree(outcome, 6)
        assert outcome.answer == outcome.details["votes"][0]["answer"]
        assert outcome.trace is not None and outcome.trace.answer == outcome.answer
        again = Rebase(width=6).run(engine, question, HOT)
        assert [t.token_ids for t in again.runs] == [t.token_ids for t in outcome.runs]
        assert again.spent.total_tokens == outcome.spent.total_tokens


def test_shared_evenly_it_is_independent_samples(engine: Engine) -> None:
    search, samples = Rebase(width=5, balance=1e9), MajorityVote(samples=5)
    for question in QUESTIONS:
        outcome, vote = search.run(engine, question, HOT), samples.run(engine, question, HOT)
        assert sorted(t.token_ids for t in outcome.runs) == sorted(t.token_ids for t in vote.runs)
        assert outcome.spent.thinking_tokens == vote.spent.thinking_tokens
        assert outcome.spent.answer_tokens == vote.spent.answer_tokens


def test_branches_share_their_prefix(engine: Engine) -> None:
    outcome = Rebase(width=8, balance=1e-3, budget=Budget(waits=1)).run(engine, RASPBERRY, HOT)
    check_tree(outcome, 8)
    parents = [node["parent"] for node in outcome.details["tree"] if node["parent"] is not None]
    assert len(set(parents)) < len(parents), "some node has several children"
    asked = len(engine.codec.encode_user(RASPBERRY)) * len(outcome.details["tree"])
    assert outcome.spent.prefill_reused > asked > outcome.spent.prefill_computed
    assert all(trace.receipt.waits_used == 1 for trace in outcome.runs)
    assert sum(len(t.token_ids) for t in outcome.runs) > outcome.spent.total_tokens - outcome.spent.probe_tokens


def test_a_reward_model_steers_the_search(engine: Engine) -> None:
    model = Likes("4")
    assert isinstance(model, RewardModel)
    outcome = Rebase(width=6, balance=1e-3, reward=model, choose="best").run(engine, RASPBERRY, HOT)
    check_tree(outcome, 6)
    tree = outcome.details["tree"]
    assert outcome.spent.probe_tokens == 0
    assert outcome.spent.reward_tokens == sum(len("".join(steps)) for steps in model.asked)
    live = [node for node in tree if node["depth"] == 1 and not node["finished"]]
    best = max(live, key=lambda node: node["reward"])
    second = [node for node in tree if node["depth"] == 2]
    assert {node["parent"] for node in second} == {best["number"]}
    assert len(second) == 6 - sum(node["finished"] for node in tree if node["depth"] == 1)
    assert model.asked[best["number"]] == [best["text"].strip()]
    assert max(outcome.details["rewards"]) == outcome.details["rewards"][outcome.runs.index(outcome.trace)]


def test_depth_and_step_limits_are_kept(engine: Engine) -> None:
    flat = Rebase(width=3, depth=1).run(engine, RASPBERRY, HOT)
    assert len(flat.details["tree"]) == 3
    vote = MajorityVote(samples=3).run(engine, RASPBERRY, HOT)
    assert [t.token_ids for t in flat.runs] == [t.token_ids for t in vote.runs]
    deep = Rebase(width=3, step_tokens=4, depth=3, budget=Budget(max_thinking_tokens=30)).run(engine, RASPBERRY, HOT)
    check_tree(deep, 3)
    assert all(node["thinking_tokens"] <= 4 for node in deep.details["tree"] if node["depth"] < 3)
    assert max(node["depth"] for node in deep.details["tree"]) <= 3
    assert all(trace.receipt.thinking_tokens <= 30 for trace in deep.runs)


def test_the_best_of_n_is_the_most_probable_answer(engine: Engine) -> None:
    for question in QUESTIONS:
        outcome = BestOfN(samples=5).run(engine, question, HOT)
        vote = MajorityVote(samples=5).run(engine, question, HOT)
        assert [t.token_ids for t in outcome.runs] == [t.token_ids for t in vote.runs]
        sure = [trace.receipt.answer_probability or 0.0 for trace in outcome.runs]
        assert outcome.details["rewards"] == sure
        best = max((n for n in range(5) if outcome.runs[n].answer is not None), key=lambda n: sure[n])
        assert outcome.trace is outcome.runs[best]
        assert outcome.spent.total_tokens == vote.spent.total_tokens


def test_the_best_of_n_by_a_reward_model(engine: Engine) -> None:
    model = Likes("r")
    outcome = BestOfN(samples=4, reward=model, score="min").run(engine, RASPBERRY, HOT)
    for steps, trace in zip(model.asked, outcome.runs, strict=True):
        assert steps[-1] == trace.answer_text
        assert [step for step in trace.thinking_text.split("\n") if step.strip()] == steps[:-1]
    assert outcome.spent.reward_tokens == sum(len("".join(steps)) for steps in model.asked)


def test_events_of_a_node_have_its_number(engine: Engine) -> None:
    numbers: set[int] = set()

    def take(number: int, event: Event) -> None:
        numbers.add(number)

    outcome = Rebase(width=3).run(engine, RASPBERRY, HOT, on_event=take)
    assert numbers == {node["number"] for node in outcome.details["tree"]}


def test_labels_and_settings() -> None:
    assert Rebase().label == "width 16 by probability"
    assert (
        Rebase(width=4, balance=0.1, reward="org/prm", choose="best").label == "width 4 by org/prm, balance 0.1, best"
    )
    assert BestOfN(samples=4, reward=Likes("r"), score="min").label == "best of 4 by likes (min)"
    assert Rebase(reward=Likes("r")).as_dict()["reward"] == "likes"
    for settings in ({"width": 0}, {"balance": 0}, {"depth": 0}, {"delimiter": ""}, {"score": "max"}):
        with pytest.raises(InvalidSetting):
            Rebase(**settings)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidSetting, match="temperature 0"):
        Rebase().run(ScriptedEngine(lambda text, _: "x"), "q", Sampling())


def test_probabilities_need_an_engine_that_tells_them() -> None:
    silent = ScriptedEngine(lambda text, _: "x<|im_start|>")
    silent.capabilities = Capabilities(logprobs="unsupported")
    for method in (Rebase(), BestOfN()):
        with pytest.raises(Unsupported, match="log probabilities"):
            method.run(silent, "q")
