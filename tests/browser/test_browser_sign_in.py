"""The owner signs in with a real browser; nothing that it sends or drops is changed on the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect, sync_playwright

from app.access.sign_in import COOKIE
from tests.browser.playground import Playground, owned
from tests.browser.visit import CHROMIUM, CHROMIUM_ARGS

PASSWORD = "correct horse: battery"
NAMES = "--host-resolver-rules=MAP *.test 127.0.0.1"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that knows names of its own. To pages without HTTPS under a name it tells less than to this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_ARGS, NAMES], headless=True)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Playground]:
    with owned("ada", PASSWORD) as playground:
        yield playground


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


def under_a_name(url: str) -> str:
    return f"http://playground.test:{urlsplit(url).port}/"


def sign_in(page: Page | FrameLocator, password: str = PASSWORD) -> None:
    page.get_by_label("User").fill("ada")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("named", [False, True], ids=["this machine", "a name without HTTPS"])
def test_the_owner_signs_in_and_out(named: bool, server: Playground, context: BrowserContext) -> None:
    url = under_a_name(server.url) if named else server.url
    page = context.new_page()
    page.goto(f"{url}owner")
    sign_in(page, PASSWORD + "?")
    expect(page.get_by_role("status")).to_have_text("User or password is wrong.")
    sign_in(page)
    expect(page).to_have_url(url)
    assert COOKIE in [cookie.get("name") for cookie in context.cookies()]
    page.goto(f"{url}owner")
    expect(page.get_by_role("status")).to_contain_text("You are signed in as the owner.")
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_role("status")).to_have_text("")


class _Frame(BaseHTTPRequestHandler):
    """A page of another site, with the playground in a frame."""

    address = ""

    def do_GET(self) -> None:
        content = f'<!doctype html><title>Elsewhere</title><iframe src="{self.address}" title="framed"></iframe>'
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def elsewhere(server: Playground) -> Iterator[str]:
    handler = type("_", (_Frame,), {"address": f"{under_a_name(server.url)}owner"})
    with HTTPServer(("127.0.0.1", 0), handler) as frames:
        threading.Thread(target=frames.serve_forever, daemon=True).start()
        yield f"http://elsewhere.test:{frames.server_port}/"
        frames.shutdown()


def test_a_frame_of_another_site_says_where_to_sign_in(
    elsewhere: str, server: Playground, context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto(elsewhere)
    framed = page.frame_locator("iframe")
    sign_in(framed)
    expect(framed.get_by_role("status")).to_contain_text("Your browser did not keep the cookie")
    assert context.cookies() == []
    with context.expect_page() as opened:
        framed.get_by_role("link", name="Sign in in a tab of its own").click()
    sign_in(opened.value)
    expect(opened.value).to_have_url(under_a_name(server.url))
