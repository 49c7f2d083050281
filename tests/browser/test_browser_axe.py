"""axe-core finds nothing serious on any tab, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.app.tabs.train.train_data import write_run
from tests.browser.conftest import OpenPage
from tests.browser.playground import Playground, scripted_engines
from tests.browser.visit import ask, finished, region, stage

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
WIDTHS = (1440, 390)
COLOURS: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
BAD = ("serious", "critical")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    folder = tmp_path_factory.mktemp("runs")
    write_run(folder / "sft" / "mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("S1_RUNS", str(folder))
        patch.delenv("SPACE_ID", raising=False)
        with Playground("paced", scripted_engines()) as server:
            yield server


def complaints(page: Page) -> list[Any]:
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    return [
        (rule["id"], node["html"][:200], node["failureSummary"])
        for rule in found["violations"]
        if rule["impact"] in BAD
        for node in rule["nodes"]
    ]


def think(page: Page) -> None:
    ask(page, "How many r in raspberry?")
    finished(page)
    expect(stage(page, "done")).to_be_visible()


def compare(page: Page) -> None:
    page.get_by_role("button", name="Race", exact=True).click()
    expect(page.locator(".race[data-state=done]")).to_be_visible()


def curves(page: Page) -> None:
    expect(region(page, "Metrics").get_by_role("row").nth(1)).to_be_visible()


def curate(page: Page) -> None:
    expect(region(page, "Lengths")).to_contain_text("nano-1k, measured")


def train(page: Page) -> None:
    expect(region(page, "Loss").locator("svg").first).to_be_visible()


def learn(page: Page) -> None:
    expect(page.get_by_role("heading", name="The method")).to_be_visible()


def test_nothing_serious_on_any_tab(server: Playground, open_page: OpenPage) -> None:
    page = open_page(server.url, reduced_motion="reduce")
    page.evaluate(AXE)
    for fill in (think, compare, curves, curate, train, learn):
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        page.get_by_role("tab", name=fill.__name__.title(), exact=True).click()
        fill(page)
        for colours in COLOURS:
            page.emulate_media(color_scheme=colours)
            expect(page.locator("body.dark")).to_have_count(int(colours == "dark"))
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                assert complaints(page) == [], f"{fill.__name__}, {colours}, {width} wide"
