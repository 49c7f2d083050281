"""The nesting depth of a JSON text, found before it is parsed: deep nesting overflows parsers and recursive walks."""

from __future__ import annotations

import re

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


def is_deeper(content: bytes, most: int) -> bool:
    """Whether lists and objects lie more than `most` deep in each other."""
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", content)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > most:
            return True
    return False
