"""The owner signs in with Firefox, whose rules for origins and cookies are its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.access.limits import PUBLIC_VARIABLE
from app.access.sign_in import COOKIE, Credentials
from tests.browser.firefox import PROGRAM, Firefox
from tests.browser.playground import Playground, scripted_engines

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Firefox is not installed (Debian: apt install firefox-esr)")
PASSWORD = "correct horse: battery"


@pytest.fixture
def server() -> Iterator[Playground]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SPACE_ID", "S1_OWNER", "SPACE_AUTHOR_NAME"):
            patch.delenv(name, raising=False)
        patch.setenv(PUBLIC_VARIABLE, "1")
        with Playground("paced", scripted_engines(), owner=Credentials(user="ada", password=PASSWORD)) as playground:
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
