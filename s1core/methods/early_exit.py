"""Early exit: stop thinking when the answer has settled.

Every K thinking tokens the run is asked what it would answer now. N equal answers in a row end it (Dynasor,
arXiv 2412.20993), and so does an answer that is probable enough (DEER, arXiv 2504.15895). A probe is what budget
forcing gives at that place, so that the answer of an early exit is that of the budget at which it stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from s1core.budget import Budget
from s1core.engines.base import Engine
from s1core.engines.capabilities import require
from s1core.errors import InvalidSetting
from s1core.fork import continued
from s1core.methods.base import (
    Method,
    OnEvent,
    Outcome,
    budget_words,
    check_question,
    ignore,
    outcome_of,
)
from s1core.probe import TrackPoint
from s1core.run import Run, Thought
from s1core.sweep import pump
from s1core.types import Event, Finished, Receipt, Sampling, Segments, Started, Tokens, Trace

PROBE_ANSWER_TOKENS = 32
"""Of a probe; a trace whose last probe was cut by it is asked for its answer again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlyExit(Method):
    """Probe every few thinking tokens, and stop when the answer has settled. The thinking waits for each probe."""

    name: ClassVar[str] = "early-exit"
    title: ClassVar[str] = "early exit"

    every: int = 32
    """Thinking tokens between probes."""
    equal: int | None = 3
    """So many equal answers in a row end the thinking; None: only the probability does."""
    probability: float | None = None
    """An answer whose tokens are at least this probable ends the thinking; None: only equal answers do."""
    probe_answer: int = PROBE_ANSWER_TOKENS
    """At most so many answer tokens of a probe."""

    def __post_init__(self) -> None:
        if self.every < 1 or self.probe_answer < 1:
            raise InvalidSetting(f"every and probe_answer must be 1 or more, got {self.every} and {self.probe_answer}")
        if self.equal is None and self.probability is None:
            raise InvalidSetting("an early exit needs a rule: equal (answers in a row), probability, or both")
        if self.equal is not None and self.equal < 1:
            raise InvalidSetting(f"equal must be 1 answer or more, got {self.equal}")
        if self.probability is not None and not 0 < self.probability <= 1:
            raise InvalidSetting(f"probability must be above 0 and at most 1, got {self.probability}")
        if self.budget.accounting != "total":
            raise InvalidSetting("an early exit counts its budget over the whole run; use total accounting")

    @property
    def label(self) -> str:
        """`3 equal answers, every 32`, `answer at 0.95, every 16, budget 256`."""
        rules = [] if self.equal is None else [f"{self.equal} equal answer{'s' if self.equal > 1 else ''}"]
        rules += [] if self.probability is None else [f"answer at {self.probability:g}"]
        return ", ".join([" or ".join(rules), f"every {self.every}", *budget_words(self.budget)])

    async def arun(
        self,
        engine: Engine,
        question: str,
        sampling: Sampling | None = None,
        *,
        on_event: OnEvent = ignore,
        on_point: Callable[[TrackPoint], None] = lambda point: None,
    ) -> Outcome:
        """Think piece by piece; the events are those of one run, without its probes, which `on_point` gets.

        `details` has the probes: thinking tokens, answer, probability and sampled tokens of each.
        """
        check_question(question)
        if self.probability is not None:
            require(engine, "logprobs")
        run = _PieceByPiece(engine, question, self.budget, sampling or Sampling(), partial(on_event, 0))
        points: list[TrackPoint] = []
        for place in self.places():
            if not await run.think_to(place):
                break
            point, events = await run.probe(place, self.probe_answer)
            points.append(point)
            on_point(point)
            if self.settled(points):
                await run.close(place, events)
                break
        else:
            await run.think_to_the_end()
        probes = [[p.thinking_tokens, p.answer, p.probability, p.sampled] for p in points]
        trace = run.trace()
        return outcome_of(trace, {"probes": probes, "settled": trace.receipt.closed_by == "settled"})

    def settled(self, points: Sequence[TrackPoint]) -> bool:
        """Whether the probes so far end the thinking."""
        if not points or points[-1].answer is None:
            return False
        if self.probability is not None and (points[-1].probability or 0.0) >= self.probability:
            return True
        last = points[-self.equal :] if self.equal is not None else ()
        return self.equal is not None and len(last) == self.equal and all(p.agrees(points[-1]) for p in last)

    def places(self) -> Iterator[int]:
        """Where it is probed, in thinking tokens: every few, not before the minimum and not at the budget itself."""
        most = self.budget.max_thinking_tokens
        place = max(1, math.ceil(self.budget.min_thinking_tokens / self.every)) * self.every
        while most is None or place < most:
            yield place
            place += self.every


