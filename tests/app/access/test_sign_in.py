"""How the owner signs in over HTTP, as browsers do it, and how nobody else does, or keeps him out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from app.access import sign_in as sign_in_module
from app.access import wrong_passwords
from app.access.middleware import Entrance
from app.access.security_headers import ContentSecurityPolicy
from app.access.sign_in import COOKIE, Credentials, SignIn
from app.access.wrong_passwords import ALARM, FREE, LONGEST_DELAY_S, WrongPasswords, network

RIGHT = {"user": "ada", "password": "correct horse: battery"}
WRONG = RIGHT | {"password": "correct horse: battery?"}
HOME = "http://playground.test"
Visit = Callable[..., httpx.AsyncClient]


class Served:
    """The sign-in as it is served, and a clock that stands still."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        sign_in = SignIn(Credentials(**RIGHT))
        sign_in._wrong = WrongPasswords(clock=lambda: self.now_s)
        server = FastAPI()
        server.include_router(sign_in.router())
        self.app: Any = ContentSecurityPolicy(Entrance(sign_in.around(server)))

    def visit(self, address: str = "198.51.100.1", **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, client=(address, 50_000))
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.AsyncClient(transport=transport, base_url=HOME, headers=sent)

    async def tries(self, form: dict[str, str], address: str = "198.51.100.1", **headers: str) -> httpx.Response:
        async with self.visit(address, **headers) as visitor:
            return await visitor.post("/owner", data=form)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    monkeypatch.delenv("SPACE_ID", raising=False)
    return Served()


# What browsers send

BROWSERS = (
    {"origin": "null", "sec_fetch_site": "same-origin"},  # under a policy that names no referrer
    {"origin": HOME, "sec_fetch_site": "same-origin"},
    {"origin": HOME},  # one that does not tell, or a page without HTTPS
    {"origin": "https://public.test", "x_forwarded_host": "public.test"},
    {"origin": "https://public.test", "sec_fetch_site": "same-origin"},  # a proxy that changes the host
)


@pytest.mark.parametrize("headers", BROWSERS, ids=str)
async def test_every_browser_signs_the_owner_in(headers: dict[str, str], served: Served) -> None:
    async with served.visit(**headers) as browser:
        answer = await browser.post("/owner", data=RIGHT)
        assert answer.status_code == 303 and COOKIE in answer.cookies
        landed = await browser.get(answer.headers["location"])
        assert (landed.status_code, landed.headers["location"]) == (303, "./")
        assert "You are signed in" in (await browser.get("/owner")).text
        await browser.post("/owner/out")
        assert "You are signed in" not in (await browser.get("/owner")).text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "null"},
        {"origin": "https://evil.test"},
        {"origin": "null", "sec_fetch_site": "cross-site"},
        {"origin": HOME, "sec_fetch_site": "cross-site"},
        {"origin": HOME, "sec_fetch_site": "same-site"},
        {"origin": "https://evil.test", "sec_fetch_site": "none"},
        {"sec_fetch_site": "cross-site"},
    ],
    ids=str,
)
async def test_another_page_neither_signs_in_nor_counts(headers: dict[str, str], served: Served) -> None:
    for _ in range(FREE + 1):
        answer = await served.tries(WRONG, **headers)
        assert answer.status_code == 403 and not answer.cookies
    assert (await served.tries(RIGHT, **headers)).status_code == 403
    assert (await served.tries(RIGHT)).status_code == 303, "nobody is made to wait by pages of other hosts"


async def test_pages_let_browsers_tell_where_a_form_is_from(served: Served) -> None:
    async with served.visit() as browser:
        answer = await browser.get("/owner")
    assert answer.headers["referrer-policy"] == "same-origin"
    assert '<meta name="referrer" content="same-origin">' in answer.text, "whatever a proxy adds"


async def test_a_cookie_that_was_dropped_is_told(served: Served) -> None:
    async with served.visit() as browser:
        answer = await browser.post("/owner", data=RIGHT)
        browser.cookies.clear()
        landed = await browser.get(answer.headers["location"])
    assert landed.status_code == 200
    assert "Your browser did not keep the cookie" in landed.text and 'href="owner" target="_blank"' in landed.text


async def test_a_frame_says_where_to_sign_in(served: Served) -> None:
    async with served.visit() as browser:
        framed = await browser.get("/owner", headers={"sec-fetch-dest": "iframe", "sec-fetch-site": "cross-site"})
        alone = await browser.get("/owner", headers={"sec-fetch-dest": "document", "sec-fetch-site": "none"})
    assert "inside another one" in framed.text and 'href="owner" target="_blank"' in framed.text
    assert "inside another one" not in alone.text and "_blank" not in alone.text


@pytest.mark.parametrize(("proto", "is_secure"), [("https", True), ("https, http", True), ("http", False), ("", False)])
async def test_the_cookie_is_secure_where_the_page_is(proto: str, is_secure: bool, served: Served) -> None:
    answer = await served.tries(RIGHT, x_forwarded_proto=proto)
    assert ("secure" in answer.headers["set-cookie"].lower().split("; ")) is is_secure


