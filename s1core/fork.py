"""Forks: thinking that is there already is kept up to a place, and goes on from there in another way.

Only what is new is paid for: the question and the kept tokens come from the engine's prefix cache. The noise of a step
depends on its number alone, so that a fork under which nothing changes writes again what the trace has.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import aclosing, closing
from dataclasses import dataclass, replace
from typing import Literal

from s1core.budget import Budget, Progress
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting, Unsupported
from s1core.run import Run, Thought
from s1core.solve import CancelFlag, apumped, pumped
from s1core.steering import Steering
from s1core.thinking import Codec
from s1core.transcript import certain_text, cut
from s1core.types import FORCED, INJECTED, PUT_IN, Event, Prefilled, Receipt, Sampling, Segment, Started, Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class ForkPoint:
    """Where a trace can be forked, by name. Every other token of the model's own is a place as well."""

    tokens: int
    """Thinking tokens before it."""
    kind: Literal["start", "wait", "end"]
    """The model has written nothing yet; it tried to end and a Wait was forced; its thinking was closed."""
    number: int = 0
    """Of the Wait, from 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What happens at the place of a fork."""

    kind: Literal["follow", "say", "ignore", "close"]
    word: str = ""

    @classmethod
    def say(cls, word: str) -> Turn:
        """Force a Wait of this text there, whether or not the model tried to end."""
        if not word:
            raise InvalidSetting("a word to say is needed; to go on without one, take IGNORE")
        return cls(kind="say", word=word)


