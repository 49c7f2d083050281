"""Take screenshots of every tab from the real app: `python -m tests.browser.shots docs/shots`."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import AT_ONCE
from tests.browser.playground import Playground
from tests.browser.visit import CHROMIUM, CHROMIUM_ARGS, ask, finished, region, set_slider

SCHEMES = ("light", "dark")
SIZES = ((1440, 900), (390, 844))
QUESTION = "How many r in raspberry?"
SMALL_BATCH = "global_batch=2\nmicro_batch=2"


def open_page(browser: Browser, url: str, scheme: str, size: tuple[int, int]) -> Page:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)  # type: ignore[arg-type]
    page.add_init_script(AT_ONCE)
    page.goto(url)
    page.get_by_role("button", name="Run", exact=True).wait_for()
    page.get_by_text("Ready · ").wait_for()
    return page


def shoot(page: Page, folder: Path, name: str, scheme: str, width: int) -> None:
    """Save one picture; the whole page on a phone, the first screen elsewhere."""
    path = folder / f"{name}-{scheme}-{width}.png"
    page.screenshot(path=path, full_page=width < 600)
    print(path)


def curves(page: Page, folder: Path, scheme: str, width: int) -> None:
    """Sweep, and look behind a point of the sweep."""
    page.get_by_role("tab", name="Curves").click()
    page.locator(".chart .main-svg").first.wait_for()
    set_slider(page, "Questions", 60)
    page.get_by_role("button", name="Run it now").click()
    page.get_by_text("s left").wait_for()
    shoot(page, folder, "curves-live", scheme, width)
    page.get_by_text("points each, in").wait_for()
    metrics = region(page, "Metrics")
    swept = metrics.get_by_role("button", name=re.compile("^s1-nano, budget forcing")).last
    if swept.get_attribute("aria-expanded") == "false":
        swept.click()
    other = region(page, "Compare points").get_by_label("Point B")
    metrics.get_by_role("button", name="1 x Wait", exact=True).last.click()
    other.select_option(other.locator("option", has_text=re.compile("^no limit, no Wait")).last.get_attribute("value"))
    region(page, "Samples").locator('[data-key="fixed"]').click()
    region(page, "Sample trace").locator("[data-source]").first.wait_for()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    shoot(page, folder, "curves-samples", scheme, width)


def curate(page: Page, folder: Path, scheme: str, width: int) -> None:
    """The example that comes with the app, a second one beside it, and what the whole s1K would cost."""
    page.get_by_role("tab", name="Curate").click()
    page.get_by_label("Curated set").select_option("example.nano-1k")
    region(page, "Domains").locator(".treemaplayer text").first.wait_for()
    shoot(page, folder, "curate", scheme, width)
    page.get_by_label("Other set").select_option("example.nano-random")
    region(page, "Compare sets").get_by_text("questions in both").wait_for()
    region(page, "Selected").scroll_into_view_if_needed()
    if width > 600:
        page.evaluate("scrollTo(0, document.querySelector('.domains').getBoundingClientRect().top + scrollY - 12)")
        shoot(page, folder, "curate-rows", scheme, width)
    page.evaluate("scrollTo(0, 0)")
    page.get_by_label("s1K, the paper's sources").check()
    expect(page.get_by_label("USACO · 519")).to_be_checked()
    page.get_by_role("button", name="Estimate").click()
    region(page, "Estimate").get_by_text("by published counts").wait_for()
    shoot(page, folder, "curate-estimate", scheme, width)


HIDE_PLACES = """(places) => {
  const texts = document.createTreeWalker(document.querySelector("#train"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) for (const place of places) {
    if (texts.currentNode.data.includes(place)) texts.currentNode.data = texts.currentNode.data.replaceAll(place, "");
  }
}"""


def shoot_train(page: Page, folder: Path, name: str, scheme: str, width: int) -> None:
    """Save one picture without where this machine keeps the code and the runs."""
    page.evaluate(HIDE_PLACES, [f"{Path.cwd()}/", os.environ["S1_RUNS"].removesuffix("runs")])
    shoot(page, folder, name, scheme, width)


def train(page: Page, folder: Path, scheme: str, width: int) -> None:
    """Nothing yet; what the published run would need; and two real runs of s1-nano's base, one over the other."""
    page.get_by_role("tab", name="Train").click()
    region(page, "Command").get_by_text("--recipe=s1-nano").wait_for()
    runs = page.get_by_role("combobox", name="Run", exact=True)
    if runs.locator("option").count() == 1:
        region(page, "Loss").locator("svg").first.wait_for()
        shoot_train(page, folder, "train-empty", scheme, width)
    for name, rate in (("nano-gentle", "3e-4"), ("nano-usual", "1e-3")):
        if not runs.locator(f"option[value={name}]").count():
            page.get_by_label("Name of the run").fill(name)
            page.get_by_label("Settings").fill(f"lr={rate}\nmax_steps=24\neval_rows=6\neval_every=6\n{SMALL_BATCH}")
            page.locator("#train-launch").click()
            page.locator(f".train[data-run={name}] .board-state[data-state=done]").wait_for(timeout=240_000)
    runs.select_option("nano-usual")
    region(page, "Runs").get_by_label("Lay nano-gentle over the loss").check()
    region(page, "Loss").locator(".legendtext").nth(3).wait_for()
    page.mouse.move(0, 0)
    if width > 600:
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        shoot_train(page, folder, "train-runs", scheme, width)
    page.evaluate("scrollTo(0, 0)")
    shoot_train(page, folder, "train", scheme, width)
    page.get_by_label("Recipe", exact=True).click()
    page.get_by_role("option", name="s1-32b — ").click()
    page.get_by_label("Preflight for").fill("8xH100")
    page.get_by_role("button", name="Preflight").click()
    region(page, "Preflight").get_by_text("It does not fit").wait_for(timeout=60_000)
    shoot_train(page, folder, "train-preflight", scheme, width)


def think(page: Page, folder: Path, scheme: str, width: int) -> None:
    """Before anything; with one Wait; and with more Waits than are good for the model."""
    shoot(page, folder, "think-empty", scheme, width)
    for name, budget, waits in (("think", 256, 1), ("think-waits", 1024, 8)):
        set_slider(page, "Thinking budget", budget)
        set_slider(page, "Waits", waits)
        ask(page, QUESTION)
        finished(page).get_by_text(f"of {budget:,} tokens").wait_for()
        region(page, "Receipt").locator("summary").click()
        region(page, "Answer track").get_by_text("Answer settled at").wait_for()
        page.locator(".stage[data-state=done]").wait_for()
        page.mouse.move(0, 0)
        shoot(page, folder, name, scheme, width)


def compare(page: Page, folder: Path, scheme: str, width: int) -> None:
    """Before anything; after a race; and the same on a stage."""
    page.get_by_role("tab", name="Compare").click()
    shoot(page, folder, "compare-empty", scheme, width)
    page.get_by_role("button", name="0/1/2/4 Waits").click()
    page.get_by_role("button", name="Race", exact=True).click()
    page.locator(".race[data-state=done]").wait_for()
    page.locator(".compare-share button:enabled", has_text="Save page").wait_for()
    page.mouse.move(0, 0)
    shoot(page, folder, "compare", scheme, width)
    page.get_by_role("button", name="Talk mode").click()
    page.locator(".race[data-talk=true]").wait_for()
    page.wait_for_timeout(300)
    page.screenshot(path=folder / f"talk-{scheme}-{width}.png")
    page.keyboard.press("Escape")
    page.evaluate("scrollTo(0, 0)")


def lab(page: Page, folder: Path, scheme: str, width: int) -> None:
    """A trace with two Waits, forked at the first one and again after it."""
    page.get_by_role("tab", name="Compare").click()
    page.get_by_label("Recordings", exact=True).select_option("race-waits")
    expect(page.locator(".race-status")).to_have_text("No Wait, one, two, four")
    lab = region(page, "Wait lab")
    lab.get_by_label("Trace to fork").select_option("2")
    cards = lab.get_by_role("article")
    for number, name in enumerate(
        ("Fork with Wait", "Fork with Hmm", "Fork with nothing", "Fork and close now"), start=1
    ):
        lab.get_by_role("button", name=name, exact=True).click()
        expect(cards).to_have_count(number)
        expect(cards.nth(number - 1)).to_contain_text("saved")
    cards.nth(1).get_by_role("button", name="Fork from the branch").click()
    expect(cards).to_have_count(0)
    lab.get_by_role("button", name="Wait 1", exact=True).click()
    lab.get_by_role("button", name="Fork and close now").click()
    expect(cards).to_contain_text("saved")
    lab.get_by_role("navigation").get_by_role("button").first.click()
    expect(cards).to_have_count(4)
    page.mouse.move(0, 0)
    if width > 600:
        lab.evaluate("node => scrollTo(0, node.getBoundingClientRect().top + scrollY - 12)")
    shoot(page, folder, "lab", scheme, width)
    page.evaluate("scrollTo(0, 0)")


def learn(page: Page, folder: Path, scheme: str, width: int) -> None:
    """The method on one page."""
    page.get_by_role("tab", name="Learn").click()
    page.get_by_role("heading", name="The method").wait_for()
    shoot(page, folder, "learn", scheme, width)


TABS = {
    "think": think,
    "compare": compare,
    "lab": lab,
    "curves": curves,
    "curate": curate,
    "train": train,
    "learn": learn,
}


def every_tab(browser: Browser, url: str, folder: Path, tabs: list[str]) -> None:
    """Go through the tabs as a visitor would."""
    for scheme, size in itertools.product(SCHEMES, SIZES):
        page = open_page(browser, url, scheme, size)
        for tab in tabs:
            TABS[tab](page, folder, scheme, size[0])
        page.close()


@contextlib.contextmanager
def made_elsewhere() -> Iterator[None]:
    """Runs that are made for the pictures, and their jobs, lie beside nobody's own."""
    with tempfile.TemporaryDirectory(prefix="s1-shots-", ignore_cleanup_errors=True) as folder:
        os.environ.update({"S1_RUNS": f"{folder}/runs", "S1_JOBS": f"{folder}/jobs"})
        yield


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.shots", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go; made if it is not there")
    parser.add_argument("--model", default="s1-nano", help="model that is run (default: %(default)s)")
    parser.add_argument("--tabs", nargs="+", choices=TABS, default=list(TABS), help="these alone (default: all)")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with made_elsewhere(), Playground(asked.model) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS, headless=True)
        every_tab(browser, server.url, asked.folder, asked.tabs)
        browser.close()


if __name__ == "__main__":
    main()
