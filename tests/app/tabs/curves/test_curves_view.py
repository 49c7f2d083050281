"""What the page is told of series, samples and traces."""

from __future__ import annotations

import json

import pytest

from app.artifacts.curves.series import NANO, PROBLEMS, benchmark_views, hides_texts, series_views
from app.runs import render
from app.tabs.curves.samples import PAGE, find_point, paired, sample_list, sample_trace, trace_text
from evals.reports.cached import published_series, series_of
from s1core.errors import InvalidSetting
from tests.app.tabs.curves.curves_data import CONFIG, QUESTIONS, row, rows


def measured_views():
    return series_views(series_of(CONFIG, rows(), source="nano-sweep"), run="nano-sweep")


def test_every_published_series_becomes_a_view_with_its_figure_and_gaps() -> None:
    views = series_views(published_series())
    assert len(views) == len(published_series()) == len({view["id"] for view in views})
    assert {view["origin"] for view in views} == {"published"}
    assert all(view["run"] is None and view["source"] for view in views)
    unlabelled = [point for view in views for point in view["points"] if point["label"] is None]
    assert unlabelled and all(point["waits"] == 0 for point in unlabelled)
    json.dumps(views, allow_nan=False)


def test_series_keep_their_names_from_one_start_to_the_next() -> None:
    first, second = series_views(published_series()), series_views(reversed(published_series()))
    assert {view["id"] for view in first} == {view["id"] for view in second}


def test_a_view_has_points_in_the_order_of_its_line_and_the_metrics_of_the_core() -> None:
    main = measured_views()[0]
    assert [point["label"] for point in main["points"]] == ["budget 8", "natural", "1 x Wait"]
    line = main["traces"][-1]
    assert list(line["x"]) == [point["tokens"] for point in main["points"]] == [8.0, 20.0, 50.0]
    assert [len(main["traces"]), main["traces"][0]["fill"]] == [2, "toself"]
    assert main["metrics"] == {"control": "100.0", "scaling": "2103.17", "performance": "83.3"}
    assert "n = 6" in line["hovertext"][2] and "setting: 1 x Wait" in line["hovertext"][2]


def test_slices_of_a_grid_are_not_shown_first_and_waits_are_told() -> None:
    main, waits = measured_views()
    assert (main["featured"], waits["featured"]) == (True, False)
    assert [point["waits"] for point in waits["points"]] == [1, 1]


def test_the_own_benchmark_is_always_offered_and_comes_first() -> None:
    assert [view["name"] for view in benchmark_views([])] == [PROBLEMS, NANO]
    names = [view["name"] for view in benchmark_views([*series_views(published_series()), {"benchmark": "other"}])]
    assert names[0] == PROBLEMS and NANO in names and names[-1] == "other" and "AIME24" in names


def test_waits_fix_and_break_relative_to_the_same_budget_without() -> None:
    point = find_point(CONFIG, rows(), "1 x Wait")
    assert point.baseline == "natural"
    listed = sample_list(point, "all", 0)
    assert listed["counts"] == {"all": 6, "right": 5, "wrong": 1, "fixed": 2, "broken": 1}
    assert [s["change"] for s in listed["samples"]] == ["broken", "", "", "", "fixed", "fixed"]
    assert len(sample_list(point, "fixed", 0)["samples"]) == 2
    assert [s["correct"] for s in sample_list(point, "broken", 0)["samples"]] == [False]
    assert find_point(CONFIG, rows(), "budget 8, 1 x Wait").baseline == "budget 8"
    assert find_point(CONFIG, rows(), "natural").baseline is None


def test_without_that_budget_the_natural_run_is_the_baseline() -> None:
    some = [r for r in rows() if r["setting"] != "budget 8"]
    assert find_point(CONFIG, some, "budget 8, 1 x Wait").baseline == "natural"


def test_samples_come_in_pages() -> None:
    many = [{**row(0, "natural"), "sample_index": index} for index in range(PAGE + 3)]
    point = find_point(CONFIG, many, "natural")
    assert len(sample_list(point, "all", 0)["samples"]) == PAGE
    assert [s["index"] for s in sample_list(point, "all", PAGE)["samples"]] == [PAGE, PAGE + 1, PAGE + 2]
    assert sample_list(point, "all", 10**6)["samples"] == []


def test_a_setting_or_sample_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(InvalidSetting, match="no such setting"):
        find_point(CONFIG, rows(), "<script>")
    with pytest.raises(InvalidSetting, match="no such sample"):
        sample_trace(find_point(CONFIG, rows(), "natural"), "nobody", 0, hidden=False)


def test_a_trace_carries_its_provenance_and_the_verdicts_before_and_after() -> None:
    point = find_point(CONFIG, rows(), "1 x Wait")
    shown = sample_trace(point, point.rows[0]["id"], 0, hidden=False)
    assert shown["text"].startswith(f"{render.MODEL}First look.\n{render.WAIT}1{render.LABEL_END}Wait{render.MODEL}")
    assert f"{render.CLOSE_BY_MODEL}model stopped on its own · token 50{render.LABEL_END}" in shown["text"]
    assert (shown["correct"], shown["answer"]) == (False, "nonsense")
    assert shown["before"] == {"setting": "natural", "answer": shown["expected"], "correct": True}
    assert shown["question"].endswith(("?", ".")) and ["Thinking", "50 tokens"] in shown["facts"]


def test_a_forced_close_says_what_was_spent() -> None:
    text = trace_text(row(0, "budget 8"))
    assert f"{render.CLOSE_FORCED}budget reached · 8 tokens{render.LABEL_END}Final Answer:" in text


def test_marks_in_a_models_text_are_no_marks() -> None:
    forged = {**row(0, "natural"), "segments": [["model", "thinking", f"a{render.WAIT}1{render.LABEL_END}b"]]}
    assert trace_text(forged) == f"{render.MODEL}a1b"


def test_a_very_long_trace_is_cut_and_says_so() -> None:
    text = trace_text({**row(0, "natural"), "segments": [["model", "thinking", "x" * 300_000]]})
    assert 200_000 < len(text) < 200_100 and "too long to be shown" in text


def test_private_texts_stay_hidden_in_public_only() -> None:
    assert hides_texts("gpqa_diamond", public=True) and hides_texts("GPQA Diamond", public=True)
    assert not hides_texts("gpqa_diamond", public=False) and not hides_texts("nano", public=True)
    point = find_point(CONFIG, rows(), "natural")
    shown = sample_trace(point, point.rows[0]["id"], 0, hidden=True)
    assert shown["text"] == "" and "no public page" in shown["note"]


def test_two_points_are_compared_on_the_questions_they_share() -> None:
    found = rows()
    a = [r for r in found if r["setting"] == "natural"]
    b = [r for r in found if r["setting"] == "1 x Wait"]
    assert paired(a, b) == {
        "n": QUESTIONS,
        "first": pytest.approx(100 * 4 / 6),
        "second": pytest.approx(100 * 5 / 6),
        "fixed": 2,
        "wrong": 2,
        "broken": 1,
        "right": 4,
        "p": 1.0,
    }
    half = paired(a[:3], b)
    assert half is not None and half["n"] == 3 and half["broken"] == 1
    assert paired(a[:2], b[3:]) is None


def test_a_sample_without_a_trace_says_why() -> None:
    for changed, said in (({}, "kept without its texts"), ({"rule": "no_attempt_fits"}, "No attempt ended within")):
        rows_of_one = [{**row(0, "natural"), "segments": [], **changed}]
        point = find_point(CONFIG, rows_of_one, "natural")
        assert said in sample_trace(point, rows_of_one[0]["id"], 0, hidden=False)["note"]
