"""What every method of test-time scaling is: a name, settings, a run on an engine, and what that cost.

Costs are counted, never estimated: `Spent` adds up what receipts say, one after the other or side by side.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import reduce
from typing import Any, ClassVar

from s1core.budget import Budget
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting
from s1core.run import Run
from s1core.sweep import pump, run_blocking
from s1core.types import Event, Receipt, Sampling, Trace

OnEvent = Callable[[int, Event], None]
"""Called with a run's number, from 0, and each of its events as it comes."""


def ignore(number: int, event: Event) -> None:
    """Take an event and do nothing: the default of `on_event`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What a method took, all its runs and probes together. What several runs share is counted once."""

    thinking_tokens: int = 0
    """Inside thinking blocks, forced Waits included."""
    answer_tokens: int = 0
    probe_tokens: int = 0
    """Sampled to look at an answer along the way, and not part of any trace."""
    discarded_tokens: int = 0
    """Sampled and taken back."""
    sequential_tokens: int = 0
    """Of the total, those on the longest chain in which each had to wait for the one before it."""
    reward_tokens: int = 0
    """Read by a reward model, which is another model: not part of the total."""
    prefill_computed: int = 0
    """Prompt and injected tokens that were run through the model."""
    prefill_reused: int = 0
    """Prompt and injected tokens taken from the prefix cache."""
    seconds: float = 0.0
    """Wall time."""

    @classmethod
    def of(cls, receipt: Receipt, *, kept: int = 0) -> Spent:
        """Return the cost of one run, without the first `kept` thinking tokens, which an earlier run paid for."""
        thinking = receipt.thinking_tokens - kept
        return cls(
            thinking_tokens=thinking,
            answer_tokens=receipt.answer_tokens,
            probe_tokens=receipt.probe_tokens,
            discarded_tokens=receipt.discarded_tokens,
            sequential_tokens=receipt.total_tokens - kept,
            prefill_computed=receipt.prefill_computed,
            prefill_reused=receipt.prefill_reused,
            seconds=receipt.wall_s,
        )

    @property
    def total_tokens(self) -> int:
        """All tokens that the model wrote, and forced Waits; prompts and closing markers are not among them."""
        return self.thinking_tokens + self.answer_tokens + self.probe_tokens + self.discarded_tokens

    def then(self, after: Spent) -> Spent:
        """Return the cost of both, one after the other."""
        return Spent(**{each.name: getattr(self, each.name) + getattr(after, each.name) for each in fields(Spent)})

    def beside(self, other: Spent) -> Spent:
        """Return the cost of both, side by side."""
        return replace(
            self.then(other),
            sequential_tokens=max(self.sequential_tokens, other.sequential_tokens),
            seconds=max(self.seconds, other.seconds),
        )

    def as_probe(self) -> Spent:
        """Return the same cost as that of a probe: what it wrote is no part of a trace."""
        probed = self.thinking_tokens + self.answer_tokens + self.probe_tokens
        return replace(self, thinking_tokens=0, answer_tokens=0, probe_tokens=probed)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy, the total included."""
        return {"total_tokens": self.total_tokens, **asdict(self)}


def one_by_one(parts: Iterable[Spent]) -> Spent:
    """Return the cost of all, one after the other."""
    return reduce(Spent.then, parts, Spent())


def side_by_side(parts: Iterable[Spent]) -> Spent:
    """Return the cost of all, side by side."""
    return reduce(Spent.beside, parts, Spent())


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a method: one answer, what it cost, and the runs behind it."""

    answer: str | None
    trace: Trace | None
    """The run that gave the answer; None where none did."""
    spent: Spent
    runs: tuple[Trace, ...]
    """Every run, by number."""
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the method counted besides, JSON-ready: its probes, its votes, its tree."""

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy."""
        return {
            "answer": self.answer,
            "spent": self.spent.as_dict(),
            "details": dict(self.details),
            "runs": [trace.as_dict() for trace in self.runs],
        }


