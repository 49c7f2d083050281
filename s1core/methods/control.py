"""Conditional control: a length is asked for in the prompt. Source: arXiv 2501.19393, section 3.

Control only asks; whether the model complies is measured (`Controlled.measured`), and a budget can be forced on top.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from s1core.budget import Budget
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting
from s1core.methods.base import Method, OnEvent, Outcome, budget_words, check_question, ignore, outcome_of, think
from s1core.sweep import run_blocking
from s1core.types import Event, Sampling, Trace

Unit = Literal["tokens", "steps", "class"]
Length = Literal["short", "long"]

STEP_DELIMITER = "\n"
"""Steps are the non-empty lines of the thinking."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """What is asked of the model in the prompt."""

    unit: Unit
    most: int | None = None
    """Tokens or steps to stay within."""
    length: Length | None = None
    """For class-conditional control."""

    @classmethod
    def tokens(cls, most: int) -> Control:
        """Ask for at most so many thinking tokens."""
        return cls(unit="tokens", most=most)

    @classmethod
    def steps(cls, most: int) -> Control:
        """Ask for at most so many steps."""
        return cls(unit="steps", most=most)

    @classmethod
    def thinking(cls, length: Length) -> Control:
        """Ask for short or for long thinking."""
        return cls(unit="class", length=length)

    def __post_init__(self) -> None:
        if self.unit == "class":
            if self.length not in ("short", "long") or self.most is not None:
                raise InvalidSetting("class-conditional control asks for 'short' or 'long' thinking, without a number")
        elif self.most is None or self.most < 1 or self.length is not None:
            raise InvalidSetting(f"{self.unit}-conditional control needs a number of {self.unit}, 1 or more")

    def prompt(self, question: str) -> str:
        """Return the question with the instruction that the paper's models were trained on."""
        if self.unit == "class":
            return f"{question}\n\nAnswer after a {self.length} amount of thinking."
        return f"{question}\n\nThink for up to {self.most} {self.unit}."

    def measure(self, trace: Trace) -> int:
        """Count what was asked for: thinking tokens, or steps."""
        if self.unit == "steps":
            return sum(bool(line.strip()) for line in trace.thinking_text.split(STEP_DELIMITER))
        return trace.receipt.thinking_tokens


@dataclass(frozen=True, kw_only=True, slots=True)
class Controlled:
    """A run under conditional control, with what the model made of the request."""

    control: Control
    trace: Trace
    measured: int
    """Thinking tokens or steps."""

    @property
    def kept(self) -> bool | None:
        """The model stayed within what was asked; None for short or long, which name no number."""
        return None if self.control.most is None else self.measured <= self.control.most


def controlled(
    engine: Engine, question: str, control: Control, budget: Budget | None = None, sampling: Sampling | None = None
) -> Controlled:
    """Ask for a length in the prompt; pass a budget to force it as well."""
    return run_blocking(acontrolled(engine, question, control, budget, sampling))


async def acontrolled(
    engine: Engine,
    question: str,
    control: Control,
    budget: Budget | None = None,
    sampling: Sampling | None = None,
    *,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Controlled:
    """Do what `controlled` does, on the caller's event loop; `on_event` gets every event."""
    check_question(question)
    trace = await think(engine, control.prompt(question), budget or Budget(), sampling or Sampling(), on_event=on_event)
    return Controlled(control=control, trace=trace, measured=control.measure(trace))


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking(Method):
    """Conditional control as a method: one of its settings says what is asked for; a budget is forced on top."""

    name: ClassVar[str] = "asking"
    title: ClassVar[str] = "conditional control"

    tokens: int | None = None
    steps: int | None = None
    length: Length | None = None

    def __post_init__(self) -> None:
        if sum(asked is not None for asked in (self.tokens, self.steps, self.length)) != 1:
            raise InvalidSetting("conditional control asks for one thing: tokens, steps or length (short or long)")
        _ = self.control

    @property
    def control(self) -> Control:
        """What is asked of the model."""
        if self.length is not None:
            return Control.thinking(self.length)
        return Control.tokens(self.tokens) if self.tokens is not None else Control.steps(self.steps or 0)

    @property
    def label(self) -> str:
        """`asked for 64 tokens`, `asked for 1 step, budget 32`, `asked for long thinking`."""
        return asked_label(self.control, self.budget)

    async def arun(
        self, engine: Engine, question: str, sampling: Sampling | None = None, *, on_event: OnEvent = ignore
    ) -> Outcome:
        """Ask in the prompt, and think once; `details` has what was measured."""
        got = await acontrolled(engine, question, self.control, self.budget, sampling, on_event=partial(on_event, 0))
        details = {"measured": got.measured, "kept": got.kept}
        return outcome_of(got.trace, details)


def asked_label(control: Control, budget: Budget) -> str:
    """Name what is asked for and what is forced on top: `asked for 1 step, budget 32`."""
    what = f"{control.length} thinking" if control.most is None else f"{control.most} {control.unit}"
    what = what.removesuffix("s") if control.most == 1 else what
    return ", ".join([f"asked for {what}", *budget_words(budget)])
