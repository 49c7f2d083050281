"""What a foreign run was asked to do, read from its own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evals.importers.lines import Json
from evals.settings import grid_label
from s1core.budget import DEFAULT_WAIT_TEXT

_MOST = 2**63
"""What is larger, or no number at all, was never asked of a model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One setting of a foreign run."""

    max_thinking_tokens: int | None
    waits: int
    wait_text: str
    temperature: float
    seed: int | None
    accounting: str | None = None
    """lm-eval gives every round the full allowance and cuts once at the end (`per_round`)."""
    extra: str = ""
    """What else tells this setting from others, such as an effort."""

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


def asked_of(options: Json, seed: object = None) -> Asked:
    """Read lm-eval's generation options, `max_tokens_thinking` and `thinking_n_ignore` among them.

    Args:
        options: `gen_kwargs` as an object.
        seed: the run's seed, where the log names one.
    """
    text = options.get("thinking_n_ignore_str")
    temperature = options.get("temperature_thinking", options.get("temperature"))
    rejection = options.get("rejection_sample")
    return Asked(
        max_thinking_tokens=whole(options.get("max_tokens_thinking")),
        waits=whole(options.get("thinking_n_ignore")) or 0,
        # Without a string the harness ignores the end and writes nothing in its place.
        wait_text=text if isinstance(text, str) else "",
        temperature=_temperature(temperature),
        seed=whole(seed),
        accounting="per_round",
        extra=f"rejection sampling {rejection}" if rejection else "",
    )


def inspect_asked(config: Json) -> Asked:
    """Read the generation options of an inspect log."""
    effort, temperature = config.get("reasoning_effort"), config.get("temperature")
    return Asked(
        max_thinking_tokens=whole(config.get("reasoning_tokens")),
        waits=0,
        wait_text=DEFAULT_WAIT_TEXT,
        temperature=_temperature(temperature),
        seed=whole(config.get("seed")),
        extra=f"effort {effort}" if isinstance(effort, str) else "",
    )


def parse_options(value: object) -> Json:
    """Options given as an object, or in the words of the command line: `max_tokens_thinking=500,temperature=0`."""
    if isinstance(value, dict):
        return value  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, str):
        return {}
    pairs = (part.partition("=") for part in value.split(",") if "=" in part)
    return {name.strip(): _number(text.strip()) for name, _, text in pairs}


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
