"""What a visitor does, by accessible name only."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LEAVING = ("AbortError", "errored out")


class Watch:
    """Notes what a page must not do."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.outside: list[str] = []
        self._errors: list[str] = []
        self._visits = 0
        page.on("request", self._on_request)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._errors.append(str(error)))

    def _on_request(self, request: Request) -> None:
        self._visits += request.is_navigation_request()
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob") and url.hostname != "127.0.0.1":
            self.outside.append(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._errors.append(message.text)

    @property
    def errors(self) -> list[str]:
        """Errors on the console, but for those of Gradio's own client when its page is left in the middle of a stream.

        They may come before the navigation that causes them, so the visits are only known at the end.
        """
        if self._visits < 2:
            return self._errors
        return [error for error in self._errors if not any(words in error for words in LEAVING)]


def region(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def trace(page: Page) -> Locator:
    """The text of the trace, without its heading and legend."""
    return page.get_by_role("group", name="Text of the trace")


def set_slider(page: Page, name: str, value: int) -> None:
    page.get_by_role("slider", name=name, exact=True).fill(str(value))


def choose(page: Page, field: str, option: str) -> None:
    """Choose an option of a list under `More settings`, which must be open."""
    page.get_by_label(field, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def more_settings(page: Page) -> None:
    page.get_by_role("button", name="More settings").click()
    expect(page.get_by_label("Method", exact=True)).to_be_visible()


def cells(page: Page) -> Locator:
    """The probes of the answer track that are there."""
    return region(page, "Answer track").get_by_role("option")


def choose_model(page: Page, name: str) -> None:
    box = page.get_by_label("Model", exact=True)
    box.click()
    box.fill(name)
    page.get_by_role("option", name=name, exact=True).click()
    expect(page.locator("#model-note")).to_contain_text(f"{name} on ")


def ask(page: Page, question: str) -> None:
    page.get_by_role("textbox", name="Question").fill(question)
    page.get_by_role("button", name="Run", exact=True).click()


def finished(page: Page) -> Locator:
    """Wait for the receipt and return its region."""
    receipt = region(page, "Receipt")
    expect(receipt.get_by_role("row").first).to_be_visible()
    return receipt


def stage(page: Page, state: str) -> Locator:
    return page.locator(f".stage[data-state={state}]")


REPLAY = """() => new Promise((done) => {
  document.querySelector(".player-play").click();
  const wait = () => (document.querySelector(".race").dataset.playing === "true" ? setTimeout(wait, 20) : done());
  wait();
})"""


def replay(page: Page) -> None:
    """Press Play and wait for the end; it may be over before anyone outside the page has seen that it plays."""
    page.evaluate(REPLAY)


def soon(holds: Callable[[], bool], *, page: Page, within_s: float = 2.0) -> bool:
    """Whether something becomes true before the time is up."""
    deadline = time.monotonic() + within_s
    while not holds() and time.monotonic() < deadline:
        page.wait_for_timeout(20)
    return holds()
