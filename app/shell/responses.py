"""Responses of the app's own routes: JSON, or one sentence for the page where something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from s1core import S1Error

View = dict[str, Any]
"""What the page shows, as JSON."""


async def answer(work: Callable[[], View]) -> Response:
    """Answer with what `work` returns; reading from disk takes a moment, so it is done beside the event loop."""
    try:
        return JSONResponse(await run_in_threadpool(work), headers={"cache-control": "no-store"})
    except S1Error as error:
        return refusal(error)


def refusal(error: S1Error) -> JSONResponse:
    """Say what is wrong, in one sentence."""
    # Not an HTTP error: the page shows the sentence, and the browser's console has nothing to complain of.
    return JSONResponse({"error": str(error)}, headers={"cache-control": "no-store"})


def closed_in_public() -> JSONResponse:
    """Refuse files on a public page."""
    words = "Only the owner can add files to a public page; start a playground yourself and add them there."
    return JSONResponse({"error": words}, status_code=403, headers={"cache-control": "no-store"})


def openai_error(message: str, *, status: int, code: str | None = None) -> dict[str, Any]:
    """Return an error in OpenAI's shape."""
    kinds = {429: "rate_limit_error", 500: "server_error", 503: "server_error"}
    return {
        "error": {
            "message": message,
            "type": kinds.get(status, "invalid_request_error"),
            "param": None,
            "code": code,
        }
    }
