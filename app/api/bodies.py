"""Reads the body of a request to `/v1`, however long it claims to be and however slowly it comes."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from app.access.limits import is_public
from app.api import openai_schema as wire
from s1core import S1Error

IN_PUBLIC_BYTES = 128 * 2**10
"""Maximum body of a visitor's request, in bytes."""
SLOWEST_S = 30.0
"""For a body to arrive."""


class TooLarge(S1Error, ValueError):
    """The body is longer than any request needs."""


class TooSlow(S1Error, TimeoutError):
    """The body does not come to an end."""


class NotJson(S1Error, ValueError):
    """The body is said to be something else."""


async def read(request: Request) -> bytes:
    """Read what is sent.

    Raises:
        NotJson, TooLarge, TooSlow: it is refused; the message says why.
    """
    # A page of another host can make a browser send a form or a text here, but not JSON.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise NotJson("Send the body as JSON, with the header Content-Type: application/json.")
    most = IN_PUBLIC_BYTES if is_public() else wire.MOST_BYTES
    content = bytearray()
    try:
        async with asyncio.timeout(SLOWEST_S):
            async for part in request.stream():
                content += part
                if len(content) > most:
                    raise TooLarge(f"The body has more than {most:,} bytes, the most here; shorten the question.")
    except TimeoutError:
        raise TooSlow(f"The body did not arrive within {SLOWEST_S:.0f} seconds; send it again.") from None
    return bytes(content)
