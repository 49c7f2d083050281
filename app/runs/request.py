"""What a visitor asked for -> a valid request, or one sentence that says what is wrong. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

from s1core import Budget, Sampling
from s1core.budget import Accounting
from s1core.errors import InvalidSetting
from s1core.methods import Control

SMALLEST_STEP = 8
WAIT_TEXTS = ("Wait", "Hmm", "Alternatively")
MAX_WAITS = 8
MAX_QUESTION_CHARACTERS = 200_000
MAX_WAIT_TEXT_CHARACTERS = 200
MAX_TEMPERATURE = 10
MAX_COUNT = 32
"""Of samples, attempts and steps."""
TOTAL, PER_ROUND = "over the whole run", "per round, cut at the end"
ACCOUNTING: dict[str, Accounting] = {TOTAL: "total", PER_ROUND: "per_round"}

AT_LEAST = "“Think at least”"
"""What the page calls the least number of thinking tokens."""

Method = Literal["forcing", "none", "tokens", "steps", "short", "long", "rejection", "vote"]
FORCING = "Budget forcing"
METHODS: dict[str, Method] = {
    FORCING: "forcing",
    "No limit, no Wait": "none",
    "Ask for a token budget": "tokens",
    "Ask for a number of steps": "steps",
    "Ask for short thinking": "short",
    "Ask for long thinking": "long",
    "Rejection sampling": "rejection",
    "Majority vote": "vote",
}
ASKING: frozenset[Method] = frozenset({"tokens", "steps", "short", "long"})
"""Conditional control: the length is asked for in the prompt, and nothing is forced unless that is wanted too."""
DRAWING: frozenset[Method] = frozenset({"rejection", "vote"})
"""Several samples, which greedy decoding would make all the same."""
COUNTED: dict[Method, str] = {"steps": "Steps", "rejection": "Attempts", "vote": "Samples"}
"""What `count` counts, and what its field is called; other methods have none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRequest:
    """A valid request."""

    question: str
    model: str
    budget: Budget
    sampling: Sampling
    method: Method = "forcing"
    control: Control | None = None
    """What the prompt asks for, under conditional control."""
    count: int = 1
    """Samples of a vote, most attempts of rejection sampling, steps to ask for."""
    track: bool = False
    """The answer track is wanted."""

    @property
    def prompt(self) -> str:
        """The question as the model gets it."""
        return self.question if self.control is None else self.control.prompt(self.question)


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
    method: Any = FORCING,
    count: Any = 1,
    force_too: Any = False,
    temperature: Any = 0,
    seed: Any = 0,
    min_tokens: Any = 0,
    accounting: Any = None,
    max_answer: Any = 0,
    track: Any = False,
) -> RunRequest:
    """Check everything that came from the page or through the API.

    Raises:
        InvalidSetting: the message names the field and the remedy.
    """
    chosen = read_method(method)
    most, least = _whole("Thinking budget", budget), _whole(AT_LEAST, min_tokens or 0)
    if least > most:
        raise InvalidSetting(
            f"{AT_LEAST} ({least:,}) exceeds the thinking budget ({most:,}). Lower one or raise the other."
        )
    number = _whole(COUNTED[chosen], count, at_least=1, at_most=MAX_COUNT) if chosen in COUNTED else 1
    forced = Budget(
        max_thinking_tokens=most,
        waits=_whole("Waits", waits, at_most=MAX_WAITS),
        wait_text=_wait_text(wait_text),
        min_thinking_tokens=least,
        accounting=_accounting(accounting),
        max_answer_tokens=_whole("Longest answer", max_answer, at_least=1) if max_answer else None,
    )
    drawn = Sampling(temperature=_temperature(temperature or 0), seed=_whole("Seed", seed or 0))
    asked = read_question(question)
    return RunRequest(
        question=asked,
        model=str(model or ""),
        budget=_budget(chosen, forced, force_too=bool(force_too)),
        # As the methods that draw samples have it by themselves: forks of one must find its noise again.
        sampling=replace(drawn, temperature=drawn.temperature or 1.0, question_id=asked)
        if chosen in DRAWING
        else drawn,
        method=chosen,
        control=_control(chosen, tokens=forced.max_thinking_tokens or 0, steps=number),
        count=number,
        track=bool(track),
    )


def read_method(value: Any) -> Method:
    """Return the method of a name on the page, or of its short name.

    Raises:
        InvalidSetting: there is none.
    """
    for words, name in METHODS.items():
        if value in (words, name):
            return name
    raise InvalidSetting(f"There is no method {_shown(value)}. Choose one of: {', '.join(METHODS)}.")


def _budget(method: Method, forced: Budget, *, force_too: bool) -> Budget:
    """Leave out of the budget what the method does not force."""
    if method in ("forcing", "vote") or (method in ASKING and force_too):
        return forced
    free = Budget(max_answer_tokens=forced.max_answer_tokens)
    return replace(free, max_thinking_tokens=forced.max_thinking_tokens) if method == "rejection" else free


def _control(method: Method, *, tokens: int, steps: int) -> Control | None:
    match method:
        case "tokens":
            if tokens < 1:
                raise InvalidSetting("Asking for a token budget needs one of 1 or more. Raise the Thinking budget.")
            return Control.tokens(tokens)
        case "steps":
            return Control.steps(steps)
        case "short" | "long":
            return Control.thinking(method)
        case _:
            return None


def read_question(value: Any) -> str:
    """Return what is asked.

    Raises:
        InvalidSetting: it is empty or too long.
    """
    text = str(value or "").strip()
    if not text:
        raise InvalidSetting("Type a question, or pick an example.")
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


def _temperature(value: Any) -> float:
    number = _number("Temperature", value)
    if not 0 <= number <= MAX_TEMPERATURE:
        raise InvalidSetting(f"Temperature must lie between 0 and {MAX_TEMPERATURE}, not {_shown(value)}.")
    return number


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
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
