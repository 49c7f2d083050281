"""The answer track and the methods of the Think tab in a real browser, around scripted engines."""

from __future__ import annotations

import re
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.browser.playground import Playground
from tests.browser.visit import (
    ask,
    cells,
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
WATCH = """() => {
  const began = performance.now(), seen = { text: [], receipt: null, cell: null };
  const at = () => performance.now() - began;
  const body = document.querySelector(".stage");
  new MutationObserver((changes) => {
    const places = changes.map(({ target }) => target.closest ? target : target.parentElement);
    if (places.some((place) => place?.closest(".trace-text"))) seen.text.push(at());
    if (!seen.receipt && body.querySelector(".receipt tr")) seen.receipt = at();
    if (!seen.cell && body.querySelector(".track [role=option]")) seen.cell = at();
  }).observe(body, { childList: true, characterData: true, subtree: true });
  window.seen = seen;
}"""


def settled(page: Page) -> None:
    finished(page)
    expect(region(page, "Answer track")).to_contain_text("Answer settled at")


def test_the_track_tells_when_the_answer_settled_and_what_the_wait_did(page: Page) -> None:
    ask(page, QUESTION)
    settled(page)
    track = region(page, "Answer track")
    expect(track).to_contain_text("Answer settled at token 68 of 69")
    expect(track.get_by_role("list", name="What each Wait did")).to_have_text("Wait ①2 → 3, fixed")
    expect(track.get_by_role("list", name="Answers").get_by_role("listitem")).to_have_text(["A2✗ wrong", "B3✓ right"])
    expect(cells(page).first).to_have_accessible_name("after 0 of 69 tokens: 2, wrong")
    expect(cells(page).last).to_have_accessible_name("after 69 of 69 tokens: 3, right")
    expect(track).to_contain_text("tells no probabilities, so all cells are equally high")


def test_an_unknown_answer_is_not_judged(page: Page) -> None:
    ask(page, "How many beans are in the jar?")
    settled(page)
    expect(region(page, "Answer track")).not_to_contain_text("right")
    expect(region(page, "Answer track").get_by_role("list", name="What each Wait did")).to_have_text(
        "Wait ①2 → 3, changed"
    )


def test_a_cell_tells_its_answer_when_pointed_at_and_with_the_keyboard(page: Page) -> None:
    choose_model(page, "sure")
    ask(page, QUESTION)
    settled(page)
    detail = page.locator(".track-detail")
    expect(detail).to_contain_text(re.compile(r"\d+ probes: \d+ tokens sampled"))
    cells(page).nth(3).hover()
    expect(detail).to_have_text("after 6 of 69 tokens: 2, wrong, 75 % sure")
    expect(detail.locator('[data-source="probe"]')).to_have_text("2")
    page.get_by_role("heading", name="Answer track").hover()
    expect(detail).to_contain_text("probes")
    cells(page).first.focus()
    page.keyboard.press("ArrowRight")
    expect(cells(page).nth(1)).to_be_focused()
    expect(detail).to_have_text("after 2 of 69 tokens: 2, wrong, 75 % sure")
    page.keyboard.press("End")
    expect(detail).to_have_text("after 69 of 69 tokens: 3, right, 75 % sure")
    assert cells(page).evaluate_all("all => all.filter((cell) => cell.tabIndex === 0).length") == 1


def test_height_is_probability_and_answers_differ_in_more_than_colour(page: Page) -> None:
    choose_model(page, "sure")
    ask(page, QUESTION)
    settled(page)
    first, last = cells(page).first, cells(page).last
    share = "cell => cell.querySelector('i').offsetHeight / 44"
    assert first.evaluate(share) == pytest.approx(0.75, abs=0.03)
    prints = [cell.locator("i").evaluate("bar => getComputedStyle(bar).backgroundImage") for cell in (first, last)]
    assert prints[0] != prints[1], "the patterns differ"
    assert [cell.locator("b").inner_text() for cell in (first, last)] == ["A", ""], "a letter opens each stretch"


def test_probing_does_not_hold_up_the_trace(page: Page, playground: Playground, capsys: pytest.CaptureFixture) -> None:
    """The trace is whole, and the receipt on the page, before the first probe is even asked for."""
    more_settings(page)
    took: dict[bool, float] = {}
    for probing in (False, True):
        page.get_by_label("Probe the trace").set_checked(probing)
        before = len(playground.engines["paced"].requests)
        page.evaluate(WATCH)
        ask(page, QUESTION)
        page.wait_for_function("seen.text.length && document.querySelector('.stage').dataset.state === 'done'")
        seen = page.evaluate("seen")
        if probing:
            assert seen["text"][-1] <= seen["receipt"] <= seen["cell"]
        else:
            assert seen["cell"] is None
            expect(region(page, "Answer track")).to_contain_text("Switched off")
        whole = finished(page).get_by_role("row", name="Whole run").inner_text()
        took[probing] = float(re.findall(r"[\d.]+", whole)[0]) * (1 if "ms" in whole else 1000)
        gaps = [b - a for a, b in zip(seen["text"], seen["text"][1:], strict=False)]
        asked = [r.first_step for r in playground.engines["paced"].requests[before:]]
        assert asked[:3] == sorted(asked[:3]), "thinking, thinking after the Wait, answer: then the probes"
        assert (len(asked) > 3) == probing
        with capsys.disabled():
            sys.stdout.write(f"\nprobing {probing}: run {took[probing]:.0f} ms, longest gap {max(gaps):.0f} ms ")
        assert max(gaps) < 1000
    assert took[True] < 3 * took[False], "on a machine with other work to do; the order above is exact"


def test_stop_ends_the_probes_and_keeps_the_run(page: Page, playground: Playground) -> None:
    choose_model(page, "slow probes")
    ask(page, QUESTION)
    finished(page)
    expect(cells(page).first).to_be_attached()
    page.get_by_role("button", name="Stop").click()
    expect(region(page, "Answer track")).to_contain_text(re.compile(r"Stopped\. \d+ of 37 cells are there\."))
    assert soon(lambda: playground.engines["slow probes"].running == 0, page=page)
    expect(stage(page, "done")).to_be_visible()
    expect(region(page, "Answer")).to_contain_text("✓ right")


def test_run_takes_the_place_of_a_run_that_still_probes(page: Page, playground: Playground) -> None:
    choose_model(page, "slow probes")
    ask(page, QUESTION)
    finished(page)
    expect(stage(page, "probing")).to_be_visible()
    ask(page, "How many b in raspberry?")
    expect(page.locator(".stage-question")).to_have_text("How many b in raspberry?")
    expect(region(page, "Answer")).to_contain_text("✗ wrong, expected 1")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".stage-question")).to_have_text("How many b in raspberry?")
    assert soon(lambda: playground.engines["slow probes"].running == 0, page=page)


