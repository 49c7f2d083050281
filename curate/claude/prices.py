"""What Claude costs, in US dollars per million tokens, and how each model is asked for short answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from curate.rows import CurateError

PRICES_OF = "2026-11"
"""When the table was read from the price list (platform.claude.com/docs/en/about-claude/pricing)."""
BATCH_FACTOR = 0.5
MILLION = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaudeModel:
    """One model's prices and habits."""

    input_usd: float
    output_usd: float
    cache_read: float = 0.1
    """Price of a token read from the prompt cache, in relation to `input_usd`."""
    cache_write: float = 2.0
    """The same of a token written to the cache for an hour."""
    cacheable_from: int = 1024
    """Tokens; a shorter prompt is never cached."""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What keeps it from thinking at length about a short answer."""


_LOW: dict[str, Any] = {"output_config": {"effort": "low"}}

MODELS: dict[str, ClaudeModel] = {
    "claude-haiku-5-5": ClaudeModel(
        input_usd=0.10,
        output_usd=0.50,
        cacheable_from=512,
        options={"thinking": {"type": "disabled"}, **_LOW},
    ),
    "claude-sonnet-5-5": ClaudeModel(input_usd=2.0, output_usd=10.0, cache_read=0.05, options=_LOW),
    "claude-opus-5-5": ClaudeModel(input_usd=4.0, output_usd=20.0, cache_read=0.05, options=_LOW),
    "claude-haiku-4-5": ClaudeModel(input_usd=1.0, output_usd=5.0, cacheable_from=4096),
}
DEFAULT_MODEL = "claude-haiku-5-5"
"""Its maker names classification as what it is for."""


def claude_model(name: str, price: tuple[float, float] | None = None) -> ClaudeModel:
    """Look up a model; a price given by the user, (input, output) per million tokens, counts more than the table.

    Raises:
        CurateError: neither known nor priced, or the price is none.
    """
    known = MODELS.get(name)
    if price is not None:
        if not all(0 <= dollars < math.inf for dollars in price):
            raise CurateError(f"a price is 0 dollars or more per million tokens, got {price[0]:g} and {price[1]:g}")
        return ClaudeModel(input_usd=price[0], output_usd=price[1], options=known.options if known else {})
    if known is None:
        raise CurateError(
            f"the price of {name!r} is not known; give it in dollars per million tokens as "
            f"--claude-price INPUT,OUTPUT, or take one of {', '.join(MODELS)}"
        )
    return known


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Billed tokens of one or many answers."""

    input_tokens: int = 0
    """Neither written to nor read from the prompt cache."""
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
        )

    def usd(self, model: ClaudeModel, *, batch: bool) -> float:
        """What it costs."""
        weighted = (
            self.input_tokens + self.cache_write_tokens * model.cache_write + self.cache_read_tokens * model.cache_read
        )
        whole = weighted * model.input_usd + self.output_tokens * model.output_usd
        return whole / MILLION * (BATCH_FACTOR if batch else 1.0)
