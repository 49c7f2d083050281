"""The owner signs in with Firefox, whose rules for origins and cookies are its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.access.sign_in import COOKIE
from tests.browser.firefox import PROGRAM, Firefox
from tests.browser.playground import Playground, owned

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Firefox is not installed (Debian: apt install firefox-esr)")
PASSWORD = "correct horse: battery"


@pytest.fixture
def server() -> Iterator[Playground]:
    with owned("ada", PASSWORD) as playground:
        yield playground


def sign_in(firefox: Firefox, password: str) -> None:
    firefox.type("input[name=user]", "ada")
    firefox.type("input[name=password]", password)
    firefox.click("form button")


def test_the_owner_signs_in_and_out(server: Playground, tmp_path: Path) -> None:
    with Firefox(tmp_path) as firefox:
        firefox.do("Navigate", url=f"{server.url}owner")
        sign_in(firefox, PASSWORD + "?")
        assert firefox.text("[role=status]") == "User or password is wrong."
        sign_in(firefox, PASSWORD)
        assert firefox.do("GetCurrentURL") == server.url
        assert COOKIE in [cookie["name"] for cookie in firefox.do("GetCookies")]
        firefox.do("Navigate", url=f"{server.url}owner")
        assert "You are signed in as the owner." in firefox.text("[role=status]")
        firefox.click("form[action='owner/out'] button")
        firefox.do("Navigate", url=f"{server.url}owner")
        assert firefox.text("[role=status]") == ""