def test_run_takes_the_place_of_a_run_that_still_thinks(page: Page, playground: Playground) -> None:
    choose_model(page, "endless")
    set_slider(page, "Thinking budget", 20_000)
    ask(page, "Go on and on")
    expect(trace(page)).to_contain_text("Step 1")
    set_slider(page, "Thinking budget", 30)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(finished(page)).to_contain_text("30 of 30 tokens")
    assert soon(lambda: playground.engines["endless"].running == 0, page=page)


def test_leaving_the_page_ends_its_probes(page: Page, playground: Playground) -> None:
    choose_model(page, "slow probes")
    ask(page, QUESTION)
    finished(page)
    assert playground.engines["slow probes"].running > 0
    page.reload()
    page.get_by_role("button", name="Run", exact=True).wait_for()
    assert soon(lambda: playground.engines["slow probes"].running == 0, page=page)


def test_a_vote_shows_its_samples_and_its_count(page: Page) -> None:
    more_settings(page)
    choose(page, "Method", "Majority vote")
    expect(page.get_by_text("takes the most common answer")).to_be_visible()
    page.get_by_label("Samples").fill("3")
    ask(page, QUESTION)
    expect(finished(page)).to_contain_text("majority of 3")
    expect(trace(page).get_by_role("heading")).to_have_text(["Sample 1 of 3", "Sample 2 of 3", "Sample 3 of 3"])
    expect(trace(page).locator('[data-source="wait"]')).to_have_text(["Wait ①"] * 3)
    expect(region(page, "Answer")).to_contain_text("3 of 3 samples said so")
    expect(region(page, "Answer track")).to_contain_text("this method has several")


def test_rejection_sampling_tells_when_nothing_fits(page: Page) -> None:
    more_settings(page)
    choose(page, "Method", "Rejection sampling")
    page.get_by_label("Attempts").fill("2")
    set_slider(page, "Thinking budget", 8)
    ask(page, QUESTION)
    expect(finished(page)).to_contain_text("none within 8 tokens")
    expect(trace(page)).to_contain_text("rejected, longer than 8")
    expect(region(page, "Answer")).to_contain_text("None of 2 attempts stayed within 8 tokens.")


def test_what_a_method_adds_to_the_prompt_is_shown(page: Page) -> None:
    more_settings(page)
    expect(page.get_by_label("Force the budget")).to_have_count(0)
    choose(page, "Method", "Ask for a token budget")
    expect(page.get_by_label("Force the budget")).to_be_visible()
    ask(page, QUESTION)
    finished(page)
    expect(page.get_by_text("Added to the prompt: “Think for up to 128 tokens.”")).to_be_visible()
    expect(trace(page).locator('[data-source="wait"]')).to_have_count(0)
    choose(page, "Method", "Budget forcing")
    ask(page, QUESTION)
    expect(page.get_by_text("Added to the prompt")).not_to_be_visible()


def test_control_enter_runs_and_escape_stops(page: Page, playground: Playground) -> None:
    choose_model(page, "endless")
    set_slider(page, "Thinking budget", 20_000)
    question = page.get_by_role("textbox", name="Question")
    question.fill("Go on and on")
    question.press("Control+Enter")
    expect(trace(page)).to_contain_text("Step 1")
    assert playground.engines["endless"].running == 1, "the question was not submitted twice"
    page.keyboard.press("Escape")
    expect(finished(page)).to_contain_text("you, with Stop")
    page.get_by_role("slider", name="Waits").press("Control+Enter")
    expect(stage(page, "running")).to_be_visible()
    page.keyboard.press("Escape")
    expect(stage(page, "cancelled")).to_be_visible()


def test_the_outcome_is_announced(page: Page) -> None:
    ask(page, QUESTION)
    settled(page)
    said = page.locator(".said")
    expect(said).to_have_text("Answer: 3. ✓ right Answer settled at token 68 of 69")
    expect(said).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("meter", name="Thinking tokens spent")).to_have_attribute(
        "aria-valuetext", "69 of 128 thinking tokens"
    )


def test_nothing_moves_where_motion_is_unwanted(open_page, playground: Playground) -> None:
    page = open_page(playground.url, reduced_motion="reduce")
    moving = "all => all.filter((e) => getComputedStyle(e).transitionDuration !== '0s').length"
    assert page.locator("#think *").evaluate_all(moving) == 0
