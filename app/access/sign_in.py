"""The owner signs in from another machine: a form, and a cookie that only this server makes.

User and password come from `S1_AUTH`, which is taken out of the environment, so that no job inherits it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
import os
import secrets
import time
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.requests import ClientDisconnect

from app.access.admission import visitor_of
from app.access.owner import SIGNED_IN, is_same_origin
from app.access.security_headers import App, Receive, Send
from app.access.wrong_passwords import WrongPasswords
from s1core.errors import InvalidSetting

VARIABLE = "S1_AUTH"
COOKIE = "s1-owner"
LASTS_S = 12 * 3600
SHORTEST = 8
SLOWEST_S = 30.0
"""For a form to arrive."""
_MOST_BYTES = 4_096
_DONE = "signed-in"
"""The query of the address to which a browser is sent with its new cookie, to see whether it kept it."""
_FRAMES = ("iframe", "frame", "embed", "object")


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """What the owner types."""

    user: str
    password: str = field(repr=False)


def take_credentials(environment: MutableMapping[str, str] = os.environ) -> Credentials | None:
    """Take user and password out of the environment; None where there are none.

    Raises:
        InvalidSetting: they are not `user:password`, or the password is too short. They are not repeated.
    """
    given = environment.pop(VARIABLE, "")
    if not given:
        return None
    user, _, password = given.partition(":")
    if not user or len(password) < SHORTEST:
        raise InvalidSetting(f"{VARIABLE} must be user:password, with a password of {SHORTEST} characters or more")
    return Credentials(user=user, password=password)


class SignIn:
    """Signs and checks the owner's cookie. Only a key is kept; changing it signs everybody out."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._key = secrets.token_bytes(32)
        self._wrong = WrongPasswords()

    def around(self, app: App) -> App:
        """Mark the requests that bring the cookie, and pass all on to `app`."""

        async def marked(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                scope[SIGNED_IN] = self.knows(_cookie(scope))
            await app(scope, receive, send)

        return marked

    def knows(self, cookie: str) -> bool:
        """Whether this server made the cookie, and it is still good."""
        until, _, signature = cookie.partition(".")
        good = hmac.compare_digest(signature.encode(), self._signature(until).encode())
        return good and until.isdigit() and time.time() < int(until)

    def router(self) -> APIRouter:
        """Return the routes of the form."""
        routes = APIRouter(prefix="/owner")

        @routes.get("")
        async def form(request: Request) -> Response:
            is_in, has_tried = bool(request.scope.get(SIGNED_IN)), _DONE in request.query_params
            if is_in and has_tried:
                return RedirectResponse("./", status_code=303)
            if is_in:
                return _page(f"You are signed in as the owner. Wrong passwords since the start: {self._wrong.total:,}.")
            if has_tried:
                return _page(_REFUSED, tab=True)
            framed = request.headers.get("sec-fetch-dest") in _FRAMES
            return _page(_IN_A_FRAME if framed else "", tab=framed)

        @routes.post("")
        async def sign_in(request: Request) -> Response:
            if not is_same_origin(request.headers):
                return _page("Sign in from this page itself.", 403)
            try:
                filled = await _form(request)
            except (TimeoutError, ClientDisconnect):
                return _page(f"The form did not arrive within {SLOWEST_S:.0f} seconds; send it again.", 408)
            # From here to the answer nothing is awaited: however many come at once, each is counted before the next.
            address = visitor_of(request)
            if delay_s := math.ceil(self._wrong.delay_s(address)):
                words = f"Too many wrong passwords came from your address; try again in {delay_s:,} seconds."
                return _page(words, 429, retry_s=delay_s)
            if not self._is_right(filled):
                self._wrong.add(address)
                return _page("User or password is wrong.", 403)
            self._wrong.forget(address)
            response = RedirectResponse(f"owner?{_DONE}", status_code=303)
            until = str(int(time.time()) + LASTS_S)
            response.set_cookie(
                COOKIE,
                f"{until}.{self._signature(until)}",
                max_age=LASTS_S,
                httponly=True,
                samesite="strict",
                secure=_is_secure(request),
            )
            return response

        @routes.post("/out")
        async def sign_out(request: Request) -> Response:
            if request.scope.get(SIGNED_IN) and is_same_origin(request.headers):
                self._key = secrets.token_bytes(32)
            return RedirectResponse("../owner", status_code=303)

        return routes

    def _signature(self, until: str) -> str:
        return hmac.new(self._key, until.encode(), hashlib.sha256).hexdigest()

    def _is_right(self, form: dict[str, str]) -> bool:
        # Both are compared in any case, in constant time.
        user = hmac.compare_digest(form.get("user", "").encode(), self._credentials.user.encode())
        password = hmac.compare_digest(form.get("password", "").encode(), self._credentials.password.encode())
        return user and password


async def _form(request: Request) -> dict[str, str]:
    """Return what was filled in; nothing where there is too much.

    Raises:
        TimeoutError: it did not arrive in time.
        ClientDisconnect: the browser went away.
    """
    content = bytearray()
    async with asyncio.timeout(SLOWEST_S):
        async for part in request.stream():
            content += part
            if len(content) > _MOST_BYTES:
                return {}
    read = parse_qs(content.decode("utf-8", "replace"), max_num_fields=8) if content.count(b"&") < 8 else {}
    return {name: values[0] for name, values in read.items()}


def _is_secure(request: Request) -> bool:
    """Whether the browser speaks HTTPS, to this server or to the first proxy before it."""
    forwarded = request.headers.get("x-forwarded-proto", "").partition(",")[0].strip()
    return "https" in (request.url.scheme, forwarded)


def _cookie(scope: MutableMapping[str, Any]) -> str:
    sent = next((value for name, value in scope["headers"] if name == b"cookie"), b"")
    try:
        found = SimpleCookie(sent.decode("latin-1")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


_REFUSED = (
    "Your browser did not keep the cookie of the sign-in; in a frame of another site browsers keep none. "
    "Sign in in a tab of its own, and use the playground there."
)
_IN_A_FRAME = (
    "This page is shown inside another one. If that is of another site, browsers keep nobody signed in here: "
    "sign in in a tab of its own, and use the playground there."
)
# The policy of the page itself holds whatever a proxy adds to the headers.
_FORM = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Owner · s1 playground</title>
<meta name="referrer" content="same-origin">
<meta name="viewport" content="width=device-width"><style>body{{font:1rem/1.5 system-ui;margin:10vh auto;width:20rem}}
label,input,button{{display:block;width:100%;box-sizing:border-box;font:inherit}}label{{margin-bottom:1rem}}</style>
<h1>Owner</h1><p role="status">{words}</p>{tab}
<form method="post" action="owner"><label>User<input name="user" autocomplete="username" required></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button></form>
<form method="post" action="owner/out"><p><button>Sign out everywhere</button></p></form>
<p><a href="./">Back to the playground</a></p></html>"""
_TAB = '<p><a href="owner" target="_blank" rel="noopener">Sign in in a tab of its own</a></p>'


def _page(words: str, status: int = 200, *, tab: bool = False, retry_s: int | None = None) -> HTMLResponse:
    headers = {"cache-control": "no-store"} | ({"retry-after": str(retry_s)} if retry_s else {})
    return HTMLResponse(_FORM.format(words=words, tab=_TAB if tab else ""), status_code=status, headers=headers)
