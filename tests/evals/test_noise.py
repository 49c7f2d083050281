"""Questions of a benchmark err independently; settings and samples of one question keep sharing what they should."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from curate.generation import ModelSpec, ask_all
from curate.rows import Row
from evals.benchmarks import Item, load_benchmark
from evals.evaluate import evaluate, evaluate_grid, row_key, run_config, sampling_config, sampling_of
from evals.methods import ControlSetting, evaluate_controlled, evaluate_samples
from evals.settings import one_by_one
from s1core import Sampling, load_engine
from s1core.engines.hf.sampler import Sampler, SamplingParams
from s1core.engines.scripted import ScriptedEngine
from s1core.methods import Control, majority_vote, rejection_sampling
from s1core.store import RunStore

ITEMS = [Item(id=f"q{n}", question=f"{n}+1?", answer="1", kind="integer", group="sums") for n in range(100)]
HOT = Sampling(temperature=1.0)
RIGHT = 0.7


def accuracies(drawn: Callable[[Item, Sampling], Sampling]) -> list[float]:
    """Of 200 seeds, where every question is right with the same probability: the worst case for shared noise."""
    sampler = Sampler(frozenset((0, 1)), torch.device("cpu"))
    logits = torch.tensor([[RIGHT, 1 - RIGHT]]).log().expand(len(ITEMS), 2)
    found: list[float] = []
    for seed in range(200):
        draws = [SamplingParams(drawn(item, replace(HOT, seed=seed)), step=9) for item in ITEMS]
        found.append(sampler.pick(logits, draws).count(0) / len(ITEMS))
    return found


def test_questions_of_a_benchmark_err_independently() -> None:
    found = accuracies(sampling_of)
    binomial = RIGHT * (1 - RIGHT) / len(ITEMS)
    assert statistics.variance(found) == pytest.approx(binomial, rel=0.2)
    assert statistics.mean(found) == pytest.approx(RIGHT, abs=0.01)


def test_without_its_id_every_question_errs_at_once() -> None:
    assert set(accuracies(lambda item, sampling: sampling)) == {0.0, 1.0}


def engine() -> ScriptedEngine:
    return ScriptedEngine(lambda text, _: " 1<|im_end|>" if "answer" in text else "ab<|im_start|>")


async def test_every_eval_draws_with_its_question(tmp_path: Path) -> None:
    items = ITEMS[:3]
    ids = {item.question for item in items}

    def store(name: str) -> RunStore:
        return RunStore(tmp_path / name, {"name": name})

    def drawn(used: ScriptedEngine) -> set[tuple[str, int]]:
        assert all(f"\n{r.sampling.question_id}" in used.codec.decode(r.prompt_ids) for r in used.requests)
        return {(r.sampling.question_id, r.sampling.sample_index) for r in used.requests}

    with store("one") as one, store("grid") as grid, store("samples") as samples, store("control") as control:
        used = engine()
        await evaluate(used, items, one_by_one([1], [1]), HOT, one)
        assert drawn(used) == {(i, 0) for i in ids}
        used = engine()
        await evaluate_grid(used, items, [0, None], [0, 1], "Wait", HOT, grid)
        assert drawn(used) == {(i, 0) for i in ids}
        used = engine()
        await evaluate_samples(used, items, 2, HOT, samples, concurrency=2)
        assert drawn(used) == {(i, n) for i in ids for n in range(2)}
        used = engine()
        await evaluate_controlled(used, items, [ControlSetting(control=Control.tokens(4))], HOT, control, concurrency=2)
        assert drawn(used) == {(i, 0) for i in ids}


def test_votes_on_two_questions_have_noise_of_their_own() -> None:
    used = engine()
    majority_vote(used, "1+1?", 2, sampling=HOT)
    majority_vote(used, "2+1?", 2, sampling=HOT)
    rejection_sampling(used, "3+1?", 8)
    majority_vote(used, "4+1?", 1, sampling=replace(HOT, question_id="mine"))
    assert {r.sampling.question_id for r in used.requests} == {"1+1?", "2+1?", "3+1?", "mine"}


@pytest.mark.parametrize("style", ["think", "answer"])
def test_curation_draws_with_the_questions_key(style: str) -> None:
    used = engine()
    rows = [Row(key=f"k{n}", id=str(n), source="s", question=f"{n}+1?", solution="1") for n in range(3)]
    ask_all(used, ModelSpec(model="x", style=style, temperature=0.8, top_p=0.9, seed=3), rows, lambda fact: None)  # type: ignore[arg-type]
    assert {(r.sampling.question_id, r.sampling.top_p, r.sampling.seed) for r in used.requests} == {
        (f"k{n}", 0.9, 3) for n in range(3)
    }


def test_greedy_settings_keep_their_key_and_drawn_ones_get_another() -> None:
    former = {"temperature": 0.0, "top_p": 1.0, "seed": 0, "sample_index": 0}
    assert sampling_config(Sampling()) == former
    assert run_config(engine(), "b", ITEMS, [], Sampling())["sampling"] == former
    assert sampling_config(HOT) != former | {"temperature": 1.0}
    configs = [
        sampling_config(replace(HOT, **changed)) for changed in ({"top_p": 0.9}, {"top_k": 5}, {"min_p": 0.1}, {})
    ]
    assert len({str(config) for config in configs}) == 4


def test_curations_greedy_key_is_kept_and_the_drawn_one_changes() -> None:
    former = {"model": "x", "style": "think", "max_tokens": None, "temperature": 0.0, "seed": 0}
    assert ModelSpec(model="x").cache_key == former
    hot = ModelSpec(model="x", temperature=0.5)
    assert hot.cache_key != former | {"temperature": 0.5}
    assert hot.cache_key != replace(hot, top_p=0.9).cache_key


async def test_a_swept_point_is_an_independent_run_when_drawn(tmp_path: Path) -> None:
    model = load_engine("s1-nano", device="cpu", dtype="float32")
    items = load_benchmark("nano", 4)
    hot = Sampling(temperature=0.8, seed=2)
    try:
        with RunStore(tmp_path / "grid", {}) as grid, RunStore(tmp_path / "one", {}) as one:
            swept = await evaluate_grid(model, items, [16, None], [0, 1], "Wait", hot, grid)
            alone = await evaluate(model, items, one_by_one([16], [1]), hot, one)
    finally:
        model.close()
    points = {row_key(row): row["segments"] for row in swept}
    assert len(alone) == 12
    assert all(points[row_key(row)] == row["segments"] for row in alone)
