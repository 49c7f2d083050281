"""Public mode, and the limits of one request in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.runs.request import DRAWING, RunRequest
from s1core import Steering
from s1core.errors import InvalidSetting

PUBLIC_VARIABLE = "S1_PUBLIC"


def is_public() -> bool:
    """Whether the server is public: a Space sets `SPACE_ID`, and `--public` sets it elsewhere."""
    return bool(os.environ.get("SPACE_ID") or os.environ.get(PUBLIC_VARIABLE))


def go_public() -> None:
    """Be public from now on, in this process and those that it starts."""
    os.environ[PUBLIC_VARIABLE] = "1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Most:
    """Limits of one run of a visitor."""

    question_characters: int = 4_000
    thinking_tokens: int = 4_096
    answer_tokens: int = 1_024
    samples: int = 8


MOST = Most()
LONGEST_PAUSE_S, IN_PUBLIC_PAUSE_S = 600.0, 60.0
"""Seconds for which a run may be held: it occupies a place meanwhile."""


def new_steering() -> Steering:
    """Return what steers one run of a visitor, within the limits."""
    if not is_public():
        return Steering(longest_pause_s=LONGEST_PAUSE_S)
    return Steering(most_thinking_tokens=MOST.thinking_tokens, longest_pause_s=IN_PUBLIC_PAUSE_S)


def runs_of(asked: RunRequest) -> int:
    """Return how many runs a request has going at once, at most."""
    return asked.count if asked.method in DRAWING else 1


ON_THE_PAGE: Mapping[str, str] = {"budget": "The thinking budget", "answer": "The longest answer", "samples": "The run"}
"""What a visitor calls that of which he may have so much."""


def bounded(
    asked: RunRequest, most: Most = MOST, *, system: str = "", names: Mapping[str, str] = ON_THE_PAGE
) -> RunRequest:
    """Return the same request; on a public page with an end to its thinking, where it had none.

    Args:
        asked: a visitor's request.
        most: the limits.
        system: what stands before the question, and counts with it.
        names: what is limited, in the words of whoever asks.

    Raises:
        InvalidSetting: the page is public, and the request exceeds a limit.
    """
    if not is_public():
        return asked
    budget = asked.budget
    named = "The question with what stands before it" if system else "The question"
    _at_most(named, len(system) + len(asked.question), most.question_characters, "characters", "Shorten it")
    rounds = budget.waits + 1 if budget.accounting == "per_round" else 1
    named = names["budget"] if rounds == 1 else f"{names['budget']} of all {rounds} rounds"
    _at_most(named, (budget.max_thinking_tokens or 0) * rounds, most.thinking_tokens, "tokens", "Lower it")
    _at_most(names["answer"], budget.max_answer_tokens or 0, most.answer_tokens, "tokens", "Lower it")
    _at_most(names["samples"], runs_of(asked), most.samples, "samples", "Ask for fewer")
    if budget.max_thinking_tokens is not None:
        return asked
    return replace(asked, budget=replace(budget, max_thinking_tokens=most.thinking_tokens // rounds))


def _at_most(what: str, number: int, most: int, unit: str, remedy: str) -> None:
    if number > most:
        raise InvalidSetting(
            f"{what} has {number:,} {unit}; {most:,} are the most on a public page. {remedy}, or run it yourself."
        )
