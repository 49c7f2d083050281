"""The Curves tab in a real browser, around a scripted engine under the name of s1-nano."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from evals.reports import cached
from tests.app.tabs.curves.curves_data import measured
from tests.app.tabs.curves.test_curves_routes import RESULTS, SAMPLES, lines, results, sample
from tests.browser.playground import PacedEngine, Playground, think
from tests.browser.visit import region, set_slider, soon

WAIT, CLOSE = '[data-source="wait"]', '[data-source="close"]'


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    engine = PacedEngine(think, delay_s=0.002)
    engine.model = "s1-nano"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cached, "MEASURED", measured(tmp_path_factory.mktemp("curves")))
        with Playground("s1-nano", {"s1-nano": engine}) as server:
            yield server


@pytest.fixture
def page(playground: Playground, open_page) -> Page:
    page = open_page(playground.url)
    page.get_by_role("tab", name="Curves").click()
    drawn(page)
    return page


def drawn(page: Page) -> None:
    expect(page.locator(".chart .main-svg").first).to_be_visible()


def markers(page: Page) -> Locator:
    return page.locator(".chart .scatterlayer path.point")


def click_marker(page: Page, number: int, *, shift: bool = False) -> None:
    """Click a point of the chart: its layer for events lies above the markers."""
    markers(page).nth(number).scroll_into_view_if_needed()
    box = markers(page).nth(number).bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    if shift:
        page.keyboard.down("Shift")
    page.mouse.move(x, y)
    expect(page.locator(".chart .hoverlayer .hovertext")).to_be_visible()
    page.mouse.click(x, y)
    if shift:
        page.keyboard.up("Shift")


def choose(page: Page, name: str) -> None:
    page.locator(".choice", has_text=re.compile(f"^{re.escape(name)}$")).click()


def notes(page: Page) -> Locator:
    return page.locator(".curves-notes")


def add_files(page: Page, *files: tuple[str, bytes]) -> None:
    given = [{"name": name, "mimeType": "application/json", "buffer": content} for name, content in files]
    page.get_by_label("Files to add").set_input_files(given)  # pyright: ignore


def test_the_measured_curve_is_there_with_its_metrics(page: Page) -> None:
    assert markers(page).count() == 3
    metrics = region(page, "Metrics")
    expect(metrics).to_contain_text("measured: nano-sweep")
    expect(metrics.get_by_role("row", name=re.compile("^1 x Wait"))).to_contain_text("83.3 [43.6, 97.0]")
    assert page.evaluate("typeof window.Plotly") == "object"


def test_hover_tells_the_setting_the_n_and_the_interval(page: Page) -> None:
    box = markers(page).nth(2).bounding_box()
    assert box
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    hover = page.locator(".chart .hoverlayer .hovertext")
    for words in ("setting: 1 x Wait", "n = 6", "[43.6, 97.0]", "measured: nano-sweep"):
        expect(hover).to_contain_text(words)


def test_published_points_differ_in_shape_and_words_and_keep_their_gaps(page: Page) -> None:
    circle = markers(page).first.get_attribute("d")
    choose(page, "MATH500")
    expect(region(page, "Metrics")).to_contain_text("published: simplescaling/s1")
    assert markers(page).first.get_attribute("d") != circle
    expect(region(page, "Metrics").locator(".unlabelled")).to_have_text(["not labelled", "not labelled"])
    click_marker(page, 0)
    expect(notes(page)).to_contain_text("its samples were never released")


def test_a_click_opens_the_samples_and_one_sample_its_trace(page: Page) -> None:
    click_marker(page, 2)
    samples = region(page, "Samples")
    expect(samples).to_contain_text("s1-nano, 1 x Wait")
    expect(samples.get_by_role("listitem")).to_have_count(6)
    samples.get_by_role("button", name="Fixed by Wait 2").click()
    expect(samples.get_by_role("listitem")).to_have_count(2)
    expect(samples.get_by_role("listitem").first).to_contain_text("fixed by Wait")
    samples.get_by_role("button", name="Broken by Wait 1").click()
    expect(samples.get_by_role("listitem")).to_have_count(1)
    samples.get_by_role("listitem").get_by_role("button").click()
    trace = region(page, "Sample trace")
    expect(trace.locator(f".trace-text {WAIT}")).to_have_text("Wait ①")
    expect(trace.locator(f".trace-text {CLOSE}")).to_contain_text("model stopped on its own · token 50")
    expect(trace).to_contain_text("nonsense ✗ wrong, expected")
    expect(trace).to_contain_text("Under “natural” it said")


def test_the_table_opens_samples_by_keyboard(page: Page) -> None:
    button = region(page, "Metrics").get_by_role("button", name="budget 8", exact=True)
    button.press("Enter")
    expect(region(page, "Samples")).to_contain_text("s1-nano, budget 8")
    expect(region(page, "Sample trace").locator(f".trace-text {CLOSE}")).to_contain_text("budget reached · 8 tokens")
    region(page, "Samples").get_by_role("button", name="Fixed by Wait 0").click()
    expect(region(page, "Samples")).to_contain_text("This point forces no Wait")


def test_two_points_are_compared_by_clicks(page: Page) -> None:
    click_marker(page, 1)
    click_marker(page, 2, shift=True)
    compare = region(page, "Compare points")
    expect(compare).to_contain_text("B − A: +16.7 points")
    expect(compare).to_contain_text("p = 1.000, McNemar's exact test")
    expect(compare).to_contain_text("On the same 6 questions: B is right on 2 of the 2 that A gets wrong")
    compare.get_by_label("Point B").select_option("")
    expect(compare).to_contain_text("Choose A and B")


def test_published_points_have_a_difference_but_no_test(page: Page) -> None:
    choose(page, "AIME24")
    compare = region(page, "Compare points")
    compare.get_by_label("Point A").select_option(index=1)
    compare.get_by_label("Point B").select_option(index=7)
    expect(compare).to_contain_text("+56.7 points")
    expect(compare).to_contain_text("there is no paired test")


def test_filters_choose_what_is_drawn_and_an_empty_chart_helps(page: Page) -> None:
    choose(page, "budget forcing, 1 x Wait")
    expect(markers(page)).to_have_count(5)
    choose(page, "s1-nano")
    expect(page.get_by_text("Nothing is chosen")).to_be_visible()
    page.get_by_role("button", name="Show everything").click()
    expect(page.get_by_text("Nothing is chosen")).not_to_be_visible()
    expect(markers(page)).to_have_count(5)


def test_of_many_methods_only_those_that_are_on_are_listed_at_first(page: Page) -> None:
    choose(page, "AIME24")
    expect(page.get_by_role("checkbox", name="REBASE")).to_be_checked()
    choose(page, "REBASE")
    expect(page.get_by_role("checkbox", name="REBASE")).not_to_be_checked()  # what was switched off stays in reach
    expect(region(page, "Metrics")).not_to_contain_text("REBASE")
    page.get_by_role("button", name="Link", exact=True).click()
    expect(notes(page)).to_contain_text("address bar")
    page.reload()
    drawn(page)
    expect(page.get_by_role("checkbox", name="REBASE")).to_have_count(0)
    page.get_by_role("button", name="1 more…").click()
    expect(page.get_by_role("checkbox", name="REBASE")).not_to_be_checked()


def test_a_link_restores_the_selection_in_another_browser(page: Page, open_page) -> None:
    choose(page, "budget forcing, 1 x Wait")
    click_marker(page, 2)
    region(page, "Samples").get_by_role("button", name="Broken by Wait 1").click()
    region(page, "Compare points").get_by_label("Point B").select_option(index=1)
    page.get_by_role("button", name="Link", exact=True).click()
    expect(notes(page)).to_contain_text("address bar")
    other = open_page(page.url)
    drawn(other)
    expect(markers(other)).to_have_count(7)  # five points and two rings
    expect(region(other, "Samples").get_by_role("listitem")).to_have_count(1)
    expect(region(other, "Compare points").get_by_label("Point B")).to_have_value(re.compile(r"\.0$"))
    expect(notes(other)).to_be_hidden()


def test_a_forged_link_is_ignored_in_one_sentence(playground: Playground, open_page) -> None:
    names = "benchmark=%3Cimg src=x onerror=alert(1)%3E&model=nobody&origin=measured"
    page = open_page(f"{playground.url}?tab=curves&{names}&point=../../x&a=00000000.1&filter=all")
    drawn(page)
    expect(notes(page)).to_have_text(
        re.compile("^A part of this link means nothing here and was ignored: benchmark, model, point, a.×$")
    )
    expect(markers(page)).to_have_count(3)
    assert page.locator(".curves img").count() == 0


@pytest.mark.parametrize(("kind", "begins"), [("PNG", b"\x89PNG"), ("SVG", b"<svg")])
def test_images_are_made_in_the_browser(page: Page, tmp_path: Path, kind: str, begins: bytes) -> None:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=kind, exact=True).click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert path.name == f"accuracy-nano.{kind.lower()}"
    assert path.read_bytes().startswith(begins)
    if kind == "SVG":
        text = path.read_text()
        assert "s1-nano, budget forcing (measured)" in text and "n = 6 a point; bands are 95 % intervals" in text


def test_the_csv_holds_every_point_with_n_and_interval(page: Page, tmp_path: Path) -> None:
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV", exact=True).click()
    waiting.value.save_as(tmp_path / "points.csv")
    rows = list(csv.DictReader((tmp_path / "points.csv").open()))
    assert [row["setting"] for row in rows] == ["budget 8", "natural", "1 x Wait"]
    assert [row["n"] for row in rows] == ["6"] * 3
    assert rows[2]["origin"] == "measured" and float(rows[2]["low_95"]) == pytest.approx(43.65, abs=0.01)


def test_a_sweep_draws_its_curve_while_it_runs(page: Page, playground: Playground) -> None:
    choose(page, "AIME24")
    set_slider(page, "Questions", 20)
    page.get_by_role("button", name="Run it now").click()
    live = region(page, "Live sweep")
    expect(live).to_contain_text(re.compile(r"\d+ of 20 questions, about \d+ s left"))
    expect(live).to_contain_text("20 questions, 18 points each, in")
    expect(region(page, "Metrics")).to_contain_text("measured: run now on 20 questions")
    region(page, "Compare points").get_by_label("Point A").select_option(index=1)
    row = region(page, "Metrics").get_by_role("button", name=re.compile("^s1-nano, budget forcing")).last
    row.click()
    region(page, "Metrics").get_by_role("button", name="1 x Wait", exact=True).last.click()
    expect(region(page, "Samples").get_by_role("listitem")).to_have_count(20)
    page.get_by_role("button", name=re.compile("^Remove ")).click()
    expect(region(page, "Metrics")).not_to_contain_text("run now")
    expect(region(page, "Samples").get_by_role("listitem")).to_have_count(0)


def test_cancel_frees_the_engine_and_keeps_the_points(page: Page, playground: Playground) -> None:
    set_slider(page, "Questions", 500)
    page.get_by_role("button", name="Run it now").click()
    live = region(page, "Live sweep")
    expect(live).to_contain_text("s left")
    page.get_by_role("button", name="Cancel", exact=True).click()
    assert soon(lambda: playground.engines["s1-nano"].running == 0, page=page, within_s=1.0)
    expect(live).to_contain_text("what was measured stays")
    expect(region(page, "Metrics")).to_contain_text("run now on")


def test_leaving_the_page_frees_the_engine(page: Page, playground: Playground) -> None:
    set_slider(page, "Questions", 500)
    page.get_by_role("button", name="Run it now").click()
    expect(region(page, "Live sweep")).to_contain_text("s left")
    page.reload()
    page.get_by_role("button", name="Run", exact=True).wait_for()
    assert soon(lambda: playground.engines["s1-nano"].running == 0, page=page)


def test_two_visitors_do_not_see_each_others_sweeps(open_page, playground: Playground) -> None:
    first, second = open_page(playground.url), open_page(playground.url)
    for visitor, questions in ((first, 20), (second, 60)):
        visitor.get_by_role("tab", name="Curves").click()
        drawn(visitor)
        set_slider(visitor, "Questions", questions)
        visitor.get_by_role("button", name="Run it now").click()
    first.get_by_role("button", name="Cancel", exact=True).click()
    expect(region(second, "Live sweep")).to_contain_text("60 questions, 18 points each")
    expect(region(second, "Metrics")).to_contain_text("run now on 60 questions")
    assert first.get_by_text("run now on 60 questions").count() == 0


def test_a_sweep_of_nothing_is_refused_in_one_sentence(page: Page) -> None:
    chosen = page.locator("#curves-waits label:has(input:checked)")
    while chosen.count():
        chosen.first.click()
    page.get_by_role("button", name="Run it now").click()
    expect(region(page, "Live sweep")).to_contain_text("Choose at least one number of Waits for the sweep.")


def test_added_files_become_a_series_and_what_is_wrong_is_told_by_line(page: Page) -> None:
    content = lines(sample(0), sample(1, model_says="B")) + b"{broken\n"
    add_files(page, (RESULTS, results()), (SAMPLES, content), ("empty.jsonl", b""))
    expect(notes(page)).to_contain_text("empty.jsonl is empty (zero bytes)")
    expect(notes(page)).to_contain_text(f"{SAMPLES}, line 3: is not valid JSON")
    expect(notes(page)).to_contain_text(f"Added 1 series from {RESULTS} and {SAMPLES}")
    expect(page.get_by_role("radio", name="quiz")).to_be_checked()
    expect(region(page, "Metrics")).to_contain_text("s1.1-32B, budget forcing")
    click_marker(page, 0)
    expect(region(page, "Sample trace").locator(f".trace-text {CLOSE}")).to_contain_text("budget reached")
    expect(region(page, "Sample trace")).to_contain_text("tokens, estimated")


def test_dropped_files_are_taken(page: Page) -> None:
    files = [[RESULTS, results().decode()], [SAMPLES, lines(sample(0)).decode()]]
    page.evaluate(
        """(files) => {
          const data = new DataTransfer();
          for (const [name, text] of files) data.items.add(new File([text], name));
          const root = document.querySelector(".curves");
          for (const kind of ["dragenter", "dragover", "drop"]) {
            root.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
          }
        }""",
        files,
    )
    expect(notes(page)).to_contain_text("Added 1 series")


def test_a_file_of_a_gigabyte_is_never_sent(page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.evaluate(
        """() => {
          const data = new DataTransfer(), big = new File(["x"], "big.jsonl");
          Object.defineProperty(big, "size", { value: 2 ** 30 });
          data.items.add(big);
          const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data });
          Object.defineProperty(event, "dataTransfer", { value: { types: ["Files"], items: [], files: [big] } });
          document.querySelector(".curves").dispatchEvent(event);
        }"""
    )
    expect(notes(page)).to_contain_text("big.jsonl holds 1,024 MB, more than the 128 MB")
    assert not [url for url in sent if "import" in url]


def test_names_from_files_are_never_executed(page: Page) -> None:
    name = "<img src=x onerror=\"document.title='pwned'\">"
    hostile = sample(0, model_says=f"{name} \ue0011\ue00f", subject=name)
    hostile["doc"] = {"subject": name}
    add_files(page, (RESULTS, results(model=f"={name}")), (SAMPLES, lines(hostile)))
    expect(notes(page)).to_contain_text("Added 1 series")
    click_marker(page, 0)
    expect(region(page, "Sample trace")).to_contain_text("<img src=x")
    assert page.title() == "s1 playground" and page.locator(".curves img").count() == 0
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV", exact=True).click()
    text = Path(waiting.value.path()).read_text()
    assert "'=" in text and ",=" not in text and '"=' not in text


def test_an_inspect_log_comes_in(page: Page) -> None:
    answer = {"choices": [{"message": {"content": "ANSWER: A"}}], "usage": {"reasoning_tokens": 33}}
    log = {
        "eval": {"model": "openai/some-model", "task": "quiz"},
        "samples": [{"id": 1, "epoch": 1, "target": "A", "output": answer, "scores": {"c": {"value": "C"}}}],
    }
    add_files(page, ("log.json", json.dumps(log).encode()))
    expect(region(page, "Metrics")).to_contain_text("some-model")


@pytest.mark.parametrize("width", [360, 390, 768, 1440, 3840])
def test_nothing_overflows_at_any_width(open_page, playground: Playground, width: int) -> None:
    page = open_page(playground.url, viewport={"width": width, "height": 844}, color_scheme="dark")
    page.get_by_role("tab", name="Curves").click()
    drawn(page)
    region(page, "Metrics").get_by_role("button", name="1 x Wait", exact=True).click()
    expect(region(page, "Sample trace")).to_contain_text("Under “natural”")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    choose(page, "AIME24")
    expect(region(page, "Metrics")).to_contain_text("rejection sampling")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_button_is_above_the_fold_and_the_curve_too(page: Page) -> None:
    button = page.get_by_role("button", name="Run it now").bounding_box()
    chart = region(page, "Chart").bounding_box()
    assert button and button["y"] + button["height"] < 900
    assert chart and chart["y"] + chart["height"] < 900


def test_on_a_phone_the_curve_comes_first(open_page, playground: Playground) -> None:
    page = open_page(playground.url, viewport={"width": 390, "height": 844})
    page.get_by_role("tab", name="Curves").click()
    drawn(page)
    chart = region(page, "Chart").bounding_box()
    button = page.get_by_role("button", name="Run it now").bounding_box()
    assert chart and button and chart["y"] + chart["height"] < 844 < button["y"]
