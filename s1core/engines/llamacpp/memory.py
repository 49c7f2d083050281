"""How many texts llama.cpp holds at once, and how long they may be: its cache is allocated when it starts."""

from __future__ import annotations

from dataclasses import dataclass

CACHE_SHARE = 0.25
"""Of the free memory, unless somebody says how much."""
SHORTEST = 8192
"""Tokens that one text should have room for before there is room for several."""
DEFAULT_CONTEXT = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What the cache holds."""

    context_length: int
    """Tokens of one text."""
    slots: int
    """Texts."""


def plan(*, bytes_per_token: int, cache_bytes: int, context_length: int, max_live: int) -> Plan:
    """Divide the memory of the cache.

    Args:
        bytes_per_token: keys and values of one token in all layers; 0 where that is unknown.
        cache_bytes: memory for all slots.
        context_length: tokens of one text that are wanted.
        max_live: texts that are wanted.
    """
    if bytes_per_token < 1:
        return Plan(context_length=context_length, slots=max_live)
    tokens = max(cache_bytes // bytes_per_token, 256)
    length = min(context_length, max(tokens // max_live, min(SHORTEST, tokens)))
    return Plan(context_length=length, slots=max(1, min(max_live, tokens // length)))
