"""Spill: an answer that goes on thinking, as happens after thinking that was cut by force. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Spill = Literal["reopened", "repeats", "long"]
"""The answer opens the thinking block again, copies the thinking at length, or is longer than the model's are."""
COPIED_TOKENS = 32
"""So many tokens in a row that stand in the thinking too are a copy; a formula that is said again has fewer."""


def spill_of(
    thinking: Sequence[int], answer: Sequence[int], *, reopened: bool, complete: bool, usual_tokens: int
) -> Spill | None:
    """Say how an answer goes on thinking; None where it does not.

    Args:
        thinking: ids inside the thinking block.
        answer: ids that the model wrote after it.
        reopened: the answer ended at a marker that opens the block again.
        complete: the model ended the answer itself.
        usual_tokens: length that the model's answers have at most.
    """
    if reopened:
        return "reopened"
    if _copies(thinking, answer):
        return "repeats"
    too_long = len(answer) > usual_tokens or (len(answer) == usual_tokens and not complete)
    return "long" if too_long else None


def _copies(thinking: Sequence[int], answer: Sequence[int]) -> bool:
    if min(len(thinking), len(answer)) < COPIED_TOKENS:
        return False
    known = {tuple(thinking[at : at + COPIED_TOKENS]) for at in range(len(thinking) - COPIED_TOKENS + 1)}
    return any(tuple(answer[at : at + COPIED_TOKENS]) in known for at in range(len(answer) - COPIED_TOKENS + 1))
