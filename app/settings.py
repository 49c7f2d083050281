"""What a visitor asked for -> Budget and Sampling, or one sentence that says what is wrong. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from s1core import Budget, Sampling
from s1core.budget import Accounting
from s1core.errors import InvalidSetting

SMALLEST_STEP = 8
WAIT_TEXTS = ("Wait", "Hmm", "Alternatively")
MAX_WAITS = 8
MAX_QUESTION_CHARACTERS = 200_000
MAX_WAIT_TEXT_CHARACTERS = 200
TOTAL, PER_ROUND = "over the whole run", "per round, cut at the end"
ACCOUNTING: dict[str, Accounting] = {TOTAL: "total", PER_ROUND: "per_round"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A valid request for one run."""

    question: str
    model: str
    budget: Budget
    sampling: Sampling


def budget_stops(context_length: int) -> list[int]:
    """Return the places where the budget slider stops: 0, then powers of two, then the whole context."""
    stops = [0]
    step = SMALLEST_STEP
    while step < context_length:
        stops.append(step)
        step *= 2
    return [*stops, context_length]


def read_settings(
    question: Any,
    model: Any,
    budget: Any,
    waits: Any,
    wait_text: Any,
    temperature: Any,
    seed: Any,
    min_tokens: Any,
    accounting: Any,
    max_answer: Any,
) -> Asked:
    """Check everything that came from the page or through the API.

    Raises:
        InvalidSetting: the message names the field and the remedy.
    """
    return Asked(
        question=_question(question),
        model=str(model or ""),
        budget=Budget(
            max_thinking_tokens=_whole("Thinking budget", budget),
            waits=_whole("Waits", waits, at_most=MAX_WAITS),
            wait_text=_wait_text(wait_text),
            min_thinking_tokens=_whole("At least this many tokens", min_tokens or 0),
            accounting=_accounting(accounting),
            max_answer_tokens=_whole("Longest answer", max_answer, at_least=1) if max_answer else None,
        ),
        sampling=Sampling(temperature=_number("Temperature", temperature or 0), seed=_whole("Seed", seed or 0)),
    )


def _question(value: Any) -> str:
    text = str(value or "").strip()
    if not text:
        raise InvalidSetting("The question is empty. Type one, or press an example.")
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise InvalidSetting(f"The question has {len(text):,} characters; {MAX_QUESTION_CHARACTERS:,} are the most.")
    return text


def _wait_text(value: Any) -> str:
    text = str(value or "")
    if len(text) > MAX_WAIT_TEXT_CHARACTERS:
        raise InvalidSetting(
            f"The wait text has {len(text):,} characters; {MAX_WAIT_TEXT_CHARACTERS} are the most. Shorten it."
        )
    return text


def _accounting(value: Any) -> Accounting:
    for words, name in ACCOUNTING.items():
        if value in (words, name):
            return name
    if value is None:
        return "total"
    raise InvalidSetting(f"The budget counts either {TOTAL!r} or {PER_ROUND!r}, not {_shown(value)}.")


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InvalidSetting(f"{name} must be a number, not {_shown(value)}.") from None
    if not math.isfinite(number):
        raise InvalidSetting(f"{name} must be a finite number, not {_shown(value)}.")
    return number


def _whole(name: str, value: Any, *, at_least: int = 0, at_most: int = 2**31 - 1) -> int:
    number = _number(name, value)
    if number != int(number):
        raise InvalidSetting(f"{name} must be a whole number, not {_shown(value)}.")
    if not at_least <= number <= at_most:
        raise InvalidSetting(f"{name} must lie between {at_least} and {at_most:,}, not {_shown(value)}.")
    return int(number)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
