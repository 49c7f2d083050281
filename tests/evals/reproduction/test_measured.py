"""Samples into votes and rejections, control in rows, and the command that makes the measured cached evals."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evals import reproduce
from evals.benchmarks import Item, load_benchmark
from evals.evaluate import row_key
from evals.methods import ControlSetting, evaluate_controlled, evaluate_samples
from evals.reports.cached import MEASURED, packed_series
from evals.reports.packed_run import read_packed
from evals.reports.summary import by_setting
from evals.reproduction import measured_tables
from evals.reproduction.measured import DRAWN, EVALS, REJECTED, REJECTION_BUDGETS, SAMPLES, VOTED, VOTES
from evals.samples import rejections, votes
from s1core import Budget, Sampling, load_engine
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting
from s1core.methods import Control, arejection_sampling, majority_vote, vote_label
from s1core.store import Row, RunStore

HOT = Sampling(temperature=1.0, seed=4)
ROOT = Path(__file__).parents[3]
SHIPPED = sorted(MEASURED.rglob("*.jsonl.gz"))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = load_engine("s1-nano")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def drawn(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Item], list[Row]]:
    items = load_benchmark("nano", 24)
    with RunStore(tmp_path_factory.mktemp("samples"), {}) as store:
        return items, asyncio.run(evaluate_samples(engine, items, 6, HOT, store, concurrency=8))


async def test_rejections_read_off_the_samples_are_those_of_rejection_sampling(
    engine: Engine, drawn: tuple[list[Item], list[Row]]
) -> None:
    items, rows = drawn
    questions = {item.id: item.question for item in items}
    read_off = rejections(rows, [24, 64], attempts=4)
    budgets = [int(row["setting"].split()[-1]) for row in read_off]
    sampled = await asyncio.gather(
        *(
            arejection_sampling(engine, questions[row["id"]], budget, attempts=4, sampling=HOT)
            for row, budget in zip(read_off, budgets, strict=True)
        )
    )
    for row, budget, alone in zip(read_off, budgets, sampled, strict=True):
        assert (row["answer"], row["attempts"]) == (alone.answer, alone.attempts)
        assert row["sampled_tokens"] == alone.sampled_tokens
        if alone.trace is None:
            assert (row["answered"], row["correct"], row["thinking_tokens"]) == (False, False, budget)
        else:
            assert row["thinking_tokens"] == alone.trace.receipt.thinking_tokens <= budget
            assert "".join(text for *_, text in row["segments"]) == alone.trace.text


def test_votes_read_off_the_samples_are_those_of_a_majority_vote(
    engine: Engine, drawn: tuple[list[Item], list[Row]]
) -> None:
    items, rows = drawn
    counted = by_setting(votes(rows, [1, 3, 6]))
    for item in items[:6]:
        alone = majority_vote(engine, item.question, 6, sampling=HOT)
        for k in (1, 3, 6):
            row = next(row for row in counted[vote_label(k)] if row["id"] == item.id)
            assert row["answer"] == alone.at(k)
            assert row["thinking_tokens"] == sum(t.receipt.thinking_tokens for t in alone.traces[:k])
            assert 1 <= row["votes"] <= row["samples"] == k


def sample(index: int, answer: str | None, tokens: int = 5, closed_by: str = "model") -> Row:
    return {
        "id": "q",
        "group": "g",
        "setting": "1 sample",
        "sample_index": index,
        "answer": answer,
        "correct": answer == "3",
        "rule": "integer",
        "answered": answer is not None,
        "thinking_tokens": tokens,
        "answer_tokens": 2,
        "closed_by": closed_by,
        "segments": [["model", "thinking", f"thought {index}"]],
    }


def test_a_vote_has_the_trace_of_its_first_winner_and_the_tokens_of_all() -> None:
    rows = [sample(2, "3"), sample(0, "4"), sample(1, "3"), sample(3, None)]
    one, four = votes(rows, [1, 4])
    assert (one["answer"], one["correct"], one["thinking_tokens"]) == ("4", False, 5)
    assert (four["answer"], four["correct"], four["thinking_tokens"], four["votes"]) == ("3", True, 20, 2)
    assert four["segments"][0][2] == "thought 1"
    (nothing,) = votes([sample(0, None)], [1])
    assert (nothing["answer"], nothing["correct"], nothing["votes"]) == (None, False, 0)


def test_a_sample_that_was_cut_is_never_accepted() -> None:
    rows = [sample(0, "4", tokens=5, closed_by="context"), sample(1, "3", tokens=6), sample(2, "3", tokens=5)]
    (row,) = rejections(rows, [5], attempts=3)
    assert (row["attempts"], row["segments"][0][2]) == (3, "thought 2")
    assert row["sampled_tokens"] == 6 + 6 + 5 + 2


def test_control_says_what_was_kept(engine: Engine, tmp_path: Path) -> None:
    asked = [
        ControlSetting(control=Control.tokens(16)),
        ControlSetting(control=Control.tokens(16), budget=Budget(max_thinking_tokens=16)),
        ControlSetting(control=Control.steps(1), budget=Budget(max_thinking_tokens=32)),
        ControlSetting(control=Control.thinking("long"), budget=Budget(waits=1)),
    ]
    labels = [one.label for one in asked]
    assert labels == [
        "asked for 16 tokens",
        "asked for 16 tokens, budget 16",
        "asked for 1 step, budget 32",
        "asked for long thinking, 1 x Wait",
    ]
    with RunStore(tmp_path, {}) as store:
        items = load_benchmark("nano", 8)
        rows = asyncio.run(evaluate_controlled(engine, items, asked, Sampling(), store, concurrency=16))
        groups = by_setting(rows)
    assert sorted(groups) == sorted(labels)
    assert any(not row["kept"] and row["measured"] > 16 for row in groups[labels[0]])
    assert all(row["kept"] and row["measured"] == row["thinking_tokens"] <= 16 for row in groups[labels[1]])
    assert all(row["kept"] == (row["measured"] <= 1) for row in groups[labels[2]])
    assert all(row["kept"] is None and row["waits_used"] == 1 for row in groups[labels[3]])


def test_the_command_resumes_and_leaves_the_shipped_runs_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in SHIPPED}
    asked = ["--limit", "4", "--only", "word-hmm,majority-vote", "--runs", str(tmp_path)]
    assert reproduce.main(asked) == 0
    assert "Majority vote" in capsys.readouterr().out
    out = tmp_path / "packed-4"
    made = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.gz")}
    assert sorted(made) == ["majority-vote.jsonl.gz", "samples/temperature-1.jsonl.gz", "word-hmm.jsonl.gz"]
    runs = list(tmp_path.rglob("samples.jsonl"))
    sizes = [path.stat().st_size for path in runs]
    assert reproduce.main(asked) == 0
    assert [path.stat().st_size for path in runs] == sizes
    assert {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.gz")} == made
    assert {path: path.stat().st_mtime_ns for path in SHIPPED} == before


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "packed").write_text("in the way")
    asked = ["--limit", "1", "--only", "word-hmm", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "packed")]
    assert reproduce.main(asked) == 2
    assert "packed: File exists" in capsys.readouterr().err


def test_an_eval_of_no_such_name_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="known: budgets-and-waits"):
        reproduce.chosen("word-nope")
    assert [one.name for one in reproduce.chosen("rejection-sampling")] == [DRAWN.name, REJECTED.name]


# What ships.


def test_every_eval_ships_and_is_small() -> None:
    of_s1_nano = [path for path in SHIPPED if not path.name.startswith("miniature-")]
    assert [path.relative_to(MEASURED).as_posix() for path in of_s1_nano] == sorted(f"{e.name}.jsonl.gz" for e in EVALS)
    assert sum(path.stat().st_size for path in SHIPPED) <= 15 * 2**20


@pytest.mark.parametrize("one", EVALS, ids=lambda one: one.name)
def test_a_shipped_run_is_whole_and_of_this_definition(one: Any) -> None:
    header, found = read_packed(MEASURED / f"{one.name}.jsonl.gz")
    rows = list(found)
    assert header["config"]["settings"] == list(one.settings)
    assert header["config"].get("method") == one.method
    assert len({row_key(row) for row in rows}) == len(rows)
    assert {len(group) for group in by_setting(rows).values()} == {1200 * (SAMPLES if one is DRAWN else 1)}
    assert len(header["commit"].rstrip("+")) == 40
    assert not any("\\n/" in str(value) or "/home" in str(value) for value in header.values())


def test_shipped_votes_and_rejections_are_those_of_the_shipped_samples() -> None:
    samples = list(read_packed(MEASURED / f"{DRAWN.name}.jsonl.gz")[1])
    for one, derived in ((VOTED, votes(samples, VOTES)), (REJECTED, rejections(samples, REJECTION_BUDGETS, SAMPLES))):
        shipped = {row_key(row): row for row in read_packed(MEASURED / f"{one.name}.jsonl.gz")[1]}
        assert shipped == {row_key(row): row for row in derived}


def test_the_page_shows_the_tables_of_what_ships() -> None:
    assert measured_tables.tables(MEASURED) in (ROOT / "docs" / "reproduce.md").read_text(encoding="utf-8")


def test_each_shipped_run_is_a_curve_of_its_method() -> None:
    for one in EVALS:
        if one is DRAWN or one.method is None:
            continue
        (series,) = packed_series(MEASURED / f"{one.name}.jsonl.gz")
        assert (series.method, series.provenance, series.note) == (one.method, "measured", one.note)
        assert all(point.n == 1200 and point.low is not None for point in series.points)
