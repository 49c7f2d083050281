"""Methods on a benchmark: rows with what they cost, the command, and their curves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evals import methods as command
from evals.benchmarks import Item, load_benchmark
from evals.evaluate import run_config
from evals.methods import evaluate_methods, evaluate_samples
from evals.reports.cached import packed_series, run_series
from evals.reports.figures import accuracy_figure
from evals.reports.packed_run import pack
from evals.reports.series import along
from evals.reports.summary import as_table
from evals.samples import votes
from s1core import Sampling, load_engine
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting
from s1core.methods import read_methods
from s1core.store import RunStore, read_rows


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = load_engine("s1-nano")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return load_benchmark("nano", 6)


async def test_rows_say_what_each_method_cost(engine: Engine, items: list[Item], tmp_path: Path) -> None:
    lines = (
        "forcing",
        "early-exit:every=8,equal=2",
        "vote:samples=3",
        "adaptive-vote:samples=3",
        "rejection:budget=24,attempts=2",
        "no-wait:budget=64",
        "asking:tokens=16",
        "best-of-n:samples=2",
        "rebase:width=2",
    )
    methods = [method for line in lines for method in read_methods(line)]
    config = run_config(engine, "nano", items, [method.as_dict() for method in methods], Sampling())
    with RunStore(tmp_path / "run", config) as store:
        rows = await evaluate_methods(engine, items, methods, Sampling(), store, concurrency=8)
    assert len(rows) == len(methods) * len(items)
    for row in rows:
        parts = ("thinking_tokens", "answer_tokens", "probe_tokens", "discarded_tokens")
        assert row["total_tokens"] == sum(row[part] for part in parts) >= row["sequential_tokens"] > 0
        assert row["seconds"] > 0 and list(row)[-1] == "segments"
    drawn = [row for row in rows if row["setting"] == "majority of 3"]
    assert all(row["runs"] == row["details"]["samples"] == 3 for row in drawn)
    assert all(row["sequential_tokens"] < row["total_tokens"] for row in drawn)
    series = {one.method: one for one in run_series(tmp_path / "run")}
    assert set(series) == {method.title for method in methods}, "a curve for each method"
    assert series["conditional control"].control is not None
    (tree,) = [row["details"]["tree"] for row in rows if row["setting"].startswith("width 2")][:1]
    assert sum(node["finished"] for node in tree) == 2
    (point,) = series["majority vote"].points
    assert point.total_tokens == sum(row["total_tokens"] for row in drawn) / len(drawn)
    assert point.sequential_tokens is not None and point.seconds is not None
    assert series["majority vote"].control is None, "the budget is that of a run, not of the vote"
    (drawn_along,) = [along(one, "total_tokens") for one in (series["majority vote"],)]
    assert drawn_along.points[0].thinking_tokens == point.total_tokens
    assert accuracy_figure([drawn_along]).layout.xaxis.title.text == "average total tokens, log2"
    pack(tmp_path / "run", tmp_path / "run.jsonl.gz")
    assert {one.method: one.points for one in packed_series(tmp_path / "run.jsonl.gz")} == {
        one.method: one.points for one in series.values()
    }


async def test_a_vote_is_that_of_the_samples_alone(engine: Engine, items: list[Item], tmp_path: Path) -> None:
    hot = Sampling(temperature=1.0, seed=2)
    with RunStore(tmp_path / "samples", {}) as store:
        samples = await evaluate_samples(engine, items, 4, hot, store, concurrency=4)
    with RunStore(tmp_path / "methods", {}) as store:
        rows = await evaluate_methods(engine, items, read_methods("vote:samples=1+4"), hot, store, concurrency=4)
    expected = {(row["id"], row["setting"]): row for row in votes(samples, [1, 4])}
    for row in rows:
        other = expected[row["id"], row["setting"]]
        for key in ("answer", "correct", "thinking_tokens", "answer_tokens", "segments"):
            assert row[key] == other[key]


def test_the_command_measures_resumes_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["--model", "s1-nano", "--limit", "3", "--out", str(tmp_path / "run")]
    argv += ["--method", "early-exit:every=8,equal=1+2", "--method", "forcing:waits=1"]
    assert command.main(argv) == 0
    printed = capsys.readouterr().out
    assert "| setting | accuracy % | total tokens | sequential tokens | seconds |" in printed
    assert "| 1 equal answer, every 8 |" in printed and "| 1 x Wait |" in printed
    before = list(read_rows(tmp_path / "run"))
    assert len(before) == 9
    assert command.main(argv) == 0
    assert list(read_rows(tmp_path / "run")) == before, "nothing was asked again"
    table = as_table(tmp_path / "run")["settings"]
    assert all(setting["total_tokens"] >= setting["sequential_tokens"] for setting in table)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "no method is given"),
        (["forcing", "forcing:waits=0"], "two methods are called 'natural'"),
        (["x"], "no method 'x'"),
    ],
)
def test_the_command_refuses_what_it_cannot_measure(
    lines: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([part for line in lines for part in ("--method", line)]) == 2
    assert said in capsys.readouterr().err


async def test_two_methods_of_one_name_are_refused(engine: Engine, items: list[Item], tmp_path: Path) -> None:
    with RunStore(tmp_path, {}) as store, pytest.raises(InvalidSetting, match="two methods"):
        twice = read_methods("forcing") * 2
        await evaluate_methods(engine, items, twice, Sampling(), store, concurrency=1)
