"""The page behind a real proxy, at an address without its last slash."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.app.nginx import PROGRAM, Nginx
from tests.browser.conftest import OpenPage
from tests.browser.playground import Playground
from tests.browser.visit import ask, finished

TELLS_NOTHING = "location /bare { rewrite ^/bare/?(.*)$ /$1 break; proxy_pass http://127.0.0.1:7860; }"
"""Takes the path off, and gives the server another host's name than the visitor's."""


@pytest.fixture(scope="module")
def proxy(playground: Playground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    if PROGRAM is None:
        pytest.skip("nginx is not installed")
    with Nginx(tmp_path_factory.mktemp("nginx"), urlsplit(playground.url).netloc, TELLS_NOTHING) as nginx:
        yield nginx


def test_a_run_under_the_documented_path(proxy: Nginx, open_page: OpenPage) -> None:
    page = open_page(f"{proxy.url}/s1?q=How+many+r+in+raspberry%3F")
    expect(page).to_have_url(f"{proxy.url}/s1/?q=How+many+r+in+raspberry%3F")
    ask(page, "How many r in raspberry?")
    finished(page)


def test_a_run_behind_a_proxy_that_tells_nothing(proxy: Nginx, browser: Browser) -> None:
    context = browser.new_context()  # it looks for files beside the address that it is about to leave, and says so
    page = context.new_page()
    page.goto(f"{proxy.url}/bare?q=How+many+r+in+raspberry%3F")
    expect(page).to_have_url(f"{proxy.url}/bare/?q=How+many+r+in+raspberry%3F")
    ask(page, "How many r in raspberry?")
    finished(page)
    context.close()