class _PieceByPiece:
    """One run, thought piece by piece: budget-forced runs of which each goes on from where the last one stopped."""

    def __init__(
        self, engine: Engine, question: str, budget: Budget, sampling: Sampling, on_event: Callable[[Event], None]
    ) -> None:
        self._engine, self._question, self._budget, self._sampling = engine, question, budget, sampling
        self._on_event = on_event
        self._segments = Segments()
        """Of the one run that the pieces are together."""
        self._started = False
        self._receipts: list[Receipt] = []
        """Of all runs, in order; the last one's is that of the run that answered."""
        self._thought: Thought | None = None
        """What has been thought; None before the first piece."""
        self._probe_tokens = 0
        self._answer: str | None = None

    async def think_to(self, place: int) -> bool:
        """Think to a place; False where the run came to its end before."""
        rest: list[Event] = []

        def take(event: Event) -> None:
            nonlocal rest
            match event:
                case Tokens(source="close", note="budget"):
                    rest = []  # it goes on: the bytes of a character that is not complete yet come with the others
                case Tokens(source="model", token_ids=(), phase="thinking"):
                    rest = [event]
                case _:
                    for each in (*rest, event):
                        self._take(each)
                    rest = []

        trace = await self._pump(self._up_to(place), take, enough=lambda run: run.closed_by == "budget")
        if trace.receipt.closed_by != "budget":
            return False
        self._thought = continued(self._engine.codec, self._segments)
        return True

    async def think_to_the_end(self) -> None:
        """Think to the budget or to the natural end, and answer."""
        await self._pump(self._budget, self._take)

    async def probe(self, place: int, most: int) -> tuple[TrackPoint, list[Event]]:
        """Ask for the answer at a place to which it has been thought, in at most so many tokens."""
        most = min(most, self._budget.max_answer_tokens or most)
        events: list[Event] = []
        probed = await self._pump(replace(self._up_to(place), max_answer_tokens=most), events.append)
        receipt = probed.receipt
        self._probe_tokens += receipt.answer_tokens
        point = TrackPoint(
            thinking_tokens=place,
            answer=probed.answer,
            probability=receipt.answer_probability,
            sampled=receipt.answer_tokens,
            computed=receipt.prefill_computed,
            reused=receipt.prefill_reused,
        )
        return point, events

    async def close(self, place: int, probed: list[Event]) -> None:
        """End with the answer of the last probe; one that its limit cut is asked for again, in full."""
        if self._receipts[-1].answer_complete:
            self._probe_tokens -= self._receipts[-1].answer_tokens
        else:
            probed = []
            await self._pump(self._up_to(place), probed.append)
        for event in probed:
            closes = isinstance(event, Tokens) and event.source == "close"
            self._take(replace(event, note="settled") if closes else event)
        self._receipts[-1] = replace(self._receipts[-1], closed_by="settled")

    def trace(self) -> Trace:
        """Return the whole run, with one receipt for all of it."""
        last, first = self._receipts[-1], self._receipts[0]
        wall_s, began_s = sum(receipt.wall_s for receipt in self._receipts), first.time_to_first_token_s
        receipt = replace(
            last,
            max_thinking_tokens=self._budget.max_thinking_tokens,
            min_thinking_tokens=self._budget.min_thinking_tokens,
            probe_tokens=self._probe_tokens,
            prefill_computed=sum(receipt.prefill_computed for receipt in self._receipts),
            prefill_reused=sum(receipt.prefill_reused for receipt in self._receipts),
            time_to_first_token_s=began_s,
            wall_s=wall_s,
        )
        written = receipt.total_tokens - 1
        if began_s is not None and written > 0 and wall_s > began_s:
            receipt = replace(receipt, tokens_per_s=written / (wall_s - began_s))
        self._on_event(Finished(answer=self._answer, receipt=receipt))
        return Trace(segments=tuple(self._segments), answer=self._answer, receipt=receipt)

    def _up_to(self, place: int) -> Budget:
        least = min(self._budget.min_thinking_tokens, place)
        return replace(self._budget, max_thinking_tokens=place, min_thinking_tokens=least)

    async def _pump(
        self, budget: Budget, on_event: Callable[[Event], None], *, enough: Callable[[Run], bool] = lambda run: False
    ) -> Trace:
        """Run on from what has been thought; return the trace with all of the thinking."""
        run = Run(self._engine, self._question, budget, self._sampling, answer_logprobs=True)
        before_s = sum(receipt.wall_s for receipt in self._receipts)

        def later(event: Event) -> None:
            on_event(replace(event, at_s=before_s + event.at_s) if isinstance(event, Tokens) else event)

        begun = run.start() if self._thought is None else run.resume(self._thought)
        trace = await pump(self._engine, run, begun, enough=enough, on_event=later)
        self._receipts.append(trace.receipt)
        self._answer = trace.answer
        return trace

    def _take(self, event: Event) -> None:
        if isinstance(event, Finished) or (isinstance(event, Started) and self._started):
            return
        self._started = True
        if isinstance(event, Tokens):
            self._segments.append(event)
        self._on_event(event)
