"""The drawing library, served by the app itself, since no page here loads from another host."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.metadata import version
from importlib.resources import files

from fastapi import Response

PLOTLY = f"plotly-{version('plotly')}.min.js"
"""Its file name, with the version."""
_FOREVER = "public, max-age=31536000, immutable"


def response(accept_encoding: str) -> Response:
    """Return the library, compressed where the browser accepts gzip."""
    headers = {"cache-control": _FOREVER, "vary": "accept-encoding"}
    packed = "gzip" in accept_encoding
    headers |= {"content-encoding": "gzip"} if packed else {}
    return Response(_content(packed), media_type="text/javascript", headers=headers)


@cache
def _content(packed: bool) -> bytes:
    content = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    return gzip.compress(content, 6) if packed else content
