"""Budget forcing as a pure state machine. Start reading here.

It decides and never does: `next_action` looks at the budget and at what has happened so far and says what comes
next. It knows nothing of models, tokenizers or engines; `solve.py` drives it. Source: arXiv 2501.19393, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from s1core.settings import DEFAULT_FINAL_ANSWER_TEXT as DEFAULT_FINAL_ANSWER_TEXT
from s1core.settings import DEFAULT_WAIT_TEXT as DEFAULT_WAIT_TEXT
from s1core.settings import Accounting as Accounting
from s1core.settings import Budget as Budget

Forcer = Literal["budget", "you"]
"""Who forces a Wait: the budget that was set before, or a person while the run goes on."""
CloseReason = Literal["model", "budget", "context", "loop", "you"]
Landing = Literal["soft", "hard"]
"""The model ended its thinking while it was brought to its end, or the budget cut it all the same."""
LANDING_STEPS = 8
"""In so many steps the logit of the end rises, from where the landing begins to the end of the budget."""


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
    landing_share: float | None = None
    """Of the budget; None: the thinking is not brought to its end."""
    landing_bias: float = 0.0
    hint_tokens: int = 0
    """Length of the encoded hint; 0 when there is none."""

    @property
    def landing_at(self) -> int | None:
        """Thinking tokens from which on the thinking is brought to its end."""
        if self.landing_share is None:
            return None
        most = self.max_thinking_tokens
        latest = most - self.hint_tokens if self.hint_tokens <= most else most
        return min(int(self.landing_share * most), latest)

    @classmethod
    def of(
        cls, budget: Budget, *, room: int, wait_tokens: int, hint_tokens: int = 0, ceiling: int | None = None
    ) -> Limits:
        """Bind `budget` to a context that leaves `room` thinking tokens; the other counts are of encoded texts."""
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
            landing_share=budget.landing_share if budget.lands else None,
            landing_bias=budget.landing_bias,
            hint_tokens=hint_tokens,
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
    hinted: bool = False
    """The hint has been written."""
    looping: bool = False
    """The model has just completed a loop."""
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

    def told(self, tokens: int) -> Progress:
        """Return the progress after a hint of `tokens` tokens was written."""
        return replace(self, spent=self.spent + tokens, round_spent=self.round_spent + tokens, hinted=True)


@dataclass(frozen=True, slots=True)
class Sample:
    """Let the model write at most `max_tokens` thinking tokens."""

    max_tokens: int
    forbid_end_first: bool = False
    """The first token may not end the thinking again: the last end was ignored without writing anything."""
    end_bias: float = 0.0
    """What is added to the logit of the end."""


@dataclass(frozen=True, slots=True)
class Hint:
    """Write the hint that the budget is almost spent."""


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


Action = Sample | Hint | Inject | Close


def next_action(limits: Limits, progress: Progress) -> Action:
    """Decide the next step. Pure; total: every (limits, progress) has exactly one next action.

    What a person asks while the run goes on changes limits or progress (`s1core.commands`), and then as well.

    A run ends: each `Sample` spends at least one token or sees an end, each `Inject` uses up a Wait or tokens, and
    spent tokens are bounded by the budget or the context.
    """
    if progress.answer_asked:
        return _close(limits, progress, reason="you")
    if progress.looping:
        return _close(limits, progress, reason="loop")
    if progress.word_now is not None and fits(limits, progress, progress.word_now):
        return Inject(progress.forced + 1, by="you")
    if progress.ended:
        return _after_an_end(limits, progress)
    if _hint_is_due(limits, progress):
        return Hint()
    left = _allowance_left(limits, progress)
    if left <= 0:
        return _close(limits, progress, reason=_binding(limits, progress))
    ignored_silently = progress.forced > 0 and progress.round_spent == 0
    step, bias = _landing_step(limits, progress)
    return Sample(min(left, step), forbid_end_first=ignored_silently, end_bias=bias)


def is_landing(limits: Limits, progress: Progress) -> bool:
    """Whether the thinking is being brought to its end."""
    return limits.landing_at is not None and progress.spent >= limits.landing_at


def landing_of(limits: Limits, progress: Progress, reason: CloseReason) -> Landing | None:
    """Say how a thinking that is closed for this reason has landed; None where no landing had begun."""
    if reason not in ("model", "budget") or not is_landing(limits, progress):
        return None
    return "soft" if reason == "model" else "hard"


def _hint_is_due(limits: Limits, progress: Progress) -> bool:
    wanted = limits.hint_tokens > 0 and not progress.hinted and is_landing(limits, progress)
    return wanted and progress.spent + limits.hint_tokens <= limits.max_thinking_tokens


def _landing_step(limits: Limits, progress: Progress) -> tuple[int, float]:
    """Return for how many tokens the logit of the end stays as it is, and what is added to it."""
    begin = limits.landing_at
    if begin is None:
        return limits.room, 0.0
    if progress.spent < begin:
        return begin - progress.spent, 0.0
    if limits.landing_bias == 0:
        return limits.room, 0.0
    width = max(1, -(-(limits.max_thinking_tokens - begin) // LANDING_STEPS))
    steps = (progress.spent - begin) // width + 1
    bias = limits.landing_bias * min(steps, LANDING_STEPS) / LANDING_STEPS
    return begin + steps * width - progress.spent, bias


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
    waits_left = progress.waits_used < limits.waits and not is_landing(limits, progress)
    if (waits_left or too_short) and fits(limits, progress, limits.wait_tokens):
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
