"""The page's typefaces, served by the app itself: a variable sans and a mono of one family, under the OFL 1.1.

Atkinson Hyperlegible was drawn to keep letters and digits apart that look alike: 1, l and I, 0 and O, B and 8. Its two
files are the Latin subsets of the packages `@fontsource-variable/atkinson-hyperlegible-next` and `-mono` 5.3.0.
"""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path

from fastapi import Response

FOLDER = Path(__file__).with_name("fonts")
FACES = {
    "Atkinson Hyperlegible Next": ("atkinson-hyperlegible-next.woff2", "200 800"),
    "Atkinson Hyperlegible Mono": ("atkinson-hyperlegible-mono.woff2", "200 800"),
}
"""By family: the file, and its range of weights."""
LATIN = (
    "U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+0304, U+0308, U+0329, U+2000-206F, "
    "U+20AC, U+2122, U+2191, U+2193, U+2212, U+2215, U+FEFF, U+FFFD"
)
VERSION = "5.3.0"
_FOREVER = {"cache-control": "public, max-age=31536000, immutable"}


def address(name: str) -> str:
    """Where a file is, beside the page; another version has another address."""
    return f"fonts/{VERSION}/{name}"


def preloads() -> str:
    """Return the links that have a browser fetch the files before it knows where they are used."""
    links = (f'<link rel="preload" as="font" type="font/woff2" href="./{address(n)}" crossorigin>' for n in names())
    return "\n".join(links)


def names() -> list[str]:
    """Return the names of the files."""
    return [name for name, _ in FACES.values()]


@cache
def styles(*, inline: bool = False) -> str:
    """Return the faces as CSS.

    Args:
        inline: with the files in it, for a page that is opened without this app.
    """
    return "\n".join(_face(family, name, weights, inline) for family, (name, weights) in FACES.items())


def _face(family: str, name: str, weights: str, inline: bool) -> str:
    data = base64.b64encode((FOLDER / name).read_bytes()).decode() if inline else ""
    source = f"data:font/woff2;base64,{data}" if inline else f"./{address(name)}"
    return (
        f'@font-face {{ font-family: "{family}"; font-weight: {weights}; font-display: swap; '
        f'src: url("{source}") format("woff2"); unicode-range: {LATIN}; }}'
    )


def response(name: str) -> Response:
    """Return a file that never changes under its name."""
    if name not in names():
        return Response(status_code=404)
    return Response((FOLDER / name).read_bytes(), media_type="font/woff2", headers=_FOREVER)
