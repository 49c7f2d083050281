"""Values out of a JSON body, each checked under the name that the client gave it. A null is an absent field. Pure."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from typing import Any

from s1core import S1Error

Json = dict[str, Any]
DRAWN_SEEDS = 2**31
"""Seeds that are drawn lie below this, so that any client can send one back."""


class BadRequest(S1Error, ValueError):
    """The body cannot be understood, or asks for what is not done here."""


def without_nulls(value: Any) -> Any:
    """Return the same JSON without what is null in it, at any depth."""
    if isinstance(value, dict):
        return {name: without_nulls(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [without_nulls(part) for part in value if part is not None]
    return value


def number(name: str, value: Any) -> float:
    """Return a finite number.

    Raises:
        BadRequest: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f"{name} must be a number, not {shown(value)}.")
    try:
        if math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise BadRequest(f"{name} must be a finite number, not {shown(value)}.")


def whole(name: str, value: Any, *, at_least: int = 0, at_most: int = 2**31 - 1) -> int:
    """Return a whole number in a range, exactly, however large.

    Raises:
        BadRequest: it is none, or lies outside.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        if not number(name, value).is_integer():
            raise BadRequest(f"{name} must be a whole number, not {shown(value)}.")
        value = int(value)
    if not at_least <= value <= at_most:
        raise BadRequest(f"{name} must lie between {at_least} and {at_most:,}, not {shown(value)}.")
    return value


def whole_or_unlimited(name: str, value: Any, *, at_least: int = 0) -> int | None:
    """Return a whole number; None for -1, which says "no limit" in the clients of other servers.

    Raises:
        BadRequest: as `whole`.
    """
    return None if value == -1 and not isinstance(value, bool) else whole(name, value, at_least=at_least)


def read_seed(name: str, value: Any, *, drawn: bool) -> int:
    """Return the seed; where none is given, or -1 as other servers take it, one is drawn if it makes a difference.

    Raises:
        BadRequest: it is no whole number of 64 bits.
    """
    if value is None or value == -1:
        return secrets.randbelow(DRAWN_SEEDS) if drawn else 0
    return whole(name, value, at_least=-(2**63), at_most=2**64 - 1) % 2**63


def text(name: str, value: Any) -> str:
    """Return a text.

    Raises:
        BadRequest: it is none.
    """
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a text, not {shown(value)}.")
    return value


def truth(name: str, value: Any) -> bool:
    """Return true or false.

    Raises:
        BadRequest: it is neither.
    """
    if not isinstance(value, bool):
        raise BadRequest(f"{name} must be true or false, not {shown(value)}.")
    return value


def mapping(name: str, value: Any, example: str) -> Json:
    """Return an object.

    Raises:
        BadRequest: it is none.
    """
    if not isinstance(value, dict):
        raise BadRequest(f"{name} must be an object such as {example}.")
    return value


def none_but(name: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Make sure that an object has no fields but these.

    Raises:
        BadRequest: it has another one.
    """
    for field in given:
        if field not in known:
            raise BadRequest(f"There is no field '{name}.{shortened(field)}' here; {name} takes {' and '.join(known)}.")


def shown(value: Any) -> str:
    """Return a value as it stands in JSON, shortened."""
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "an object"
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return shortened(repr(value))
    except ValueError:  # an integer with more digits than Python writes out
        return "a number with thousands of digits"


def shortened(words: str) -> str:
    """Return the beginning of a text, on one line."""
    line = " ".join(words.split())
    return line if len(line) <= 40 else f"{line[:40]}…"
