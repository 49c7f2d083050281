"""Runs over a scripted engine: resumable, equal to a sweep, and told in tables."""

import asyncio
import re
from pathlib import Path

import pytest

from evals.benchmarks import Item, load_benchmark
from evals.evaluate import code_commit, evaluate, evaluate_grid, row_key, run_facts
from evals.reports.summary import by_setting, compare, markdown, summarise, without_waits
from evals.settings import ENDS, NATURAL, grid_label, one_by_one, parse_counts
from s1core import Budget, Sampling
from s1core.engines.base import Engine
from s1core.engines.scripted import ScriptedEngine
from s1core.errors import EngineFailed, InvalidSetting
from s1core.grading import grade
from s1core.problems import FAMILIES
from s1core.store import Row, RunStore

ITEMS = [Item(id=str(i), question=f"question {i}", answer="3", kind="text", group="ab"[i % 2]) for i in range(6)]


def script(text: str, _request: int) -> str:
    """Right after a Wait; without one, right on every third question."""
    if "<|im_start|>answer" in text:
        right = "Wait" in text or "question 0" in text or "question 3" in text
        return (" " if text.endswith(":") else "\nFinal Answer: ") + ("3" if right else "2") + "<|im_end|>"
    return (", again.\n" if "Wait" in text else "\nMaybe 2.\n") + "<|im_start|>"


def run(store: RunStore, engine: Engine | None = None) -> list[Row]:
    settings = one_by_one([0, 4], [1])
    return asyncio.run(evaluate(engine or ScriptedEngine(script), ITEMS, settings, Sampling(), store, concurrency=3))


def test_every_question_meets_every_setting(tmp_path: Path) -> None:
    with RunStore(tmp_path, {}) as store:
        groups = by_setting(run(store))
    assert {name: len(rows) for name, rows in groups.items()} == {
        "budget 0": 6,
        "budget 4": 6,
        NATURAL: 6,
        "1 x Wait": 6,
    }
    assert sum(row["correct"] for row in groups[NATURAL]) == 2
    assert all(row["correct"] for row in groups["1 x Wait"])


def test_an_interrupted_run_asks_only_what_is_missing(tmp_path: Path) -> None:
    class Failing(ScriptedEngine):
        async def agenerate(self, request):  # type: ignore[no-untyped-def]
            if len(self.requests) > 12:
                raise EngineFailed("the engine stopped; start it again")
            async for chunk in super().agenerate(request):
                yield chunk

    with RunStore(tmp_path, {}) as store, pytest.raises(EngineFailed, match="stopped"):
        run(store, Failing(script))
    with RunStore(tmp_path, {}) as store:
        before = len(list(store.rows()))
        assert 0 < before < 24
        rows = run(store)
    assert len({(row["id"], row["setting"]) for row in rows}) == len(rows) == 24


