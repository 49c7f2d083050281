"""Published series, series of runs, and packed runs."""

import json
from pathlib import Path

import pytest

from evals import publish
from evals.reports.cached import PUBLISHED, published_series, published_tables, run_series, series_of
from evals.reports.packed_run import PackError, pack, read_packed
from evals.reports.series import FORCING
from s1core.store import Row, RunStore, read_rows

CURVES = Path(__file__).parents[4] / "shared" / "data" / "published_curves.json"
THOUGHT = [["model", "thinking", "abc"], ["wait", "thinking", "Wait"], ["model", "thinking", "def"]]


def row(item: int, setting: str, thinking: list[list[str]], *, correct: bool = True, tokens: int = 4) -> Row:
    rest = [["close", "answer", "|"], ["model", "answer", "3"]]
    return {
        "id": str(item),
        "group": "g",
        "setting": setting,
        "sample_index": 0,
        "answer": "3",
        "correct": correct,
        "rule": "integer",
        "answered": True,
        "thinking_tokens": tokens,
        "segments": [*thinking, *rest],
    }


def make_run(folder: Path, benchmark: str = "nano") -> list[Row]:
    rows = [
        r
        for i in range(3)
        for r in (
            row(i, "budget 4", [THOUGHT[0], ["wait", "thinking", "W"]], correct=i > 0),
            row(i, "1 x Wait", THOUGHT, tokens=10),
            row(i, "budget 9", [["model", "thinking", "other"]], tokens=9),
        )
    ]
    grid = {"method": "sweep", "budgets": [4, 9, None], "waits": [0, 1], "wait_text": "Wait"}
    with RunStore(folder, {"benchmark": benchmark, "model": "s1-nano", "settings": [grid]}) as store:
        store.append(*rows)
    return rows


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz"])
def test_a_packed_run_gives_back_its_rows(tmp_path: Path, name: str) -> None:
    rows = make_run(tmp_path / "run")
    assert pack(tmp_path / "run", tmp_path / name) == 3
    header, back = read_packed(tmp_path / name)
    assert list(back) == rows == list(read_rows(tmp_path / "run"))
    assert header["config"]["model"] == "s1-nano"
    first = (tmp_path / name).read_bytes()
    pack(tmp_path / "run", tmp_path / name)
    assert (tmp_path / name).read_bytes() == first


def test_a_private_benchmark_is_packed_without_texts(tmp_path: Path) -> None:
    make_run(tmp_path / "run", "gpqa_diamond")
    pack(tmp_path / "run", tmp_path / "r.jsonl")
    assert all(r["segments"] == [] for r in read_packed(tmp_path / "r.jsonl")[1])
    assert 'Wait"' not in (tmp_path / "r.jsonl").read_text().partition("\n")[2]


def test_a_private_benchmark_is_packed_without_its_questions(tmp_path: Path) -> None:
    for benchmark, kept in (("gpqa_diamond", False), ("aime24", True)):
        with RunStore(tmp_path / benchmark, {"benchmark": benchmark, "model": "m", "settings": []}) as store:
            store.append({**row(0, "natural", THOUGHT, tokens=10), "question": "SECRET?", "target": "SECRET"})
        pack(tmp_path / benchmark, tmp_path / f"{benchmark}.jsonl")
        assert ("SECRET" in (tmp_path / f"{benchmark}.jsonl").read_text()) is kept


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("{}\n")
    with pytest.raises(PackError, match="no packed run"):
        read_packed(tmp_path / "x.jsonl")


def test_a_run_gives_one_main_curve_with_intervals(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    (main,) = run_series(tmp_path / "run")
    assert (main.method, main.provenance, main.control) == (FORCING, "measured", 100.0)
    assert [(p.label, p.thinking_tokens, p.n) for p in main.points] == [
        ("budget 4", 4.0, 3),
        ("budget 9", 9.0, 3),
        ("1 x Wait", 10.0, 3),
    ]
    low = main.points[0].low
    assert low is not None
    assert low < main.points[0].accuracy == pytest.approx(66.667, abs=0.01)
    assert main.points[0].setting == {"max_thinking_tokens": 4, "waits": 0, "wait_text": "Wait"}


def test_waits_with_budgets_are_a_curve_of_their_own() -> None:
    grid = {"budgets": [4, None], "waits": [0, 1], "wait_text": "Wait"}
    labels = ["budget 4", "natural", "budget 4, 1 x Wait", "1 x Wait"]
    series = series_of({"settings": [grid]}, [row(0, label, []) for label in labels], source="x")
    assert [(s.method, len(s.points)) for s in series] == [(FORCING, 3), (f"{FORCING}, 1 x Wait", 2)]


def test_a_run_with_a_method_of_its_own_is_one_series_with_its_control() -> None:
    config = {"method": "token-conditional control", "note": "said", "settings": [{"label": "a"}, {"label": "b"}]}
    rows = [
        {**row(0, label, []), "kept": kept} for label, kept in (("a", True), ("a", True), ("b", True), ("b", False))
    ]
    (one,) = series_of(config, rows, source="x")
    assert (one.method, one.note, one.control, len(one.points)) == ("token-conditional control", "said", 75.0, 2)


def test_published_points_keep_their_figure_and_gaps() -> None:
    series = published_series()
    math500 = next(s for s in series if s.benchmark == "MATH500")
    assert "visuals/scaling.pdf" in math500.source
    assert [round(p.accuracy, 1) for p in math500.points] == [64.0, 80.0, 85.6, 90.6, 93.2]
    assert [p.label for p in math500.points][3:] == [None, None]
    assert [p.setting for p in math500.points][3:] == [None, None]
    assert all(s.provenance == "published" and s.source for s in series)
    assert published_tables()["models"].rows[-1][0] == "s1.1-32B"
    assert all(table.source for table in published_tables().values())


@pytest.mark.skipif(not CURVES.exists(), reason="the digitised curves are not beside the checkout")
def test_the_committed_file_is_what_the_converter_makes(tmp_path: Path) -> None:
    assert publish.main([str(CURVES), "--out", str(tmp_path / "p.json")]) == 0
    assert (tmp_path / "p.json").read_text() == PUBLISHED.read_text()
    given = json.loads(CURVES.read_text())["curves"]
    points = {(p["avg_thinking_tokens"], p["correct"]) for c in given for p in c["points"] if "correct" in p}
    made = json.loads(PUBLISHED.read_text())["series"]
    assert {(p["thinking_tokens"], p["correct"]) for s in made for p in s["points"]} == points
