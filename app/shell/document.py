"""What stands in the head of the page before any script runs: title, description, typefaces, and the card of a link.

Programs that show a preview of a link read this and run no script.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.shell import fonts

CARD_SIZE = (1200, 630)


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a link to the page shows elsewhere."""

    title: str
    description: str
    card: str
    """The query of its picture under `/card.png`."""


def head(preview: Preview, *, address: str, query: str) -> str:
    """Return the markup; texts in it are escaped.

    Args:
        preview: what this address shows.
        address: of the page, as visitors call it, without its query.
        query: of the page.
    """
    here = address + (f"?{query}" if query else "")
    picture = f"{address}card.png{f'?{preview.card}' if preview.card else ''}"
    named = {"description": preview.description, "twitter:card": "summary_large_image", "twitter:title": preview.title}
    named |= {"twitter:description": preview.description, "twitter:image": picture}
    about = {
        "og:type": "website",
        "og:site_name": "s1 playground",
        "og:title": preview.title,
        "og:description": preview.description,
        "og:url": here,
        "og:image": picture,
        "og:image:width": str(CARD_SIZE[0]),
        "og:image:height": str(CARD_SIZE[1]),
        "og:image:alt": preview.description,
    }
    lines = [
        f"<title>{html.escape(preview.title)}</title>",
        *(f'<meta name="{name}" content="{html.escape(text)}">' for name, text in named.items()),
        *(f'<meta property="{name}" content="{html.escape(text)}">' for name, text in about.items()),
        fonts.preloads(),
        f"<style>{fonts.styles()}</style>",
    ]
    return "\n".join(lines)


def head_of_request(preview_of: Callable[[Any], Preview]) -> Callable[[Any], str]:
    """Return what makes the head for a request of Starlette's."""

    def made(request: Any) -> str:
        return head(preview_of(request.query_params), address=address_of(request), query=str(request.url.query))

    return made


def address_of(request: Any) -> str:
    """The page's address as its visitors call it, with its last slash: a proxy tells what it was asked for."""
    headers = request.headers
    scheme = _first(headers.get("x-forwarded-proto")) or request.url.scheme
    host = _first(headers.get("x-forwarded-host")) or headers.get("host") or request.url.netloc
    prefix = _first(headers.get("x-forwarded-prefix")).strip("/")
    return f"{scheme}://{host}/{f'{prefix}/' if prefix else ''}"


def _first(told: str | None) -> str:
    return (told or "").partition(",")[0].strip()