def test_a_question_that_a_kill_left_in_part_is_completed(tmp_path: Path) -> None:
    def grid(store: RunStore) -> list[Row]:
        work = evaluate_grid(ScriptedEngine(script), ITEMS, [0, 4, None], [0, 1], "Wait", Sampling(), store)
        return asyncio.run(work)

    with RunStore(tmp_path, {}) as store:
        whole = grid(store)
    lines = (tmp_path / "samples.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "samples.jsonl").write_bytes(b"".join(lines[:10]) + lines[10][:9])
    with RunStore(tmp_path, {}) as store:
        again = grid(store)
        assert list(store.rows()) == again
    assert sorted(map(row_key, again)) == sorted(map(row_key, whole))
    assert {row_key(row): row for row in again} == {row_key(row): row for row in whole}


def test_a_run_knows_the_code_that_made_it() -> None:
    commit = code_commit()
    assert commit is None or re.fullmatch(r"[0-9a-f]{40}\+?", commit)
    assert run_facts()["commit"] == commit


def test_a_grid_gives_the_same_samples_as_single_runs(tmp_path: Path) -> None:
    with RunStore(tmp_path / "a", {}) as store:
        single = run(store)
    with RunStore(tmp_path / "b", {}) as store:
        work = evaluate_grid(ScriptedEngine(script), ITEMS, [0, 4, None], [0, 1], "Wait", Sampling(), store)
        grid = asyncio.run(work)
    key = {(row["id"], row["setting"]): row for row in grid}
    assert len(grid) == 36
    for row in single:
        assert key[row["id"], row["setting"]] == row


def test_waits_are_paired_with_the_natural_stop(tmp_path: Path) -> None:
    with RunStore(tmp_path, {}) as store:
        groups = by_setting(run(store))
    change = compare("1 x Wait", groups["1 x Wait"], NATURAL, groups[NATURAL])
    assert (change.fixed, change.wrong, change.broken, change.right) == (4, 4, 0, 2)


def test_in_a_grid_waits_are_paired_with_the_same_budget(tmp_path: Path) -> None:
    with RunStore(tmp_path, {}) as store:
        work = evaluate_grid(ScriptedEngine(script), ITEMS, [4, None], [0, 1], "Wait", Sampling(), store)
        text = markdown(asyncio.run(work), ["budget 4", "natural", "budget 4, 1 x Wait", "1 x Wait"])
    assert "| budget 4, 1 x Wait against budget 4 |" in text
    assert "| 1 x Wait against natural | 4 of 4 (100.0 %) |" in text
    assert without_waits("budget 4") is None and without_waits("natural") is None


@pytest.mark.parametrize(("budgets", "waits", "at_once"), [([], [0], 1), ([4], [], 1), ([4], [0], 0)])
def test_a_run_that_would_measure_nothing_is_refused(
    tmp_path: Path, budgets: list[int | None], waits: list[int], at_once: int
) -> None:
    with RunStore(tmp_path, {}) as store, pytest.raises(InvalidSetting):
        engine = ScriptedEngine(script)
        asyncio.run(
            evaluate_grid(engine, ITEMS, budgets, waits, "Wait", Sampling(), store, concurrency=at_once),
        )


def test_the_report_carries_n_and_intervals(tmp_path: Path) -> None:
    with RunStore(tmp_path, {}) as store:
        text = markdown(run(store), ["budget 0", "budget 4", NATURAL, "1 x Wait"])
    assert "| natural | 33.3 | 9.7 – 70.0 | 6 |" in text
    assert "4 of 4 (100.0 %)" in text
    assert "| a | 3 |" in text and "| b | 3 |" in text


@pytest.mark.parametrize(
    ("point", "label"),
    [((None, 0), "natural"), ((64, 0), "budget 64"), ((None, 2), "2 x Wait"), ((0, 1), "budget 0, 1 x Wait")],
)
def test_labels(point: tuple[int | None, int], label: str) -> None:
    assert grid_label(*point, "Wait") == label


def test_counts_are_read_or_refused() -> None:
    assert parse_counts("0, 16,32") == [0, 16, 32]
    for bad in ("a", "1,-2", "1.5"):
        with pytest.raises(InvalidSetting):
            parse_counts(bad)


def test_the_nano_benchmark_is_frozen_and_large() -> None:
    items = load_benchmark("nano")
    assert len(items) >= 1000 and len({item.group for item in items}) >= 5
    assert items[:10] == load_benchmark("nano", 10)


def test_the_problems_benchmark_is_frozen_and_of_every_family() -> None:
    items = load_benchmark("problems")
    assert len(items) == 1200 and len({item.question for item in items}) == 1200
    assert {item.group for item in items} == set(FAMILIES)
    assert items[:34] == load_benchmark("problems", 34)
    assert all(grade(f"Final Answer: {item.answer}", item.answer, item.kind).correct for item in items)


def test_the_paraphrases_are_a_benchmark_of_their_own() -> None:
    items = load_benchmark("problems-paraphrased")
    assert len(items) >= 150 and {item.group for item in items} == set(FAMILIES)
    assert len({item.group for item in load_benchmark("problems-paraphrased", 17)}) == 17


@pytest.mark.parametrize("name", ["nano", "problems", "problems-paraphrased"])
def test_a_bundled_benchmark_takes_no_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=f"{name} has its own questions"):
        load_benchmark(name, data=tmp_path / "x.jsonl")


def test_an_unknown_benchmark_lists_the_known_ones() -> None:
    with pytest.raises(InvalidSetting, match="nano"):
        load_benchmark("mmlu")


def test_rows_and_reports_tell_how_the_thinking_ended(tmp_path: Path) -> None:
    def circling(text: str, _request: int) -> str:
        if "<|im_start|>answer" in text:
            return " 3" + "x" * 200
        return ("So 3. " * 9 if "question 0" in text else "".join(map(chr, range(33, 93)))) + "<|im_start|>"

    rest = Budget(landing_text="|end|", landing_share=0.5, loop_repeats=3, final_answer_text="So:")
    engine = ScriptedEngine(circling)
    with RunStore(tmp_path / "grid", {}) as store:
        rows = asyncio.run(evaluate_grid(engine, ITEMS, [40, 80], [0], "Wait", Sampling(), store, rest=rest))
    with RunStore(tmp_path / "each", {}) as store:
        each = asyncio.run(evaluate(engine, ITEMS, one_by_one([40, 80], [], rest=rest), Sampling(), store))
    told = {row_key(row): (row["closed_by"], row["landing"], row["spill"], row["segments"]) for row in rows}
    assert told == {row_key(row): told[row_key(row)] for row in each if row["setting"] != NATURAL}
    assert {key[0]: value[:3] for key, value in told.items()} == {
        item.id: ("loop", None, "long") if item.id == "0" else ("budget", "hard", "long") for item in ITEMS
    }
    ends = summarise("budget 40", by_setting(rows)["budget 40"]).ends
    assert ends is not None and (ends.looped.percent, ends.spilled.percent) == (pytest.approx(100 / 6), 100.0)
    assert ends.landed is not None and ends.landed.percent == 0
    line = "| budget 40 | 83.3 (43.6 – 97.0) | 16.7 (3.0 – 56.4) | 0.0 (0.0 – 43.4) | 100.0 (61.0 – 100.0) |"
    assert line in markdown(rows, ["budget 40", "budget 80"])


def test_old_rows_tell_nothing_of_their_ends() -> None:
    row = {"setting": "natural", "correct": True, "answered": True, "thinking_tokens": 3, "id": "q", "group": "g"}
    assert summarise("natural", [row]).ends is None and "how the thinking ended" not in markdown([row], ["natural"])


def test_settings_without_landings_are_named_as_before() -> None:
    plain, landed = one_by_one([8], [])[0], one_by_one([8], [], rest=Budget(landing_text="x"))[0]
    assert not set(plain.as_dict()) & set(ENDS) and landed.as_dict()["landing_text"] == "x"
    assert plain.as_dict()["final_answer_text"] == "Final Answer:"