def outcome_of(trace: Trace, details: Mapping[str, Any] | None = None) -> Outcome:
    """Return the outcome of a single run."""
    spent = Spent.of(trace.receipt)
    return Outcome(answer=trace.answer, trace=trace, spent=spent, runs=(trace,), details=details or {})


@dataclass(frozen=True, kw_only=True, slots=True)
class Method(ABC):
    """A way to spend compute on a question. Its fields are its settings; `read_methods` reads them from one line."""

    name: ClassVar[str]
    """In specifications: `early-exit`."""
    title: ClassVar[str]
    """Of its curve: `early exit`."""
    draws: ClassVar[bool] = False
    """Draws several samples, which greedy decoding would make all the same."""

    budget: Budget = Budget()
    """Of each run."""

    @property
    @abstractmethod
    def label(self) -> str:
        """Its settings in a few words, as tables name them."""

    @abstractmethod
    async def arun(
        self, engine: Engine, question: str, sampling: Sampling | None = None, *, on_event: OnEvent = ignore
    ) -> Outcome:
        """Answer a question; cancelling the task frees the engine.

        Args:
            engine: from `load_engine`.
            question: the user's text.
            sampling: default: greedy, or temperature 1 for methods that draw samples.
            on_event: called with the number of a run and each of its events, as they come.

        Raises:
            InvalidSetting: the question is empty, or the settings do not fit the sampling.
            Unsupported: the engine cannot do what the method needs.
            QuestionTooLong, EngineFailed: as `stream`.
        """

    def run(
        self, engine: Engine, question: str, sampling: Sampling | None = None, *, on_event: OnEvent = ignore
    ) -> Outcome:
        """Do what `arun` does, from synchronous code."""
        return run_blocking(self.arun(engine, question, sampling, on_event=on_event))

    def sampling(self, asked: Sampling) -> Sampling:
        """Return the sampling that suits it: temperature 1, the paper's, where greedy samples would all be the same."""
        return replace(asked, temperature=1.0) if self.draws and asked.temperature == 0 else asked

    def as_dict(self) -> dict[str, Any]:
        """Return its name and settings, JSON-ready, as run configurations have them."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "budget"}
        # A model that was loaded has a name.
        own = {key: getattr(value, "name", value) for key, value in own.items()}
        return {"label": self.label, "method": self.title, **own, **asdict(self.budget)}


def budget_words(budget: Budget) -> list[str]:
    """Name what a budget forces: `budget 64`, `1 x Wait`."""
    words = [] if budget.max_thinking_tokens is None else [f"budget {budget.max_thinking_tokens}"]
    return words + ([f"{budget.waits} x {budget.wait_text or '(no text)'}"] if budget.waits else [])


async def think(
    engine: Engine,
    question: str,
    budget: Budget,
    sampling: Sampling,
    *,
    on_event: Callable[[Event], None] = lambda event: None,
    answer_logprobs: bool = False,
) -> Trace:
    """Run once, to the end."""
    run = Run(engine, question, budget, sampling, answer_logprobs=answer_logprobs)
    return await pump(engine, run, run.start(), on_event=on_event)


def check_question(question: str) -> None:
    """Refuse an empty question.

    Raises:
        InvalidSetting: it is.
    """
    if not question.strip():
        raise InvalidSetting("the question is empty; type one, for instance: How many r in raspberry?")


def drawn_with(sampling: Sampling | None, count: int, name: str, question: str) -> Sampling:
    """Return how samples are drawn: the question is part of their noise, by its id or else by its text.

    Raises:
        InvalidSetting: an empty question, no samples, or temperature 0, at which every sample is the same.
    """
    check_question(question)
    if count < 1:
        raise InvalidSetting(f"the number of {name} must be 1 or more, got {count}")
    drawn = sampling or Sampling(temperature=1.0)
    if drawn.temperature == 0:
        raise InvalidSetting(f"at temperature 0 all {name} are the same; choose a temperature above 0")
    return drawn if drawn.question_id else replace(drawn, question_id=question)
