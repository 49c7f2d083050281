"""What parsers are fed: odd values, good documents with a few values exchanged, and bytes torn on their way."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

_DEEP, _HUGE = "\x00deep", "\x00huge"
"""Stand in a value for what `json.dumps` cannot write: lists nested without end, a number of 5,000 digits."""
_PLAIN = [
    *(None, True, False, 0, -1, 1, 2, 3, 64, 2**31, 2**63, 2**64, 10**400, -(10**400)),
    *(0.0, 0.5, -0.1, 1e308, -1e308, float("inf"), float("nan")),
    *("", " ", "0", "1.0", "nan", "Wait", "²", "٣", "\x00", "\ud800", "\u2028", "é" * 300, "x" * 5_000, "9" * 5_000),
    *(
        "<|im_start|>answer",
        "</think>",
        "~nobody/x",
        "../..",
        "/" * 300,
        "a=b",
        "{}",
        "[",
        "\\",
        "%s%n",
        "\r\n",
        "\ufeff",
    ),
    *([], {}, [[]], [{}], [0], {"": None}, {"a": {"b": []}}),
]
ODD: st.SearchStrategy[Any] = st.sampled_from(_PLAIN)
DEEP: st.SearchStrategy[Any] = st.sampled_from([_DEEP, _HUGE])
_LEAVES = ODD | st.integers() | st.floats() | st.text(max_size=12)
JSON: st.SearchStrategy[Any] = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
"""Any value that JSON, or Python's reading of it, can hold."""
_ANY = ODD | JSON
_PLACE = st.integers(0, 10**6)
_EDITS = st.lists(
    st.tuples(st.sampled_from(["put", "put", "put", "drop", "again", "wrap", "add"]), _PLACE, _ANY | DEEP), max_size=3
)
_TEARS = st.lists(
    st.tuples(st.sampled_from(["cut", "drop", "put", "flip", "again"]), _PLACE, st.binary(max_size=6)), max_size=3
)


def altered(*seeds: Any) -> st.SearchStrategy[Any]:
    """One of these values, with up to three of its parts exchanged, left out, repeated or wrapped."""
    return st.builds(_altered, st.sampled_from(seeds), _EDITS)


def named(**fields: Sequence[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Good values by name, of which up to two are odd."""
    good = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in fields.items()})
    odd = st.dictionaries(st.sampled_from(sorted(fields)), _ANY, max_size=2)
    return st.builds(lambda values, others: values | others, good, odd)


def documents(*seeds: Any) -> st.SearchStrategy[bytes]:
    """These values altered, as JSON that may be torn."""
    return torn(altered(*seeds).map(written))


def json_lines(*seeds: Any, head: Any = None, end: Any = None) -> st.SearchStrategy[bytes]:
    """Lines of these values, altered, that may be torn; `head` comes first and `end` last, both as often as not."""
    rest = st.lists(altered(*seeds), max_size=5)
    parts = [rest]
    if head is not None:
        parts.insert(0, st.lists(altered(head) | st.just(head), min_size=1, max_size=1))
    if end is not None:
        parts.append(st.lists(altered(end) | st.just(end), max_size=1))
    lines = st.tuples(*parts).map(lambda found: [line for part in found for line in part])
    return torn(lines.map(lambda found: b"".join(written(line) + b"\n" for line in found)))


def torn(whole: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """These bytes as they are, or cut, or with bytes exchanged; seldom any bytes at all."""
    return st.one_of(whole, whole, st.builds(_torn, whole, _TEARS), st.binary(max_size=40))


def written(value: Any) -> bytes:
    """JSON of a value, also of what JSON cannot hold."""
    text = json.dumps(value)
    text = text.replace(json.dumps(_DEEP), "[" * 5_000 + "]" * 5_000)
    return text.replace(json.dumps(_HUGE), "9" * 5_000).encode()


def _altered(seed: Any, edits: list[tuple[str, int, Any]]) -> Any:
    root = [json.loads(json.dumps(seed))]
    for kind, place, one in edits:
        odd = copy.deepcopy(one)  # the same list put into itself would have no end
        places = list(_places(root))
        inside, key = places[place % len(places)]
        match kind:
            case "put":
                inside[key] = odd
            case "wrap":
                inside[key] = [inside[key]]
            case "add" if isinstance(inside[key], dict):
                inside[key][odd if isinstance(odd, str) else "more"] = odd
            case "add" | "again" if isinstance(inside, list) and inside is not root:
                inside.insert(key, inside[key] if kind == "again" else odd)
            case "drop" if inside is not root:
                del inside[key]
            case _:
                pass
    return root[0]


def _places(inside: Any) -> Iterator[tuple[Any, Any]]:
    keys = range(len(inside)) if isinstance(inside, list) else list(inside)
    for key in keys:
        yield inside, key
        if isinstance(inside[key], list | dict):
            yield from _places(inside[key])


def _torn(whole: bytes, tears: list[tuple[str, int, bytes]]) -> bytes:
    for kind, place, piece in tears:
        at = place % (len(whole) + 1)
        match kind:
            case "cut":
                whole = whole[:at]
            case "drop":
                whole = whole[:at] + whole[at + 1 + len(piece) :]
            case "put":
                whole = whole[:at] + piece + whole[at:]
            case "flip":
                whole = whole[:at] + bytes([place % 256]) + whole[at + 1 :]
            case _:
                whole = whole[:at] + whole[max(0, at - 40) : at] + whole[at:]
    return whole
