"""Budget forcing as a pure state machine. Start reading here.

It decides and never does: `next_action` looks at the budget and at what has happened so far and says what comes
next. It knows nothing of models, tokenizers or engines; `solve.py` drives it. Source: arXiv 2501.19393, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from s1core.errors import InvalidSetting

Accounting = Literal["total", "per_round"]
Forcer = Literal["budget", "you"]
"""Who forces a Wait: the budget that was set before, or a person while the run goes on."""
CloseReason = Literal["model", "budget", "context", "you"]

DEFAULT_WAIT_TEXT = "Wait"
DEFAULT_FINAL_ANSWER_TEXT = "Final Answer:"


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

    def __post_init__(self) -> None:
        for name in ("max_thinking_tokens", "min_thinking_tokens", "waits", "max_answer_tokens"):
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


def _check_count(name: str, value: object, *, optional: bool) -> None:
    if value is None and optional:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidSetting(f"{name} must be a whole number, got {value!r}")
    if value < 0:
        raise InvalidSetting(f"{name} must be 0 or more, got {value}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """A budget made concrete for one model and one prompt: everything in tokens."""

    max_thinking_tokens: int
    """What binds: the asked budget or the room in the context, whichever is less."""
    room: int
    """What the context leaves for thinking after prompt, markers and answer."""
    min_thinking_tokens: int = 0
    waits: int = 0
    wait_tokens: int = 1
    """Length of the encoded wait text; 0 when there is none."""
    accounting: Accounting = "total"
    bound_by: Literal["budget", "context"] = "budget"
    ceiling: int | None = None
    """What the budget may be raised to while the run goes on; None: to the room."""

    @classmethod
    def of(cls, budget: Budget, *, room: int, wait_tokens: int, ceiling: int | None = None) -> Limits:
        """Bind `budget` to a context that leaves `room` thinking tokens."""
        asked = budget.max_thinking_tokens
        binds = asked is not None and asked <= room
        return cls(
            max_thinking_tokens=asked if asked is not None and binds else room,
            room=room,
            min_thinking_tokens=budget.min_thinking_tokens,
            waits=budget.waits,
            wait_tokens=wait_tokens,
            accounting=budget.accounting,
            bound_by="budget" if binds else "context",
            ceiling=ceiling,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What has happened inside the thinking block so far."""

    spent: int = 0
    """Thinking tokens so far, injected ones included."""
    round_spent: int = 0
    """Of these, since the last Wait (which counts for the round that it opens)."""
    waits_used: int = 0
    waits_by_you: int = 0
    """Waits that a person forced while the run went on; they use up none of `waits`."""
    ended: bool = False
    """The model has just tried to end its thinking."""
    just_injected: bool = False
    """The model has written nothing since the last Wait."""
    answer_asked: bool = False
    """A person has asked for the answer now."""
    word_now: int | None = None
    """Tokens of a word that a person wants here."""
    word_at_end: int | None = None
    """Tokens of a word that a person wants in place of the next end."""

    @property
    def forced(self) -> int:
        """Forced Waits, whoever asked for them."""
        return self.waits_used + self.waits_by_you

    def sampled(self, tokens: int) -> Progress:
        """Return the progress after the model wrote `tokens` more."""
        return replace(
            self,
            spent=self.spent + tokens,
            round_spent=self.round_spent + tokens,
            just_injected=self.just_injected and not tokens,
        )

    def tried_to_end(self) -> Progress:
        """Return the progress after the model tried to end its thinking."""
        return replace(self, ended=True)

    def injected(self, tokens: int, by: Forcer = "budget") -> Progress:
        """Return the progress after a Wait of `tokens` tokens was appended."""
        in_place_of_an_end = self.ended and self.word_now is None
        return replace(
            self,
            spent=self.spent + tokens,
            round_spent=tokens,
            waits_used=self.waits_used + (by == "budget"),
            waits_by_you=self.waits_by_you + (by == "you"),
            ended=False,
            just_injected=True,
            word_now=None,
            word_at_end=None if in_place_of_an_end else self.word_at_end,
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """Let the model write at most `max_tokens` thinking tokens."""

    max_tokens: int
    forbid_end_first: bool = False
    """The first token may not end the thinking again: the last end was ignored without writing anything."""


@dataclass(frozen=True, slots=True)
class Inject:
    """Append the wait text or a person's word, and ignore the end that the model tried, if it did."""

    number: int
    """1 for the first Wait of the run."""
    by: Forcer = "budget"


@dataclass(frozen=True, slots=True)
class Close:
    """Close the thinking block; an answer follows."""

    reason: CloseReason
    keep_tokens: int
    """Thinking tokens that stay; less than spent only under `per_round`."""


Action = Sample | Inject | Close


def next_action(limits: Limits, progress: Progress) -> Action:
    """Decide the next step. Pure; total: every (limits, progress) has exactly one next action.

    What a person asks while the run goes on changes limits or progress (`s1core.commands`), and then as well.

    A run ends: each `Sample` spends at least one token or sees an end, each `Inject` uses up a Wait or tokens, and
    spent tokens are bounded by the budget or the context.
    """
    if progress.answer_asked:
        return _close(limits, progress, reason="you")
    if progress.word_now is not None and fits(limits, progress, progress.word_now):
        return Inject(progress.forced + 1, by="you")
    if progress.ended:
        return _after_an_end(limits, progress)
    left = _allowance_left(limits, progress)
    if left <= 0:
        return _close(limits, progress, reason=_binding(limits, progress))
    ignored_silently = progress.forced > 0 and progress.round_spent == 0
    return Sample(left, forbid_end_first=ignored_silently)


def fits(limits: Limits, progress: Progress, tokens: int) -> bool:
    """Whether so many tokens may still be injected."""
    ceiling = limits.room if limits.accounting == "per_round" else limits.max_thinking_tokens
    return progress.spent + tokens <= ceiling


def _after_an_end(limits: Limits, progress: Progress) -> Inject | Close:
    if progress.word_at_end is not None and fits(limits, progress, progress.word_at_end):
        return Inject(progress.forced + 1, by="you")
    # With an empty wait text nothing is written, so a model that ends again at once would never reach the minimum.
    stuck = limits.wait_tokens == 0 and progress.forced > 0 and progress.round_spent == 0
    too_short = progress.spent < limits.min_thinking_tokens and not stuck
    if (progress.waits_used < limits.waits or too_short) and fits(limits, progress, limits.wait_tokens):
        return Inject(progress.forced + 1)
    return _close(limits, progress, reason="model")


def _allowance_left(limits: Limits, progress: Progress) -> int:
    if limits.accounting == "total":
        return limits.max_thinking_tokens - progress.spent
    return min(limits.max_thinking_tokens - progress.round_spent, limits.room - progress.spent)


def _binding(limits: Limits, progress: Progress) -> Literal["budget", "context"]:
    if limits.bound_by == "context" or (limits.accounting == "per_round" and progress.spent >= limits.room):
        return "context"
    return "budget"


def _close(limits: Limits, progress: Progress, *, reason: CloseReason) -> Close:
    keep = min(progress.spent, limits.max_thinking_tokens)
    return Close("budget" if keep < progress.spent else reason, keep)
