"""The real model on the real page. What it answers is the business of the evaluations; here it has to run."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.playground import Playground
from tests.browser.visit import ask, cells, choose, finished, more_settings, region, set_slider, trace


@pytest.fixture(scope="module")
def nano() -> Iterator[Playground]:
    with Playground("s1-nano") as server:
        yield server


def test_s1_nano_thinks_within_its_budget_and_answers(open_page, nano: Playground) -> None:
    page = open_page(nano.url)
    set_slider(page, "Thinking budget", 256)
    ask(page, "How many r in raspberry?")
    receipt = finished(page).inner_text()
    spent = re.search(r"(\d+) of 256 tokens", receipt)
    assert spent and 0 < int(spent[1]) <= 256
    forced = re.search(r"(\d) of 1\b", receipt)
    assert forced and trace(page).locator('[data-source="wait"]').count() == int(forced[1])
    expect(trace(page).locator('[data-source="close"]')).to_have_count(1)
    expect(region(page, "Answer")).to_contain_text(re.compile("right|wrong"))


def test_a_question_outside_its_families_gets_a_hint_beforehand(open_page, nano: Playground) -> None:
    page = open_page(nano.url)
    box = page.get_by_role("textbox", name="Question")
    box.fill("Who wrote Faust?")
    expect(page.get_by_text("s1-nano only knows six kinds of puzzle")).to_be_visible()
    box.fill("How many r in raspberry?")
    expect(page.get_by_text("s1-nano only knows six kinds of puzzle")).not_to_be_visible()


def test_an_answer_outside_its_families_is_marked(open_page, nano: Playground) -> None:
    page = open_page(nano.url)
    ask(page, "What is 17+25?")
    finished(page)
    card = region(page, "Answer")
    expect(card).to_contain_text("this isn't one. Expect nonsense.")
    assert card.get_attribute("data-caution") == "true"
    weight = card.locator(".answer-text").evaluate("node => getComputedStyle(node).fontWeight")
    assert weight == "400"


def test_a_model_that_cannot_be_loaded_says_why_and_what_to_do(open_page, nano: Playground) -> None:
    page = open_page(nano.url)
    box = page.get_by_label("Model", exact=True)
    box.fill("no-such-model")
    box.press("Tab")
    ask(page, "How many r in raspberry?")
    expect(page.get_by_role("alert").filter(has_text="is not in the list of models")).to_be_visible()


def test_s1_nano_tells_how_sure_it_was_along_the_way(open_page, nano: Playground) -> None:
    page = open_page(nano.url)
    set_slider(page, "Thinking budget", 256)
    ask(page, "How many r in raspberry?")
    finished(page)
    track = region(page, "Answer track")
    expect(track).to_contain_text(re.compile(r"Answer settled at token \d+ of \d+"))
    names = cells(page).evaluate_all("all => all.map((cell) => cell.getAttribute('aria-label'))")
    assert len(names) > 4
    assert all(re.fullmatch(r"after \d+ of \d+ tokens: .+, (right|wrong), (> )?\d+ % sure", name) for name in names)
    verdict = track.get_by_role("list", name="What each Wait did").get_by_role("listitem")
    expect(verdict).to_have_text(re.compile("Wait ①.*(fixed|broken|kept, right|kept, wrong|changed, still wrong)"))


def test_more_waits_than_s1_nano_knows_get_a_hint(open_page, nano: Playground) -> None:
    page = open_page(nano.url)
    hint = page.get_by_text("More is not always better")
    expect(hint).not_to_be_visible()
    set_slider(page, "Waits", 8)
    expect(hint).to_be_visible()


def test_s1_nano_was_not_trained_for_conditional_prompts(open_page, nano: Playground) -> None:
    page = open_page(nano.url)
    more_settings(page)
    choose(page, "Method", "Ask for long thinking")
    expect(page.get_by_text("s1-nano was not trained to read such a request.")).to_be_visible()
    choose(page, "Method", "No limit, no Wait")
    expect(page.get_by_text("not trained to read")).not_to_be_visible()
