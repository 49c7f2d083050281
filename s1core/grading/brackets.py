"""Brackets of formulas: where one closes, and what stands between commas outside of all of them."""

from __future__ import annotations

import re

_OPENS, _CLOSES = r"\\begin\s*\{[a-zA-Z]+\*?\}|[\[({]", r"\\end\s*\{[a-zA-Z]+\*?\}|[\])}]"
_BRACKET = re.compile(rf"(?P<opens>{_OPENS})|(?P<closes>{_CLOSES})")


def closing(text: str, start: int) -> int | None:
    """The index of the bracket that closes the one at `start`; None if none does.

    Brackets of any kind close each other: `[1, 2)` is an interval.
    """
    depth = 0
    for bracket in _BRACKET.finditer(text, start):
        depth += 1 if bracket["opens"] else -1
        if depth == 0:
            return bracket.start()
    return None


def outside(text: str, pattern: str) -> list[re.Match[str]]:
    """The matches of a pattern outside of all brackets; a bracket too many encloses nothing."""
    found: list[re.Match[str]] = []
    depth = 0
    for match in re.finditer(rf"(?P<opens>{_OPENS})|(?P<closes>{_CLOSES})|(?P<wanted>{pattern})", text):
        if match["opens"]:
            depth += 1
        elif match["closes"]:
            depth = max(0, depth - 1)
        elif depth == 0:
            found.append(match)
    return found


def split_outside(text: str, separator: str) -> list[str]:
    """The parts between separators outside of all brackets, blank ones left out."""
    start, parts = 0, list[str]()
    for match in outside(text, separator):
        parts.append(text[start : match.start()])
        start = match.end()
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]
