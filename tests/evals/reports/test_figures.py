"""Figures and metric tables."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from evals import report
from evals.reports import figures
from evals.reports.cached import published_series
from evals.reports.figures import (
    ImageUnavailable,
    accuracy_figure,
    metrics_csv,
    metrics_markdown,
    write_html,
    write_image,
)
from evals.reports.series import Point, Provenance, Series
from s1core.store import RunStore


def series(provenance: Provenance, model: str = "m", label: str | None = "budget 4") -> Series:
    points = tuple(
        Point(thinking_tokens=x, accuracy=y, n=10, low=y - 5, high=y + 5, label=label)
        for x, y in ((0.0, 10.0), (64.0, 50.0))
    )
    return Series(
        benchmark="B", model=model, method="f", provenance=provenance, source="src", control=100.0, points=points
    )


def test_origins_differ_in_marker_and_words() -> None:
    figure = accuracy_figure([series("published", label=None), series("measured")], "B")
    lines = [trace for trace in figure.data if trace.showlegend is not False]  # pyright: ignore
    assert [line.marker.symbol for line in lines] == ["diamond-open", "circle"]  # pyright: ignore
    assert ["(published)" in line.name for line in lines] == [True, False]  # pyright: ignore
    assert "not labelled in the source" in lines[0].hovertext[0]  # pyright: ignore
    assert "n = 10" in lines[1].hovertext[0]  # pyright: ignore
    assert "setting: budget 4" in lines[1].hovertext[0]  # pyright: ignore
    assert sum(1 for _ in figure.data) == 4  # pyright: ignore


def test_the_axis_is_log2_and_shows_zero() -> None:
    axis = accuracy_figure([series("measured")]).layout.xaxis  # pyright: ignore
    assert axis.type == "log"
    assert list(axis.ticktext)[:2] == ["0", "64"]


def test_a_point_of_unknown_tokens_is_left_off_the_axis_and_counts_in_tables() -> None:
    known = series("imported")
    unknown = replace(known.points[0], thinking_tokens=None, accuracy=90.0)
    both = replace(known, points=(unknown, *known.points))
    (band, line) = accuracy_figure([both]).data  # pyright: ignore
    assert list(line.y) == [10.0, 50.0] and len(band.x) == 4  # pyright: ignore
    assert metrics_csv([both]).splitlines()[1].split(",")[-4:] == ["3", "100.0", "625.00", "90.0"]
    alone = replace(known, points=(unknown,))
    assert not accuracy_figure([alone]).data  # pyright: ignore
    assert metrics_csv([alone]).splitlines()[1].split(",")[-4:] == ["1", "100.0", "–", "90.0"]


def test_the_page_is_self_contained_and_names_are_text(tmp_path: Path) -> None:
    write_html(accuracy_figure([series("imported", "</script><script>alert(1)</script>")]), tmp_path / "f.html")
    page = (tmp_path / "f.html").read_text()
    assert "<script>alert(1)" not in page
    assert "<script src" not in page


def test_metrics_of_the_published_curve() -> None:
    curve = next(s for s in published_series() if s.benchmark == "AIME24" and len(s.points) == 7)
    table = metrics_markdown([curve])
    assert "| 56.7 |" in table
    assert "| – |" in table  # control was not published for these points
    assert metrics_csv([series("measured")]).splitlines()[1] == 'B,"m, f (measured)",2,100.0,625.00,50.0'


def test_a_bar_in_a_name_opens_no_column() -> None:
    assert "a \\| b" in metrics_markdown([series("imported", "a | b")])


def test_without_a_browser_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures.shutil, "which", lambda name: None)
    with pytest.raises(ImageUnavailable, match="apt install chromium"):
        write_image(accuracy_figure([series("measured")]), tmp_path / "f.png")


def test_the_report_writes_tables_and_figures(tmp_path: Path) -> None:
    keys = {"id": "1", "group": "g", "sample_index": 0, "answered": True, "correct": True}
    with RunStore(tmp_path / "run", {"benchmark": "nano", "model": "m", "settings": []}) as store:
        store.append({**keys, "setting": "natural", "thinking_tokens": 5})
        store.append({**keys, "setting": "natural", "thinking_tokens": 7, "id": "2", "correct": False})
        for number in ("1", "2"):
            store.append({**keys, "setting": "1 x Wait", "thinking_tokens": 9, "id": number})
    out = tmp_path / "report"
    assert report.main([str(tmp_path / "run"), "--out", str(out), "--no-images"]) == 0
    assert sorted(p.name for p in out.iterdir()) == ["accuracy-nano.html", "metrics.csv", "report.md", "table.json"]
    told = json.loads((out / "table.json").read_text())["runs"]
    assert [(run["benchmark"], run["model"], run["questions"], run["sampling"]) for run in told] == [
        ("nano", "m", 2, "greedy")
    ]
    settings = [(s["setting"], s["n"], s["accuracy"], s["thinking_tokens"]) for s in told[0]["settings"]]
    assert settings == [("natural", 2, 50.0, 6.0), ("1 x Wait", 2, 100.0, 9.0)]
    change = told[0]["changes"][0]
    assert (change["setting"], change["baseline"], change["fixed"], change["broken"]) == ("1 x Wait", "natural", 1, 0)
    assert told[0]["groups"] == [{"group": "g", "n": 2, "accuracy": {"natural": 50.0, "1 x Wait": 100.0}}]
    assert report.main([str(tmp_path / "none"), "--out", str(out)]) == 2


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_images_are_drawn_by_chromium(tmp_path: Path) -> None:
    figure = accuracy_figure([series("measured")], "B")
    write_image(figure, tmp_path / "f.png")
    write_image(figure, tmp_path / "f.svg")
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "f.svg").read_text().startswith("<svg")


def test_a_series_of_one_point_shows_its_interval_as_a_bar() -> None:
    many = series("measured")
    (line,) = figures.series_traces(replace(many, points=many.points[1:]), colour="black")
    assert (tuple(line.error_y.array), tuple(line.error_y.arrayminus)) == ((5.0,), (5.0,))  # pyright: ignore
    assert [trace.fill for trace in figures.series_traces(many, colour="black")] == ["toself", None]
