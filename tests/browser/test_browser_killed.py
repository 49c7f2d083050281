"""The server is killed while a page is open: the page says so, and goes on by itself when another one is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.killable import KillablePlayground
from tests.browser.visit import choose_model, finished, set_slider, stage, trace

QUESTION = "How many r in raspberry?"


@pytest.fixture
def server() -> Iterator[KillablePlayground]:
    server = KillablePlayground()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def page(browser: Browser, server: KillablePlayground) -> Iterator[Page]:
    # Not `open_page`: a dead server leaves errors on the console.
    page = browser.new_page()
    page.goto(server.url)
    yield page
    page.close()


def test_a_page_that_streams_outlives_its_server(page: Page, server: KillablePlayground) -> None:
    page.get_by_role("textbox", name="Question").fill(QUESTION)
    choose_model(page, "endless")
    set_slider(page, "Thinking budget", 512)
    set_slider(page, "Waits", 3)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(trace(page)).to_contain_text("Step 1")
    server.kill()
    expect(page.get_by_text("Connection to the server was lost")).to_be_visible()
    server.start()
    expect(page.get_by_role("alert").filter(has_text="The server was started anew")).to_be_visible()
    expect(page.get_by_role("textbox", name="Question")).to_have_value(QUESTION)
    expect(page.get_by_role("slider", name="Waits", exact=True)).to_have_value("3")
    expect(page.get_by_role("slider", name="Thinking budget", exact=True)).to_have_value("512")
    choose_model(page, "paced")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(finished(page)).to_contain_text("3 of 3")
    expect(stage(page, "done")).to_be_visible()


def test_a_page_that_waits_runs_on_the_next_server(page: Page, server: KillablePlayground) -> None:
    page.get_by_role("textbox", name="Question").fill(QUESTION)
    choose_model(page, "paced")
    server.kill()
    server.start()
    page.get_by_role("button", name="Run", exact=True).click()
    finished(page)