# Wrong passwords


async def test_wrong_passwords_of_others_lock_nobody_out(served: Served) -> None:
    answers = [(await served.tries(WRONG)).status_code for _ in range(20)]
    assert answers == [403] * FREE + [429] * (20 - FREE)
    assert (await served.tries(RIGHT, "198.51.100.2")).status_code == 303


async def test_right_password_waits_at_a_tired_address(served: Served) -> None:
    for _ in range(FREE):
        await served.tries(WRONG)
    answer = await served.tries(RIGHT)
    assert answer.status_code == 429 and answer.headers["retry-after"] == "2"
    assert "try again in 2 seconds" in answer.text
    served.now_s += 2
    assert (await served.tries(RIGHT)).status_code == 303
    assert (await served.tries(WRONG)).status_code == 403, "the right one begins anew"


async def test_late_bodies_do_not_evade_the_limit(served: Served) -> None:
    """All headers arrive first, then all bodies, as when somebody holds them back."""
    gate, arrived = asyncio.Event(), [0]

    async def held(password: str) -> AsyncIterator[bytes]:
        yield b"user=ada&"
        arrived[0] += 1
        await gate.wait()
        yield b"password=" + password.encode()

    async def attempt(password: str) -> int:
        async with served.visit() as visitor:
            return (await visitor.post("/owner", content=held(password))).status_code

    passwords = [*(f"guess {n}" for n in range(99)), RIGHT["password"]]
    attempts = [asyncio.create_task(attempt(one)) for one in passwords]
    while arrived[0] < len(attempts):
        await asyncio.sleep(0)
    gate.set()
    assert sorted(await asyncio.gather(*attempts)) == [403] * FREE + [429] * (100 - FREE)


async def test_a_body_that_never_ends_is_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_module, "SLOWEST_S", 0.01)

    async def endless() -> AsyncGenerator[bytes, None]:
        yield b"user=ada&"
        await asyncio.sleep(60)

    async with served.visit() as visitor:
        answer = await visitor.post("/owner", content=endless())
    assert answer.status_code == 408


async def test_visitors_of_a_space_are_told_apart(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    forged = {"x_forwarded_for": "203.0.113.9"}
    for _ in range(FREE):
        await served.tries(WRONG, **forged)
    assert (await served.tries(RIGHT)).status_code == 429, "elsewhere that header is anybody's word"
    monkeypatch.setenv("SPACE_ID", "ada/s1")
    for _ in range(FREE):
        await served.tries(WRONG, **forged)
    assert (await served.tries(RIGHT, **forged)).status_code == 429
    assert (await served.tries(RIGHT, x_forwarded_for="203.0.113.10")).status_code == 303


async def test_many_wrong_passwords_are_an_alarm(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    for n in range(3 * ALARM):
        assert (await served.tries(WRONG, f"198.51.100.{n}")).status_code == 403
    told = [record for record in caplog.records if record.name == wrong_passwords.__name__]
    assert [record.levelno for record in told] == [logging.WARNING], "once a minute"
    assert "198.51.100" not in caplog.text and WRONG["password"] not in caplog.text
    served.now_s += 61
    for n in range(ALARM):
        await served.tries(WRONG, f"198.51.100.{n}")
    assert caplog.text.count("wrong passwords") == 2
    async with served.visit("203.0.113.1") as owner:
        await owner.post("/owner", data=RIGHT)
        assert f"Wrong passwords since the start: {4 * ALARM}." in (await owner.get("/owner")).text


# The count


def test_the_delay_grows_and_has_an_end() -> None:
    now = [0.0]
    wrong = WrongPasswords(clock=lambda: now[0])
    delays: list[float] = []
    for _ in range(60):
        wrong.add("a")
        delays.append(wrong.delay_s("a"))
        now[0] += delays[-1]
    assert delays[: FREE + 2] == [0.0] * (FREE - 1) + [2.0, 4.0, 8.0]
    assert delays == sorted(delays) and delays[-1] == LONGEST_DELAY_S
    now[0] += wrong_passwords.FORGOTTEN_S + 1
    wrong.add("a")
    assert wrong.delay_s("a") == 0.0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.0, 4_000.0)), max_size=60))
def test_nobody_waits_for_what_others_sent(steps: list[tuple[str, float]]) -> None:
    now = [0.0]
    clock = lambda: now[0]  # noqa: E731
    together, apart = WrongPasswords(clock), {name: WrongPasswords(clock) for name in "abc"}
    for name, later_s in steps:
        now[0] += later_s
        together.add(name)
        apart[name].add(name)
        assert all(together.delay_s(one) == apart[one].delay_s(one) for one in "abc")


def test_addresses_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrong_passwords, "MOST_KNOWN", 10)
    wrong = WrongPasswords()
    for n in range(1_000):
        wrong.add(f"10.0.{n // 250}.{n % 250}")
    assert len(wrong._of) == 10


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::1", "::2", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "unknown", False),
    ],
)
def test_a_network_of_ipv6_is_one_sender(one: str, other: str, same: bool) -> None:
    assert (network(one) == network(other)) is same
