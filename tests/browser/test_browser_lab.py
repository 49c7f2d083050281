"""The Wait lab in a real browser, around scripted engines."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.playground import Playground
from tests.browser.visit import ask, finished, region, soon

WAIT = '[data-source="wait"]'


@pytest.fixture
def lab(page: Page) -> Locator:
    """The lab with the second lane of a race, whose one Wait made its answer right."""
    page.get_by_role("tab", name="Compare").click()
    page.get_by_role("button", name="0/1/2/4 Waits").click()
    page.get_by_role("button", name="Race", exact=True).click()
    expect(page.locator(".race[data-state=done]")).to_be_visible()
    lab = region(page, "Wait lab")
    lab.get_by_label("Trace to fork").select_option("1")
    expect(lab.get_by_text("thinking tokens kept")).to_be_visible()
    return lab


def cards(lab: Locator) -> Locator:
    return lab.get_by_role("article")


def tree(lab: Locator) -> Locator:
    return lab.get_by_role("navigation", name="Tree of branches").get_by_role("button")


def test_a_trace_is_forked_into_branches_that_stand_side_by_side(lab: Locator) -> None:
    expect(lab.get_by_role("button", name="Wait 1", exact=True)).to_have_attribute("aria-pressed", "true")
    for name in ("Fork with Wait", "Fork with Hmm", "Fork and close now"):
        lab.get_by_role("button", name=name, exact=True).click()
    expect(cards(lab)).to_have_count(3)
    said, hmm, closed = (cards(lab).nth(place) for place in range(3))
    expect(said.locator(WAIT)).to_have_text("Wait ①")
    expect(said).to_contain_text("✓ right")
    expect(hmm.locator(WAIT)).to_have_text("Hmm ①")
    expect(closed.locator('[data-source="close"]')).to_contain_text("closed by you · token 16")
    for card in (said, hmm, closed):
        expect(card.locator(".lab-cost")).to_contain_text("from cache")
    for card in (said, closed):
        expect(card.locator(".trace-text")).not_to_contain_text("First look")
    expect(tree(lab)).to_have_count(4)

    # A branch is forked on from any token of its own, by the keyboard alone.
    said.get_by_role("button", name="Fork from the branch with Wait").press("Enter")
    expect(cards(lab)).to_have_count(0)
    place = lab.get_by_role("slider", name="Place of the fork")
    place.press("Home")
    for _ in range(5):
        place.press("ArrowRight")
    expect(lab.get_by_text("5 of ")).to_be_visible()
    lab.get_by_label("Your word").fill("<b>But</b>")
    lab.get_by_label("Your word").press("Enter")
    expect(cards(lab).locator(WAIT).first).to_have_text("<b>But</b> ①")
    expect(tree(lab)).to_have_count(5)
    expect(lab.get_by_role("navigation").locator("ul ul ul")).to_have_count(1)


def test_another_budget_stop_and_refusals(page: Page, lab: Locator, playground: Playground) -> None:
    lab.get_by_role("button", name="start", exact=True).click()
    lab.get_by_label("Budget of the fork").fill("-1")
    lab.get_by_role("button", name="Fork with nothing", exact=True).click()
    expect(lab.get_by_role("alert")).to_contain_text("Thinking budget must lie")
    lab.get_by_label("Budget of the fork").fill("8")
    lab.get_by_role("button", name="Fork with nothing", exact=True).click()
    expect(cards(lab).locator('[data-source="close"]')).to_contain_text("budget reached · 8 tokens")
    expect(cards(lab)).to_contain_text("✗ wrong, expected 3")
    expect(lab.get_by_role("alert")).to_be_hidden()

    engine = playground.engines["endless"]
    page.get_by_role("button", name="budgets 32/128/512").click()
    page.get_by_role("button", name="Settings of lane 1").click()
    page.get_by_label("Model of lane 1", exact=True).select_option("endless")
    page.get_by_role("button", name="Race", exact=True).click()
    expect(page.locator(".race[data-state=done]")).to_be_visible()
    lab.get_by_label("Trace to fork").select_option("0")
    expect(lab.get_by_text("32 of 32 thinking tokens kept")).to_be_visible()
    lab.get_by_label("Budget of the fork").fill("20000")
    lab.get_by_role("button", name="Fork with nothing", exact=True).click()
    assert soon(lambda: engine.running == 1, page=page)
    lab.get_by_role("button", name="Stop", exact=True).click()
    assert soon(lambda: engine.running == 0, page=page)
    expect(cards(lab)).to_contain_text("Stopped before the answer.")


def test_the_lab_invites_before_there_is_a_trace(page: Page) -> None:
    page.get_by_role("tab", name="Compare").click()
    lab = region(page, "Wait lab")
    expect(lab).to_contain_text("Race first, or play a recording")
    expect(lab.get_by_label("Trace to fork")).to_be_disabled()


def test_a_run_of_the_think_tab_is_forked_too(page: Page) -> None:
    ask(page, "How many r in raspberry?")
    finished(page)
    page.get_by_role("button", name="Fork in the Wait lab").click()
    lab = region(page, "Wait lab")
    expect(lab.get_by_text("thinking tokens kept")).to_be_visible()
    lab.get_by_role("button", name="Fork and close now", exact=True).click()
    expect(cards(lab)).to_contain_text("from cache")
    expect(tree(lab)).to_have_count(2)
