"""How long a client lets the model think and answer, in any of the ways in which clients say so. Pure.

Numbers of tokens, efforts and switches of other servers all become one thinking budget; those that contradict each
other are refused. `max_completion_tokens` bounds thinking and answer together, `max_tokens` the answer alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.access.limits import Most
from app.api.fields import BadRequest, mapping, none_but, shown, truth, whole, whole_or_unlimited
from s1core.budget import Budget
from s1core.errors import InvalidSetting

EFFORTS: Mapping[str, int] = {"none": 0, "minimal": 128, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192}
"""Thinking tokens by effort, unless the server is started with others."""
FIELDS = (
    *("thinking_budget", "thinking_token_budget", "thinking_budget_tokens", "thinking", "reasoning"),
    *("reasoning_effort", "enable_thinking", "chat_template_kwargs", "max_tokens", "max_completion_tokens"),
)
_UNLIMITED_BY_MINUS_ONE = ("thinking_token_budget", "thinking_budget_tokens", "chat_template_kwargs.thinking_budget")
_SMALLEST_SHARE = 4
"""One token in so many of a total is kept for the answer, if that is less than an answer usually has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenLimits:
    """How many tokens a client allows."""

    thinking: int | None
    """None: as many as the model wants."""
    asked_by: str | None
    """The field that said so."""
    answer: int | None = None
    total: int | None = None

    def budget(self, rest: Budget, usual_answer: int, most: Most | None = None) -> Budget:
        """Make them the budget of a run.

        Args:
            rest: what else was asked of the run.
            usual_answer: tokens of an answer where nobody says.
            most: what a total may come to, where there is an end to that.

        Raises:
            InvalidSetting: more thinking is asked for than they allow.
        """
        thinking, answer = self.thinking, self.answer
        if self.total is not None:
            kept = min(answer or usual_answer, max(1, self.total // _SMALLEST_SHARE))
            room = self.total - kept if most is None else min(self.total - kept, most.thinking_tokens)
            longest = self.total if most is None else min(self.total, most.answer_tokens)
            thinking = room if thinking is None else min(thinking, room)
            answer = longest if answer is None else min(answer, longest)
        if thinking is not None and rest.min_thinking_tokens > thinking:
            says = self.asked_by if thinking == self.thinking else "max_completion_tokens"
            raise InvalidSetting(
                f"min_thinking_tokens ({rest.min_thinking_tokens}) is larger than the {thinking} thinking tokens "
                f"that {says} allows; lower the first or raise the second."
            )
        return replace(rest, max_thinking_tokens=thinking, max_answer_tokens=answer)

    def receipt_fields(self) -> dict[str, Any]:
        """Return what the reply says of them, beside the receipt's own `max_thinking_tokens`."""
        return {"budget_from": self.asked_by, "max_tokens": self.answer, "max_completion_tokens": self.total}


def read_limits(body: Mapping[str, Any], efforts: Mapping[str, int], *, most_by_effort: int | None) -> TokenLimits:
    """Read every field that limits tokens.

    Args:
        body: without nulls.
        efforts: thinking tokens by effort.
        most_by_effort: an effort, which names no number, is held to this many.

    Raises:
        BadRequest: one cannot be read, or two contradict each other.
    """
    asked = list(_thinking(body, efforts, most_by_effort))
    for name, tokens in asked[1:]:
        if tokens != asked[0][1]:
            first, said = asked[0]
            raise BadRequest(f"{first} asks for {_words(said)} and {name} for {_words(tokens)}; give one of them.")
    name, thinking = asked[0] if asked else (None, None)
    answer, total = body.get("max_tokens"), body.get("max_completion_tokens")
    return TokenLimits(
        thinking=thinking,
        asked_by=name,
        answer=None if answer is None else whole_or_unlimited("max_tokens", answer, at_least=1),
        total=None if total is None else whole_or_unlimited("max_completion_tokens", total, at_least=1),
    )


def read_efforts(words: Sequence[str]) -> dict[str, int]:
    """Read `low=512`-like words over the usual table.

    Raises:
        InvalidSetting: one cannot be read; the message says what it should look like.
    """
    table = dict(EFFORTS)
    for word in words:
        effort, equals, tokens = word.partition("=")
        if effort not in EFFORTS or effort == "none" or not equals or not tokens.isascii() or not tokens.isdigit():
            known = ", ".join(name for name in EFFORTS if name != "none")
            raise InvalidSetting(f"--effort takes words such as low=512, of {known}; {shown(word)} is none")
        table[effort] = whole("--effort", int(tokens[:12]))
    return table


def _thinking(
    body: Mapping[str, Any], efforts: Mapping[str, int], most: int | None
) -> Iterator[tuple[str, int | None]]:
    """Yield each field that says how long to think, and how many tokens that is; None for no limit."""
    numbers, levels, switches = _spellings(body)
    for name, value in numbers.items():
        unlimited = name in _UNLIMITED_BY_MINUS_ONE
        yield name, whole_or_unlimited(name, value) if unlimited else whole(name, value)
    for name, value in levels.items():
        tokens = _effort(name, value, efforts)
        yield name, tokens if most is None else min(tokens, most)
    said = bool(numbers or levels)
    for name, on in switches.items():
        if not on:
            yield name, 0
        elif not said:
            yield name, None


def _spellings(body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, bool]]:
    """Return the fields that name a number of tokens, an effort, and whether to think at all."""
    thinking, reasoning, template = _thinking_object(body), _reasoning(body), _template(body)
    numbers = {name: body[name] for name in FIELDS[:3] if name in body}
    numbers |= _named("thinking", thinking, "budget_tokens") | _named("reasoning", reasoning, "max_tokens")
    numbers |= _named("chat_template_kwargs", template, "thinking_budget")
    levels = _named("", body, "reasoning_effort") | _named("reasoning", reasoning, "effort")
    levels |= _named("chat_template_kwargs", template, "reasoning_effort")
    switches = _named("", body, "enable_thinking") | _named("reasoning", reasoning, "enabled")
    switches |= _named("chat_template_kwargs", template, "enable_thinking", "thinking")
    on = {name: truth(name, value) for name, value in switches.items()}
    if "type" in thinking:
        on["thinking.type"] = thinking["type"] != "disabled"
    return numbers, levels, on


def _thinking_object(body: Mapping[str, Any]) -> dict[str, Any]:
    given = mapping("thinking", body.get("thinking", {}), '{"type": "enabled", "budget_tokens": 64}')
    none_but("thinking", given, ("type", "budget_tokens"))
    if given.get("type", "enabled") not in ("enabled", "disabled", "adaptive"):
        raise BadRequest(f"thinking.type must be enabled, adaptive or disabled, not {shown(given['type'])}.")
    return given


def _reasoning(body: Mapping[str, Any]) -> dict[str, Any]:
    given = mapping("reasoning", body.get("reasoning", {}), '{"max_tokens": 64}')
    none_but("reasoning", given, ("max_tokens", "effort", "enabled", "exclude", "summary"))
    if given.get("exclude", False) is not False:
        raise BadRequest("reasoning.exclude can only be false here; leave it out, and pass over reasoning_content.")
    if given.get("summary", "auto") != "auto":
        raise BadRequest('reasoning.summary can only be "auto" here; leave it out, the whole thinking is returned.')
    return given


def _template(body: Mapping[str, Any]) -> dict[str, Any]:
    given = mapping("chat_template_kwargs", body.get("chat_template_kwargs", {}), '{"enable_thinking": false}')
    none_but("chat_template_kwargs", given, ("enable_thinking", "thinking", "thinking_budget", "reasoning_effort"))
    return given


def _named(where: str, given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {f"{where}.{name}" if where else name: given[name] for name in names if name in given}


def _effort(name: str, value: Any, efforts: Mapping[str, int]) -> int:
    if not isinstance(value, str) or value not in efforts:
        raise BadRequest(
            f"{name} must be one of {', '.join(efforts)}, not {shown(value)}; or give thinking_budget, in tokens."
        )
    return efforts[value]


def _words(tokens: int | None) -> str:
    return "thinking without a limit" if tokens is None else f"{tokens:,} thinking tokens"
