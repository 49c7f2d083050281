"""What is asked of a run's thinking: budgets, Waits, closing words, landings, loops. Checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from s1core.errors import InvalidSetting

Accounting = Literal["total", "per_round"]

DEFAULT_WAIT_TEXT = "Wait"
DEFAULT_FINAL_ANSWER_TEXT = "Final Answer:"
DEFAULT_LANDING_TEXT = "\nI should wrap up.\n"
MOST_LANDING_BIAS = 100.0
MOST_LOOP_TOKENS = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """How long a model may and must think."""

    max_thinking_tokens: int | None = None
    """Thinking tokens over all rounds, injected ones included, markers excluded.

    None means as many as the context allows; 0 closes at once.
    """
    min_thinking_tokens: int = 0
    """Ends that the model tries before this many are ignored, whatever `waits` says."""
    waits: int = 0
    """How many times the end of thinking is ignored and `wait_text` is appended instead."""
    wait_text: str = DEFAULT_WAIT_TEXT
    """What replaces an ignored end. Empty: the end is ignored and nothing is written in its place."""
    final_answer_text: str = DEFAULT_FINAL_ANSWER_TEXT
    """Follows a forced close, so that the model gives its current best answer."""
    accounting: Accounting = "total"
    """`total`: one allowance for the whole thinking, exact at every step.

    `per_round`: every round gets the full allowance and the thinking is cut once at the end, as in the original's
    evaluation harness; only to reproduce published runs.
    """
    max_answer_tokens: int | None = None
    """None takes the model's default."""
    landing_text: str = ""
    """A hint that is written once, when `landing_share` of the budget is spent. Empty: none is."""
    landing_bias: float = 0.0
    """What is added to the logit of the end when the budget is almost spent; it rises to that in steps."""
    landing_share: float = 0.8
    """Share of the budget from which on the thinking is brought to its end, so that it need not be cut. Ends are then
    no longer replaced by the budget's Waits. At 1 a hint has the last tokens of the budget."""
    loop_repeats: int = 0
    """So many copies of a block of tokens in a row close the thinking. 0: nobody looks for loops."""
    loop_tokens: int = 64
    """Tokens of such a block, at most."""

    @property
    def lands(self) -> bool:
        """Whether the thinking is to be brought to its end before the budget is spent."""
        return self.max_thinking_tokens is not None and (self.landing_text != "" or self.landing_bias > 0)

    def __post_init__(self) -> None:
        for name in ("max_thinking_tokens", "min_thinking_tokens", "waits", "max_answer_tokens", "loop_repeats"):
            _check_count(name, getattr(self, name), optional=name.startswith("max"))
        if self.max_answer_tokens == 0:
            raise InvalidSetting("max_answer_tokens must be at least 1, so that an answer can follow")
        if self.max_thinking_tokens is not None and self.min_thinking_tokens > self.max_thinking_tokens:
            raise InvalidSetting(
                f"min_thinking_tokens ({self.min_thinking_tokens}) is larger than "
                f"max_thinking_tokens ({self.max_thinking_tokens}); lower the first or raise the second"
            )
        if self.accounting not in ("total", "per_round"):
            raise InvalidSetting(f"accounting must be 'total' or 'per_round', got {self.accounting!r}")
        _check_number("landing_share", self.landing_share, most=1.0)
        _check_number("landing_bias", self.landing_bias, most=MOST_LANDING_BIAS)
        if self.lands and self.accounting != "total":
            raise InvalidSetting("a soft landing needs one budget for the whole thinking; use accounting 'total'")
        if self.loop_repeats == 1:
            raise InvalidSetting("loop_repeats must be 2 or more, or 0 to look for no loops: one copy is no loop")
        _check_count("loop_tokens", self.loop_tokens, optional=False)
        if not 1 <= self.loop_tokens <= MOST_LOOP_TOKENS:
            raise InvalidSetting(f"loop_tokens must lie between 1 and {MOST_LOOP_TOKENS:,}, got {self.loop_tokens}")


def _check_number(name: str, value: object, *, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise InvalidSetting(f"{name} must be a number between 0 and {most:g}, got {value!r}")


def _check_count(name: str, value: object, *, optional: bool) -> None:
    if value is None and optional:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidSetting(f"{name} must be a whole number, got {value!r}")
    if value < 0:
        raise InvalidSetting(f"{name} must be 0 or more, got {value}")
