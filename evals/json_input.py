"""JSON from outside this program. Python's parser accepts what nothing else can read; that is mended here."""

from __future__ import annotations

import json
import re
from typing import Any

_LONGEST_INTEGER = 1_000
"""Digits; Python refuses to convert more than 4,300."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(content: str | bytes) -> Any:
    r"""Parse JSON.

    NaN and infinities, which JSON has not, become null; endless integers stay text; half of a character (a lone
    `\ud83d`), which no file can hold, becomes U+FFFD.

    Raises:
        json.JSONDecodeError: it is malformed.
        UnicodeDecodeError: it is not UTF-8.
        RecursionError: it is nested too deeply.
    """
    text = content if isinstance(content, str) else content.decode("utf-8-sig")
    value = json.loads(text, parse_int=_integer, parse_constant=lambda name: None)
    return _whole(value) if _SURROGATE.search(text) else value


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else digits


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(entry) for entry in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(entry) for key, entry in value.items()}
    return value
