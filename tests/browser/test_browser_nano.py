"""The real model on the real page. What it answers is the business of the evaluations; here it has to run."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.playground import Playground
from tests.browser.visit import ask, finished, region, set_slider, trace


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
    expect(page.get_by_text("s1-nano knows only these kinds of question")).to_be_visible()
    box.fill("How many r in raspberry?")
    expect(page.get_by_text("s1-nano knows only these kinds of question")).not_to_be_visible()


def test_a_model_that_cannot_be_loaded_says_why_and_what_to_do(open_page, nano: Playground) -> None:
    page = open_page(nano.url)
    box = page.get_by_label("Model", exact=True)
    box.fill("no-such-model")
    box.press("Tab")
    ask(page, "How many r in raspberry?")
    expect(page.get_by_role("alert").filter(has_text="is not in the list of models")).to_be_visible()
