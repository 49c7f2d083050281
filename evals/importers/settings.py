"""What a foreign run was asked to do, read from its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evals.importers.lines import Json
from evals.json_input import parse_json
from evals.settings import grid_label
from s1core.budget import DEFAULT_WAIT_TEXT

_MOST = 2**63
"""What is larger, or no number at all, was never asked of a model."""
_NESTED = ("extra_body", "chat_template_kwargs", "chat_template_args", "thinking", "reasoning", "thinking_config")
"""Options that hold options."""
_HARNESS = ("max_tokens_thinking", "thinking_n_ignore", "thinking_n_ignore_str")
"""The original's own, which gives every round the full budget."""
_BUDGET = (
    *("thinking_budget", "max_tokens_thinking", "thinking_token_budget", "thinking_budget_tokens", "reasoning_budget"),
    *("reasoning_tokens", "max_thinking_tokens", "thinking.budget_tokens", "thinking.max_tokens"),
    *("reasoning.max_tokens", "reasoning.budget_tokens"),
)
"""Most tokens of thinking, as servers and harnesses call it; this project's own API first."""
_EFFORT = ("reasoning_effort", "reasoning.effort", "effort", "thinking.effort")
_SWITCH = ("enable_thinking", "thinking", "thinking.type", "thinking.enabled", "reasoning.enabled", "reasoning")
_LONGEST = 10_000
"""Characters of options in the words of the command line."""
_SEPARATOR = re.compile(r",(?![^{}]*\})")
"""Between options, but not within an object."""
_OFF = (False, "disabled", "off", "none", "false", "False")
_ON = (True, "enabled", "on", "adaptive", "auto", "true", "True")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedSetting:
    """One setting of a foreign run."""

    max_thinking_tokens: int | None
    waits: int
    wait_text: str
    temperature: float
    seed: int | None
    accounting: str | None = None
    """lm-eval gives every round the full allowance and cuts once at the end (`per_round`)."""
    extra: str = ""
    """What else distinguishes this setting, such as an effort."""
    thinks: bool = False
    """Thinking was asked for: a log without any has lost it."""

    @property
    def label(self) -> str:
        """The setting's name, as runs of ours would call it."""
        label = grid_label(self.max_thinking_tokens, self.waits, self.wait_text)
        return f"{label}, {self.extra}" if self.extra else label

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy, in the words of `Budget`."""
        return {
            "label": self.label,
            "max_thinking_tokens": self.max_thinking_tokens,
            "waits": self.waits,
            "wait_text": self.wait_text,
            "accounting": self.accounting,
        }


def asked_of(options: Json, seed: object = None) -> ImportedSetting:
    """Read the generation options of lm-eval or inspect, the original's, this project's and other servers' among them.

    Args:
        options: `gen_kwargs` or the configuration as an object, with what it holds nested, such as `extra_body`.
        seed: the run's seed, where the log names one.
    """
    found = dict(_flat(options))
    of_harness = any(name in found for name in _HARNESS)
    temperature = found.get("temperature_thinking", found.get("temperature"))
    rejection, effort = found.get("rejection_sample"), _first(found, _EFFORT)
    budget = next((number for name in _BUDGET if (number := whole(found.get(name))) is not None), None)
    off = effort == "none" or any(_is_one(found.get(name), _OFF) for name in _SWITCH)
    waits = whole(found.get("waits", found.get("thinking_n_ignore"))) or 0
    least = whole(found.get("min_thinking_tokens")) or 0
    extras = (
        f"rejection sampling {rejection}" if rejection else "",
        f"effort {effort}" if isinstance(effort, str) and effort != "none" else "",
        f"at least {least} tokens" if least else "",
    )
    return ImportedSetting(
        max_thinking_tokens=0 if off else budget,
        waits=waits,
        wait_text=_wait_text(found),
        temperature=_temperature(temperature),
        seed=whole(found.get("seed", seed)),
        accounting="per_round" if of_harness or not (budget or waits) else "total",
        extra=", ".join(extra for extra in extras if extra),
        thinks=not off and bool(budget or waits or least or effort or _is_on(found)),
    )


def _flat(options: Json, before: str = "") -> Iterator[tuple[str, object]]:
    """Options with those that stand within others; the ones on top come last and count."""
    for name, value in options.items():
        if name in _NESTED and isinstance(value, dict) and before.count(".") < 3:
            yield from _flat(value, f"{before}{name}.")
    for name, value in options.items():
        # `thinking.budget_tokens` is known by both words, an option of `extra_body` by its own.
        parent = before.rstrip(".").rpartition(".")[2]
        yield name if parent not in ("thinking", "reasoning") else f"{parent}.{name}", value


def _first(found: Json, names: tuple[str, ...]) -> object:
    return next((found[name] for name in names if found.get(name) is not None), None)


def _is_one(value: object, words: tuple[object, ...]) -> bool:
    return any(value is word or (isinstance(word, str) and value == word) for word in words)


def _is_on(found: Json) -> bool:
    return any(_is_one(found.get(name), _ON) for name in _SWITCH)


def _wait_text(found: Json) -> str:
    for name in ("wait_text", "thinking_n_ignore_str"):
        text = found.get(name)
        if isinstance(text, str):
            return text
    # Without a string the harness ignores the end and writes nothing in its place; this project's API has a default.
    return DEFAULT_WAIT_TEXT if "waits" in found else ""


def parse_options(value: object) -> Json:
    """Options given as an object, or in the words of the command line: `max_tokens_thinking=500,temperature=0`."""
    if isinstance(value, dict):
        return value  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, str) or len(value) > _LONGEST:
        return {}
    pairs = (part.partition("=") for part in _SEPARATOR.split(value) if "=" in part)
    return {name.strip(): _value(text.strip()) for name, _, text in pairs}


def _value(text: str) -> object:
    if text.startswith("{"):
        try:
            return parse_json(text)
        except (ValueError, RecursionError):
            return text
    return _number(text)


def whole(value: object) -> int | None:
    """A whole number of 0 or more, also when it is written as text or as 500.0; else None (`auto`, for one)."""
    if isinstance(value, str):
        value = _number(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < _MOST and value == int(value) else None


def _temperature(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < _MOST else 0.0


def _number(text: str) -> int | float | str:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
