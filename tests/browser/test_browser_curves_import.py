"""Files of other programs on the Curves tab, in a real browser: what they do not tell is unknown, or asked back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from evals.reports import cached
from tests.app.tabs.curves.curves_data import measured
from tests.app.tabs.curves.test_curves_routes import RESULTS, SAMPLES, lines, results, sample
from tests.browser.playground import PacedEngine, Playground, think
from tests.browser.test_browser_curves import add_files, drawn, markers, notes
from tests.browser.visit import region
from tests.evals.importers.logs import inspect_sample, inspect_zstd


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


def test_which_of_several_verdicts_counts_is_asked_and_chosen(page: Page) -> None:
    rows = [sample(0, filter=of, metrics=["exact_match"], exact_match=right) for of, right in (("a", 0), ("b", 1))]
    add_files(page, (RESULTS, results()), (SAMPLES, lines(*rows)))
    expect(notes(page)).to_contain_text(
        "every recorded verdict (exact_match,a) is wrong, although 1 of 1 answers agree"
    )
    expect(region(page, "Metrics")).to_contain_text("0.0 [0.0, 79.3]")
    notes(page).get_by_role("button", name="Use exact_match,b").click()
    expect(region(page, "Metrics")).to_contain_text("100.0 [20.7, 100.0]")
    assert region(page, "Metrics").locator(".metrics-series").count() == 1  # the other reading is gone
    add_files(page, (RESULTS, results()), (SAMPLES, lines(*rows)))
    notes(page).get_by_role("button", name="Grade again here").click()
    expect(notes(page)).to_contain_text("was graded again: 1 of 1 recorded verdicts changed")


def test_unknown_tokens_stand_in_the_table_and_not_on_the_axis(page: Page) -> None:
    config = {"model": "local-chat-completions", "model_args": "pretrained=org/m", "gen_kwargs": "thinking_budget=64"}
    content = json.dumps({"config": config}).encode()
    add_files(page, (RESULTS, content), (SAMPLES, lines(sample(0, resps=[["Final Answer: A"]]))))
    expect(notes(page)).to_contain_text("the thinking tokens of 1 of 1 samples are unknown")
    expect(region(page, "Chart")).to_contain_text("Thinking tokens unknown")
    assert markers(page).count() == 0
    row = region(page, "Metrics").locator(".metrics-points tbody tr")
    expect(row).to_contain_text("budget 64unknown100.0")
    row.get_by_role("button", name="budget 64").click()
    expect(region(page, "Samples")).to_contain_text("A · unknown tokens")
    expect(region(page, "Sample trace")).to_contain_text("not known")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert ",budget 64,unknown,thinking tokens,100," in Path(waiting.value.path()).read_text()


def test_a_packed_log_of_inspect_comes_in(page: Page, tmp_path: Path) -> None:
    path = inspect_zstd(tmp_path / "log.eval", [inspect_sample(1, scores={"match": "C"}, tokens=33)])
    add_files(page, ("log.eval", path.read_bytes()))
    expect(notes(page)).to_contain_text("Added 1 series from log.eval")
    assert markers(page).count() == 1
