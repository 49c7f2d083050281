"""Drives a reward-balanced tree search over an engine; `tree.py` has its rules, `rebase.py` its settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from s1core.budget import Budget
from s1core.engines.base import Engine
from s1core.fork import continued
from s1core.methods.base import OnEvent, Spent, side_by_side
from s1core.methods.early_exit import PROBE_ANSWER_TOKENS
from s1core.methods.rewards import score
from s1core.methods.scores import Aggregate, RewardModel
from s1core.methods.tree import Node, StepEnd, shares
from s1core.methods.vote import confidence
from s1core.probe import answer_after
from s1core.run import Run, cut
from s1core.sweep import pump, together
from s1core.types import Event, Sampling, Segment, Segments, Tokens, Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class _Branch:
    """A node with what leads to it."""

    node: Node
    thinking: tuple[Segment, ...]
    """All of it, from the question on."""
    steps: tuple[str, ...]
    """The same as steps, and the answer of a finished solution."""
    trace: Trace | None
    """Of a finished solution."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """A child to be drawn."""

    number: int
    parent: _Branch | None
    sample_index: int


class TreeSearch:
    """One search. Nodes of a depth are drawn side by side, and so are the probes that score them."""

    def __init__(
        self,
        engine: Engine,
        question: str,
        budget: Budget,
        sampling: Sampling,
        *,
        width: int,
        balance: float,
        delimiter: str,
        step_tokens: int,
        depth: int,
        model: RewardModel | None,
        score: Aggregate,
        on_event: OnEvent,
    ) -> None:
        self._engine, self._question, self._budget, self._sampling = engine, question, budget, sampling
        self._width, self._balance = width, balance
        self._delimiter, self._step_tokens, self._depth = delimiter, step_tokens, depth
        self._model, self._on_event = model, on_event
        self._aggregate: Aggregate = score
        self._numbers, self._indices = count(), count(width)
        self._branches: list[_Branch] = []
        self.spent = Spent()

    async def run(self) -> None:
        """Search until `width` solutions are finished."""
        left, depth = self._width, 1
        plans = [_Plan(number=next(self._numbers), parent=None, sample_index=index) for index in range(left)]
        while plans:
            grown = await together(self._grow(plan, depth) for plan in plans)
            self.spent = self.spent.then(side_by_side(cost for _, cost in grown))
            scored = await self._scored([branch for branch, _ in grown])
            self._branches += scored
            live = [branch for branch in scored if branch.trace is None]
            left -= len(scored) - len(live)
            plans, depth = self._plans(live, left), depth + 1

    def nodes(self) -> list[Node]:
        """Return all nodes, in the order of their numbers."""
        return [branch.node for branch in self._branches]

    def solutions(self) -> tuple[list[Trace], list[float]]:
        """Return the finished solutions and their rewards, in the order of their numbers."""
        finished = [(branch.trace, branch.node.reward) for branch in self._branches if branch.trace is not None]
        return [trace for trace, _ in finished], [reward for _, reward in finished]

    def _plans(self, live: Sequence[_Branch], left: int) -> list[_Plan]:
        """Share the width that is left; a first child keeps its parent's noise, and so goes on as it would have."""
        if not live:
            return []
        children = shares([branch.node.reward for branch in live], left, self._balance)
        return [
            _Plan(
                number=next(self._numbers),
                parent=parent,
                sample_index=next(self._indices) if child else parent.node.sample_index,
            )
            for parent, number in zip(live, children, strict=True)
            for child in range(number)
        ]

    async def _grow(self, plan: _Plan, depth: int) -> tuple[_Branch, Spent]:
        """Think one step, or to the end where that comes first."""
        before = () if plan.parent is None else plan.parent.thinking
        kept = _count(before)
        sampling = replace(self._sampling, sample_index=plan.sample_index)
        run = Run(self._engine, self._question, self._budget, sampling, answer_logprobs=self._model is None)
        thought = continued(self._engine.codec, before)
        written = Segments(thought.segments)
        most = self._step_tokens if depth < self._depth else self._engine.context_length
        end = StepEnd(self._engine.codec, self._delimiter if depth < self._depth else None, most)

        def take(event: Event) -> None:
            if isinstance(event, Tokens):
                written.append(event)
                if event.phase == "thinking":
                    end.feed(event.token_ids, forced=event.source != "model")
            self._on_event(plan.number, event)

        begun = run.resume(thought) if before else run.start()
        own = await pump(self._engine, run, begun, enough=lambda _: end.over, on_event=take)
        thinking = tuple(segment for segment in written if segment.phase == "thinking")
        trace = None if end.over else replace(own, segments=tuple(written))
        thinking = tuple(cut(self._engine.codec.decode, thinking, kept + end.tokens)) if end.over else thinking
        return self._branch(plan, depth, thinking, kept, trace), _cost(own, _count(thinking) - kept, trace)

    def _branch(
        self, plan: _Plan, depth: int, thinking: tuple[Segment, ...], kept: int, trace: Trace | None
    ) -> _Branch:
        parent, decode = plan.parent, self._engine.codec.decode
        ids = tuple(i for segment in thinking for i in segment.token_ids)[kept:]
        step = decode(ids).strip()
        steps = (*(parent.steps if parent else ()), *([step] if step else []), *([trace.answer_text] if trace else []))
        node = Node(
            number=plan.number,
            parent=None if parent is None else parent.node.number,
            depth=depth,
            text=decode(ids) if trace is None else decode(trace.token_ids[kept:]),
            thinking_tokens=len(ids),
            answer_tokens=trace.receipt.answer_tokens if trace else 0,
            probe_tokens=0,
            reward=confidence(trace) if trace else 0.0,
            answer=trace.answer if trace else None,
            finished=trace is not None,
            sample_index=plan.sample_index,
        )
        return _Branch(node=node, thinking=thinking, steps=steps, trace=trace)

    async def _scored(self, branches: Sequence[_Branch]) -> list[_Branch]:
        """Give each node its reward."""
        if self._model is not None:
            solutions = [branch.steps for branch in branches]
            rewards, cost = await score(self._model, self._question, solutions, self._aggregate)
            self.spent = self.spent.then(cost)
            pairs = zip(branches, rewards, strict=True)
            return [replace(branch, node=replace(branch.node, reward=reward)) for branch, reward in pairs]
        probed = await together(self._probed(branch) for branch in branches)
        self.spent = self.spent.then(side_by_side(cost for _, cost in probed))
        return [branch for branch, _ in probed]

    async def _probed(self, branch: _Branch) -> tuple[_Branch, Spent]:
        """Ask what a step would answer, and how probable that is; a finished solution has said so already."""
        if branch.trace is not None:
            return branch, Spent()
        thought = continued(self._engine.codec, branch.thinking)
        budget = replace(self._budget, max_answer_tokens=PROBE_ANSWER_TOKENS)
        sampling = replace(self._sampling, sample_index=branch.node.sample_index)
        trace = await answer_after(self._engine, self._question, thought, budget, sampling)
        cost = Spent.of(trace.receipt, kept=thought.progress.spent).as_probe()
        node = replace(
            branch.node, reward=confidence(trace), answer=trace.answer, probe_tokens=trace.receipt.answer_tokens
        )
        return replace(branch, node=node), cost


def _count(segments: Sequence[Segment]) -> int:
    return sum(len(segment.token_ids) for segment in segments)


def _cost(own: Trace, thinking: int, trace: Trace | None) -> Spent:
    """Return what a node cost: a step is counted up to its end, whatever the engine had in flight."""
    answer = trace.receipt.answer_tokens if trace else 0
    whole = Spent.of(own.receipt, kept=own.receipt.thinking_tokens)
    return replace(whole, thinking_tokens=thinking, answer_tokens=answer, sequential_tokens=thinking + answer)
