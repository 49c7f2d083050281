"""Fixtures: a browser, a server, and pages that may neither call out nor complain.

Their scope is a module, so that Playwright's event loop is gone before the next module's asynchronous tests begin.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.playground import Playground, scripted_engines
from tests.browser.visit import CHROMIUM, CHROMIUM_ARGS, Watch

OpenPage = Callable[..., Page]
WIDE: Any = {"viewport": {"width": 1440, "height": 900}}
AT_ONCE = "try { localStorage['s1-pace'] ??= 'instant'; } catch {}"
"""Most tests look at what is there in the end, and do not wait for a reader's pace."""
expect.set_options(timeout=15_000)  # for machines with other work to do; nothing waits when all is well


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS, headless=True)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def playground() -> Iterator[Playground]:
    with Playground("paced", scripted_engines()) as server:
        yield server


@pytest.fixture(scope="module")
def usual(browser: Browser) -> Iterator[BrowserContext]:
    """One visitor for the tests of a module: what the browser has fetched once, it keeps."""
    context = browser.new_context(**WIDE)
    context.add_init_script(AT_ONCE)
    yield context
    context.close()


@pytest.fixture
def open_page(browser: Browser, usual: BrowserContext) -> Iterator[OpenPage]:
    """Open pages that are checked, at the end, for requests to other hosts and for errors in the console.

    The second page of a test, and one with settings of its own, are those of another visitor. With `paced=True` runs
    and races are played at reading pace, as visitors see them.
    """
    watches: list[Watch] = []

    def open_one(url: str, *, paced: bool = False, **settings: object) -> Page:
        first = not watches and not settings and not paced
        context = usual if first else browser.new_context(**{**WIDE, **settings})
        if not first and not paced:
            context.add_init_script(AT_ONCE)
        page = context.new_page()
        watches.append(Watch(page))
        page.goto(url)
        # The button of whichever tab the address opens.
        page.get_by_role("button", name=re.compile("^(Run( it now)?|Race|Launch)$")).first.wait_for()
        return page

    yield open_one
    for watch in watches:
        if watch.page.context is usual:
            usual.clear_cookies()
            for page in usual.pages:
                page.close()
        else:
            watch.page.context.close()
    for watch in watches:
        assert watch.outside == [], "the page talked to another host"
        assert watch.errors == [], "the console has errors"


@pytest.fixture
def page(playground: Playground, open_page: OpenPage) -> Page:
    return open_page(playground.url)
