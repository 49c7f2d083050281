"""Search trees: nodes with exact token counts, and how REBASE shares its width among them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from s1core.thinking import Codec, TextDecoder

_ROUNDING = 1e-9
"""Shares that are whole numbers but for this are not rounded up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One step of thinking, and of a finished solution also its answer. Tokens are its own, without its parents'."""

    number: int
    parent: int | None
    """None for a first step: the question is the root."""
    depth: int
    """1 for a first step."""
    text: str
    thinking_tokens: int
    answer_tokens: int
    probe_tokens: int
    """Sampled to score it by the probability of the answer that it would give."""
    reward: float
    answer: str | None
    """What a finished solution answers; of another node, what the probe said."""
    finished: bool
    sample_index: int
    """The noise of its tokens: a first child goes on with its parent's."""

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy."""
        return asdict(self)


def shares(rewards: Sequence[float], width: int, temperature: float) -> list[int]:
    """Share a width among nodes: W_j = width * exp(R_j / T) / sum of exp(R_k / T), rounded up from the best node on.

    What is left after each is shared among those that follow, as in the authors' code, so that the sum is the width.

    Args:
        rewards: of the nodes, at least one.
        width: solutions that are still to be found.
        temperature: T, above 0; a high one shares evenly, a low one gives all to the best.
    """
    best = max(rewards)
    weights = [math.exp((reward - best) / temperature) for reward in rewards]
    order = sorted(range(len(rewards)), key=lambda number: -rewards[number])
    found = [0] * len(rewards)
    for place, number in enumerate(order):
        rest = sum(weights[other] for other in order[place:])
        # Of weights that are all too small for a float, the first one takes what is left.
        found[number] = math.ceil(width * weights[number] / rest - _ROUNDING) if rest > 0 else width
        width -= found[number]
    return found


class StepEnd:
    """Finds the end of a step in tokens as they come: a delimiter after some text, or a number of tokens."""

    def __init__(self, codec: Codec, delimiter: str | None, most: int) -> None:
        """Begin a step.

        Args:
            codec: of the tokens.
            delimiter: ends it after some text; None: only the number does.
            most: tokens.
        """
        self._decoder = TextDecoder(codec)
        self._delimiter, self._most = delimiter, most
        self._text = ""
        self.tokens = 0
        """Of the step so far; all of it once `over`."""
        self.over = False

    def feed(self, ids: Sequence[int], *, forced: bool = False) -> None:
        """Take new tokens, up to the end of the step. It never ends inside of forced ones."""
        for token_id in ids:
            if self.over:
                return
            self.tokens += 1
            self._text = (self._text + self._decoder.feed((token_id,))).lstrip()
            ended = self._delimiter is not None and self._delimiter in self._text
            self.over = not forced and (ended or self.tokens >= self._most)