FOLLOW = Turn(kind="follow")
"""Do what the budget says: with the trace's own budget, what the trace did."""
IGNORE = Turn(kind="ignore")
"""Go on without a word: an end that the model tried there is ignored."""
CLOSE = Turn(kind="close")
"""Think no further: an end that the model tried there is taken, elsewhere the thinking is closed by force."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fork:
    """A fork that has run."""

    trace: Trace
    """All of it, the kept thinking included."""
    kept_tokens: int
    """Thinking tokens that it took over."""
    saved_tokens: int
    """Tokens of the question and of the thinking before its own that came from the prefix cache."""

    @property
    def new_tokens(self) -> int:
        """Tokens after the place: all that the fork had to pay for, forced ones included."""
        return len(self.trace.token_ids) - self.kept_tokens


def places(trace: Trace) -> tuple[ForkPoint, ...]:
    """Return the named places of a trace, in order: its start, before each forced Wait, its end."""
    found = [ForkPoint(tokens=0, kind="start")]
    spent = number = 0
    for segment in _thinking(trace):
        if segment.source in FORCED:
            number += 1
            found.append(ForkPoint(tokens=spent, kind="wait", number=number))
        spent += len(segment.token_ids)
    return (*found, ForkPoint(tokens=spent, kind="end"))


def is_place(trace: Trace, tokens: int) -> bool:
    """Whether a trace can be forked after so many thinking tokens: not inside a forced Wait or a hint."""
    spent = 0
    for segment in _thinking(trace):
        if segment.source in INJECTED and spent < tokens < spent + len(segment.token_ids):
            return False
        spent += len(segment.token_ids)
    return 0 <= tokens <= spent


def fork(
    engine: Engine,
    question: str,
    trace: Trace,
    at: int,
    budget: Budget | None = None,
    sampling: Sampling | None = None,
    *,
    turn: Turn = FOLLOW,
    system: str | None = None,
) -> Fork:
    """Run `fork_stream` to its end.

    >>> from s1core import Budget, fork, load_engine, solve
    >>> from s1core.fork import Turn
    >>> engine = load_engine("s1-nano")
    >>> trace = solve(engine, "How many r in raspberry?", Budget(max_thinking_tokens=256))
    >>> fork(engine, "How many r in raspberry?", trace, 20, turn=Turn.say("Hmm")).kept_tokens
    20
    """
    events = list(fork_stream(engine, question, trace, at, budget, sampling, turn=turn, system=system))
    return Fork(trace=Trace.from_events(events), kept_tokens=at, saved_tokens=saved_tokens(events))


def saved_tokens(events: Iterable[Event]) -> int:
    """Return how many tokens before the first one of its own a fork took from the prefix cache."""
    return next((event.reused for event in events if isinstance(event, Prefilled)), 0)


def fork_stream(
    engine: Engine,
    question: str,
    trace: Trace,
    at: int,
    budget: Budget | None = None,
    sampling: Sampling | None = None,
    *,
    turn: Turn = FOLLOW,
    system: str | None = None,
    cancel: CancelFlag | None = None,
    steering: Steering | None = None,
) -> Generator[Event, None, None]:
    """Keep the first `at` thinking tokens of a trace, go on from there, and yield what happens.

    The events are those of a whole run: after `Started` come the kept tokens, at 0 seconds, then what is new.

    Args:
        engine: from `load_engine`; one of the model that wrote the trace.
        question: what the trace was asked.
        trace: a run that is over, also one that was stopped, also one that is a fork itself.
        at: thinking tokens that are kept; `places` names some, `is_place` knows them all.
        budget: of the whole thinking, kept tokens and Waits included. A Wait that `turn` forces is added if need be.
        sampling: default: greedy.
        turn: what happens at the place.
        system: the system turn of the trace, if it had one.
        cancel: when set, the run ends at the next token with a receipt that says `cancelled`.
        steering: commands to what is new, while it goes on.

    Raises:
        InvalidSetting: the trace has no such place, or does not fit this question, model or budget.
        Unsupported, QuestionTooLong, EngineFailed: as `stream`.
    """
    ceiling = steering.most_thinking_tokens if steering else None
    run, begun = _begin(engine, question, trace, at, budget, sampling, turn, system, ceiling)
    with closing(pumped(engine, run, begun, cancel, steering)) as events:
        yield from events


async def afork_stream(
    engine: Engine,
    question: str,
    trace: Trace,
    at: int,
    budget: Budget | None = None,
    sampling: Sampling | None = None,
    *,
    turn: Turn = FOLLOW,
    system: str | None = None,
    cancel: CancelFlag | None = None,
    steering: Steering | None = None,
) -> AsyncGenerator[Event, None]:
    """Do what `fork_stream` does, on the caller's event loop; cancelling its task frees the engine."""
    ceiling = steering.most_thinking_tokens if steering else None
    run, begun = _begin(engine, question, trace, at, budget, sampling, turn, system, ceiling)
    async with aclosing(apumped(engine, run, begun, cancel, steering)) as events:
        async for event in events:
            yield event


def _begin(
    engine: Engine,
    question: str,
    trace: Trace,
    at: int,
    budget: Budget | None,
    sampling: Sampling | None,
    turn: Turn,
    system: str | None,
    ceiling: int | None,
) -> tuple[Run, list[Event]]:
    kept = _kept(engine.codec, trace, at)
    before = _progress(kept, tried=at in _tries(trace))
    asked = _budget(budget or Budget(), turn, before)
    run = Run(engine, question, asked, sampling or Sampling(), system=system, ceiling=ceiling)
    thought = _turned(engine, kept, before, turn)
    if thought.progress.spent > run.limits.max_thinking_tokens:
        raise InvalidSetting(
            f"the fork keeps {thought.progress.spent} thinking tokens, what it forces included, but may have "
            f"{run.limits.max_thinking_tokens}; raise the budget or fork earlier"
        )
    started, *rest = run.resume(thought)
    _check_question(started, trace.receipt)
    return run, [started, *(segment.as_event() for segment in thought.segments), *rest]


