"""Who may launch jobs and name files of this machine: its owner, on this machine or signed in."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from app.access.limits import is_public
from s1core import S1Error

OWNER_VARIABLE = "S1_OWNER"
"""The name under which the owner signs in, where the page is not opened on the machine itself."""
SIGNED_IN = "s1_signed_in"
"""Whether a request brought the owner's cookie (`sign_in.py`), in its ASGI scope; absent where nobody can sign in."""
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


class NotTheOwner(S1Error, PermissionError):
    """A visitor asked for what only the owner may."""


def require_owner(request: Any) -> None:
    """Let the owner pass.

    Args:
        request: Gradio's or Starlette's.

    Raises:
        NotTheOwner: anybody else.
    """
    if not is_owner(request):
        raise NotTheOwner(refusal(sign_in=SIGNED_IN in _scope(request)))


def refusal(*, sign_in: bool) -> str:
    """Say what somebody who is not the owner can do instead.

    Args:
        sign_in: whether the owner can sign in on the page `/owner`.
    """
    if not is_public():
        return "Read-only from here. Open the page on the machine that it runs on, or start your own playground."
    own = "Duplicate this Space" if os.environ.get("SPACE_ID") else "Start your own playground"
    return f"Read-only demo. {own} to run your own job" + (
        ", or sign in as the owner on the page /owner." if sign_in else "."
    )


def is_owner(request: Any) -> bool:
    """Whether this request comes from the owner: signed in, or from a page that this machine serves to itself.

    A request that a page of another host sends is not the owner's, whatever cookies the browser adds.
    """
    if not is_same_origin(request.headers):
        return False
    scope = _scope(request)
    name = os.environ.get(OWNER_VARIABLE) or os.environ.get("SPACE_AUTHOR_NAME")
    if scope.get(SIGNED_IN) or (name and name in (getattr(request, "username", None), _hub_name(scope))):
        return True
    return not is_public() and _is_local(request)


def sees_all(request: Any) -> bool:
    """Whether a request may see results made of the owner's own files; visitors of a public page may not."""
    return not is_public() or is_owner(request)


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a request comes from a page of this server, or from no page at all, as browsers tell."""
    sent = {str(key).lower(): str(value) for key, value in headers.items()}
    site, origin = sent.get("sec-fetch-site"), sent.get("origin")
    # No page can set this header, and no proxy changes it. Beside it the origin may be another name of this server,
    # or `null`, as browsers send it with a form under a policy that names no referrer.
    if site and site != "none":
        return site == "same-origin"
    # No page of another host can set the forwarded name, which proxies add when they change the other.
    own = {sent.get("host"), sent.get("x-forwarded-host"), os.environ.get("SPACE_HOST")} - {None, ""}
    return origin is None or _netloc(origin) in own


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether a page of another host makes this request, by the browser's headers."""
    # A proxy that gives this server another name than its visitors use does not change this header.
    site = next((str(value) for key, value in headers.items() if str(key).lower() == "sec-fetch-site"), None)
    return site not in ("same-origin", "none") if site else not is_same_origin(headers)


def _scope(request: Any) -> Mapping[str, Any]:
    """Return the ASGI scope of Gradio's request or Starlette's."""
    return getattr(getattr(request, "request", None) or request, "scope", {})


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _hub_name(scope: Mapping[str, Any]) -> str | None:
    """Who signed in by `gr.LoginButton`, in a session that Gradio signs."""
    session = scope.get("session") or {}
    return ((session.get("oauth_info") or {}).get("userinfo") or {}).get("preferred_username")


def _is_local(request: Any) -> bool:
    headers = {str(key).lower(): str(value) for key, value in request.headers.items()}
    client = getattr(request.client, "host", None)
    if any(header in headers for header in _FORWARDED) or not client or not _is_loopback(client):
        return False
    # Another site may make a browser on this machine send requests here, by its own name for this address or under its
    # own origin.
    if urlsplit(f"//{headers.get('host', '')}").hostname not in _LOCAL_NAMES:
        return False
    origin = headers.get("origin")
    return origin is None or _netloc(origin) == headers.get("host")


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
