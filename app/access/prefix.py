"""A path under which a proxy shows the playground to browsers, as `/s1`: taken off again where the proxy leaves it on.

The page itself asks for everything beside its own address (`gradio_compat.serve_under_any_address`); this is for
proxies that pass addresses on as they came, and for clients that read where the API is.
"""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from fastapi.responses import RedirectResponse

from app.access.security_headers import App, Receive, Send

VARIABLE = "GRADIO_ROOT_PATH"
HEADER = b"x-forwarded-prefix"
_PATH = re.compile(r"(/[\w.~-]+)+")
_LONGEST = 200


def root_path(environment: MutableMapping[str, str] = os.environ) -> str:
    """Return the path, or the whole address, of `GRADIO_ROOT_PATH` without its last slash; empty where none is set."""
    told = environment.get(VARIABLE, "").strip().rstrip("/")
    return told if not told or "://" in told else f"/{told.lstrip('/')}"


class Prefix:
    """Passes on requests as if they had come without the prefix."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._own = urlsplit(root_path()).path

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and (prefix := self._prefix(scope)):
            path: str = scope["path"]
            if path == prefix:
                query = scope["query_string"].decode("latin-1")
                # What lies beside the page would be asked for beside the prefix.
                away = RedirectResponse(f"{prefix}/{'?' if query else ''}{query}", status_code=308)
                await away(scope, receive, send)  # type: ignore[arg-type]
                return
            if path.startswith(f"{prefix}/"):
                raw = scope.get("raw_path")
                encoded = prefix.encode()
                cut = {"raw_path": raw[len(encoded) :]} if raw and raw.startswith(encoded) else {}
                scope = {**scope, "path": path[len(prefix) :], **cut}
        await self._app(scope, receive, send)

    def _prefix(self, scope: MutableMapping[str, Any]) -> str:
        """The prefix that this server was told, or the proxy tells; a visitor who forges it changes his own path."""
        if self._own:
            return self._own
        told = next((value for name, value in scope["headers"] if name == HEADER), b"").decode("latin-1")
        first = told.partition(",")[0].strip().rstrip("/")
        return first if len(first) <= _LONGEST and _PATH.fullmatch(first) else ""