def _kept(codec: Codec, trace: Trace, at: int) -> tuple[Segment, ...]:
    """Return the kept thinking, checked: a trace may come from a file, and its ids go to the model as they are."""
    if trace.receipt.accounting != "total":
        raise InvalidSetting(
            "a trace under per_round accounting was cut after the fact; fork one under total accounting"
        )
    thinking = _thinking(trace)
    if not is_place(trace, at):
        total = sum(len(segment.token_ids) for segment in thinking)
        raise InvalidSetting(
            f"the trace cannot be forked after {at} thinking tokens; it has {total}, and a forced Wait is not divided"
        )
    for segment in thinking:
        ids = frozenset(segment.token_ids)
        if not ids <= codec.known_ids or codec.decode(segment.token_ids) != segment.text:
            raise InvalidSetting("the trace's tokens do not spell its text here; fork it with the model that wrote it")
        if ids & codec.control_ids:
            raise InvalidSetting("the trace has control tokens in its thinking; fork another one")
    return tuple(cut(codec.decode, thinking, at))


def _progress(kept: tuple[Segment, ...], *, tried: bool) -> Progress:
    progress = Progress()
    for segment in kept:
        count = len(segment.token_ids)
        match segment.source:
            case "wait":
                progress = progress.injected(count)
            case "you":
                progress = progress.injected(count, "you")
            case "hint":
                progress = progress.told(count)
            case _:
                progress = progress.sampled(count)
    return progress.tried_to_end() if tried else progress


def _budget(asked: Budget, turn: Turn, before: Progress) -> Budget:
    match turn.kind:
        case "close":
            here = replace(asked, max_thinking_tokens=before.spent, min_thinking_tokens=0, waits=before.waits_used)
            return replace(here, landing_text="", landing_bias=0.0)
        case "say":
            return replace(asked, waits=max(asked.waits, before.waits_used + 1))
        case "ignore" if before.ended:
            return replace(asked, waits=max(asked.waits, before.waits_used + 1))
        case _:
            return asked


def _turned(engine: Engine, kept: tuple[Segment, ...], before: Progress, turn: Turn) -> Thought:
    """Return the thinking with what the turn adds to it."""
    codec = engine.codec
    if turn.kind == "say":
        ids = codec.encode_user(turn.word)
        return Thought(segments=(*kept, _wait(codec, ids, before)), progress=before.injected(len(ids)))
    if turn.kind == "ignore" and before.ended:
        if engine.capabilities.forbid_first == "unsupported":
            raise Unsupported(
                f"the {engine.name} engine cannot ignore an end without a word; say one, Wait for instance"
            )
        return Thought(segments=(*kept, _wait(codec, (), before)), progress=before.injected(0))
    if kept and kept[-1].source == "model" and not before.ended:
        last = replace(kept[-1], text=certain_text(codec, kept[-1].token_ids))
        return Thought(segments=(*kept[:-1], last), progress=before, goes_on=True)
    return Thought(segments=kept, progress=before)


def _wait(codec: Codec, ids: tuple[int, ...], before: Progress) -> Segment:
    note = f"Wait {before.forced + 1}" + ("" if before.ended else PUT_IN)
    return Segment(source="wait", phase="thinking", text=codec.decode(ids), token_ids=ids, note=note)


def _tries(trace: Trace) -> set[int]:
    """Return the thinking tokens after which the model tried to end."""
    tries: set[int] = set()
    spent = 0
    for segment in _thinking(trace):
        if segment.at_a_try:
            tries.add(spent)
        spent += len(segment.token_ids)
    return tries | ({spent} if trace.receipt.closed_by == "model" else set())


def _check_question(started: Event, receipt: Receipt) -> None:
    if isinstance(started, Started) and started.prompt_tokens != receipt.prompt_tokens:
        raise InvalidSetting(
            f"the trace was asked something else: its prompt has {receipt.prompt_tokens} tokens, this one "
            f"{started.prompt_tokens}; give the question of the trace"
        )


def _thinking(trace: Trace) -> tuple[Segment, ...]:
    return tuple(segment for segment in trace.segments if segment.phase == "thinking")
