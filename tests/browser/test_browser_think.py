"""The Think tab in a real browser, around scripted engines."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.playground import HOSTILE, Playground
from tests.browser.visit import (
    ask,
    choose,
    choose_model,
    finished,
    more_settings,
    region,
    set_slider,
    soon,
    stage,
    trace,
)

QUESTION = "How many r in raspberry?"
WAIT, CLOSE, MODEL = '[data-source="wait"]', '[data-source="close"]', '[data-source="model"]'


def test_the_first_look_invites_and_its_example_runs(page: Page) -> None:
    expect(page.get_by_text("Test-time scaling")).to_be_visible()
    page.get_by_text("Details", exact=True).first.click()
    expect(page.get_by_text("Enforced: max, min, Waits")).to_be_visible()
    page.get_by_role("button", name=f"Try: {QUESTION}").click()
    finished(page)
    expect(region(page, "Answer")).to_contain_text("✓ right")
    expect(page.get_by_role("textbox", name="Question")).to_have_value(QUESTION)


def test_a_forced_wait_is_a_numbered_pill_and_the_answer_a_card(page: Page) -> None:
    ask(page, QUESTION)
    expect(finished(page)).to_contain_text("1 of 1")
    expect(trace(page).locator(WAIT)).to_have_text("Wait ①")
    expect(trace(page).locator(MODEL).first).to_contain_text("First look: 2.")
    expect(trace(page).locator(CLOSE)).to_contain_text("model stopped on its own")
    expect(region(page, "Answer")).to_contain_text("3")


def test_two_waits_show_two_pills(page: Page) -> None:
    set_slider(page, "Waits", 2)
    ask(page, QUESTION)
    finished(page)
    expect(trace(page).locator(WAIT)).to_have_text(["Wait ①", "Wait ②"])


def test_no_waits_show_no_pill_and_a_wrong_answer_says_so(page: Page) -> None:
    set_slider(page, "Waits", 0)
    set_slider(page, "Thinking budget", 8)
    ask(page, QUESTION)
    finished(page)
    expect(trace(page).locator(WAIT)).to_have_count(0)
    expect(trace(page).locator(CLOSE)).to_contain_text("budget reached · 8 tokens")
    expect(region(page, "Answer")).to_contain_text("wrong, expected 3")


def test_a_budget_of_zero_closes_at_once(page: Page) -> None:
    set_slider(page, "Thinking budget", 0)
    ask(page, QUESTION)
    expect(finished(page)).to_contain_text("0 of 0 tokens")
    expect(trace(page)).to_have_text(re.compile("^budget reached · 0 tokensFinal Answer: 2$"))


def test_a_wait_that_the_model_writes_itself_is_plain_text(page: Page) -> None:
    choose_model(page, "natural")
    set_slider(page, "Waits", 0)
    ask(page, QUESTION)
    finished(page)
    expect(trace(page).locator(MODEL).first).to_contain_text("Wait, no: 3.")
    expect(trace(page).locator(WAIT)).to_have_count(0)


def test_the_visitors_own_wait_text_is_forced(page: Page) -> None:
    box = page.get_by_label("Wait text", exact=True)
    box.fill("Are you sure?")
    box.press("Tab")
    ask(page, QUESTION)
    finished(page)
    expect(trace(page).locator(WAIT)).to_have_text("Are you sure? ①")


def test_sliders_obey_the_keyboard_and_tell_the_true_value(page: Page) -> None:
    slider = page.get_by_role("slider", name="Thinking budget", exact=True)
    expect(slider).to_have_value("128")
    expect(slider).to_have_attribute("max", "4096")  # the model's context
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "256 tokens")
    slider.press("Home")
    expect(slider).to_have_value("0")
    slider.press("End")
    expect(slider).to_have_value("4096")


def test_dragging_stops_at_the_marks(page: Page) -> None:
    slider = page.get_by_role("slider", name="Waits", exact=True)
    box = slider.bounding_box()
    assert box
    page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.51, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    expect(slider).to_have_value("4")


def test_enter_runs(page: Page) -> None:
    box = page.get_by_role("textbox", name="Question")
    box.fill(QUESTION)
    box.press("Enter")
    finished(page)


def test_chips_fill_in_one_example_after_the_other(page: Page) -> None:
    box = page.get_by_role("textbox", name="Question")
    page.get_by_role("button", name="letters", exact=True).click()
    expect(box).to_have_value(QUESTION)
    page.get_by_role("button", name="letters", exact=True).click()
    expect(box).not_to_have_value(QUESTION)


def test_per_round_accounting_cuts_the_shown_text_too(page: Page) -> None:
    more_settings(page)
    choose(page, "The budget counts", "per round, cut at the end")
    set_slider(page, "Thinking budget", 50)
    ask(page, QUESTION)
    expect(finished(page)).to_contain_text("50 of 50 tokens")
    shown = trace(page).inner_text()
    assert "e1" not in shown and "First look: 2." in shown and "budget reached · 50 tokens" in shown


def test_stop_leaves_a_receipt_and_frees_the_engine(page: Page, playground: Playground) -> None:
    choose_model(page, "endless")
    set_slider(page, "Thinking budget", 20_000)
    ask(page, "Go on and on")
    expect(trace(page)).to_contain_text("Step 1")
    page.get_by_role("button", name="Stop").click()
    expect(finished(page)).to_contain_text("you, with Stop")
    assert soon(lambda: playground.engines["endless"].running == 0, page=page)
    expect(stage(page, "cancelled")).to_be_visible()


@pytest.mark.parametrize("leave", ["reload", "close"])
def test_leaving_the_page_frees_the_engine(page: Page, playground: Playground, leave: str) -> None:
    choose_model(page, "endless")
    set_slider(page, "Thinking budget", 20_000)
    ask(page, "Go on and on")
    expect(trace(page)).to_contain_text("Step 1")
    engine = playground.engines["endless"]
    assert engine.running == 1
    if leave == "reload":
        page.reload()
        page.get_by_role("button", name="Run", exact=True).wait_for()
        assert soon(lambda: engine.running == 0, page=page)
    else:
        other = page.context.new_page()
        page.close()
        assert soon(lambda: engine.running == 0, page=other)


def test_an_empty_question_is_refused_and_the_next_one_answered(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="Type a question")).to_be_visible()
    ask(page, QUESTION)
    finished(page)
    expect(page.get_by_text("Type a question")).not_to_be_visible()


def test_a_question_longer_than_the_context_is_refused(page: Page) -> None:
    choose_model(page, "tiny")
    ask(page, "How long is this? " * 40)
    expect(page.get_by_role("alert").filter(has_text="shorten the question")).to_be_visible()


def test_an_engine_that_breaks_keeps_the_text_and_the_page(page: Page) -> None:
    choose_model(page, "breaks")
    ask(page, QUESTION)
    expect(page.get_by_role("alert").filter(has_text="The engine stopped in the middle")).to_be_visible()
    expect(trace(page)).to_contain_text("First")
    choose_model(page, "paced")
    ask(page, QUESTION)
    finished(page)


def test_texts_from_visitors_and_models_are_never_executed(page: Page) -> None:
    question = "<img src=x onerror=\"document.title='pwned'\"> ${document.title='pwned'} {{value}}"
    choose_model(page, "hostile")
    set_slider(page, "Thinking budget", 1024)
    ask(page, question)
    finished(page)
    expect(page.get_by_text(question).last).to_be_visible()
    expect(trace(page)).to_contain_text(HOSTILE.partition("\ue001")[0].strip())
    assert page.title() == "s1 playground"
    assert page.locator(".stage img, .stage script, .answer b").count() == 0
    expect(trace(page).locator(WAIT)).to_have_count(1)  # the forced one; the forged mark is dropped


def test_two_visitors_do_not_see_each_others_text(open_page, playground: Playground) -> None:
    first, second = open_page(playground.url), open_page(playground.url)
    for visitor, word in ((first, "apples"), (second, "pears")):
        choose_model(visitor, "echo")
        set_slider(visitor, "Thinking budget", 200)
        ask(visitor, word)
    for visitor, own, other in ((first, "apples", "pears"), (second, "pears", "apples")):
        finished(visitor)
        expect(trace(visitor)).to_contain_text(own)
        expect(visitor.get_by_text(other)).to_have_count(0)


@pytest.mark.parametrize("width", [360, 390, 3840])
def test_nothing_overflows_in_the_dark_at_any_width(open_page, playground: Playground, width: int) -> None:
    page = open_page(playground.url, viewport={"width": width, "height": 844}, color_scheme="dark")
    ask(page, QUESTION)
    finished(page)
    for tab in ("Learn", "Think"):
        page.get_by_role("tab", name=tab).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 19, 17)"


def test_the_controls_are_above_the_fold_in_the_left_third(page: Page) -> None:
    for role, name in (("textbox", "Question"), ("slider", "Thinking budget"), ("slider", "Waits"), ("button", "Run")):
        box = page.get_by_role(role, name=name, exact=True).bounding_box()  # type: ignore[arg-type]
        assert box and box["y"] + box["height"] < 900 and box["x"] + box["width"] <= 1440 / 3


def test_the_policy_names_no_other_host(page: Page, playground: Playground) -> None:
    headers = page.request.get(playground.url).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "http" not in headers["content-security-policy"]
