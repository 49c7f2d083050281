"""Best-of-N: draw samples and take the one with the best reward, or the answer with most of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from s1core.engines.base import Engine
from s1core.engines.capabilities import require
from s1core.errors import InvalidSetting
from s1core.methods.base import Method, OnEvent, Outcome, Spent, budget_words, drawn_with, ignore, side_by_side
from s1core.methods.rewards import (
    PROBABILITY,
    Choice,
    check_reward,
    chosen,
    reward_model,
    reward_words,
    score,
    solution_of,
)
from s1core.methods.scores import Aggregate, RewardModel
from s1core.methods.vote import confidence, draw, voted
from s1core.types import Sampling


@dataclass(frozen=True, kw_only=True, slots=True)
class BestOfN(Method):
    """Draw samples side by side, score each, and choose."""

    name: ClassVar[str] = "best-of-n"
    title: ClassVar[str] = "best of N"
    draws: ClassVar[bool] = True

    samples: int = 8
    reward: str | RewardModel = PROBABILITY
    """`probability`: that of the answer's tokens; else a process reward model, by hub id or folder, or loaded."""
    score: Aggregate = "last"
    """Of a reward model's scores of the steps."""
    choose: Choice = "best"

    def __post_init__(self) -> None:
        check_reward(self.reward, self.score, self.choose)
        if self.samples < 1:
            raise InvalidSetting(f"samples must be 1 or more, got {self.samples}")

    @property
    def label(self) -> str:
        """`best of 8 by probability`, `vote of 8 by org/prm (min), budget 64`."""
        said = f"{self.choose} of {self.samples} by {reward_words(self.reward, self.score)}"
        return ", ".join([said, *budget_words(self.budget)])

    async def arun(
        self, engine: Engine, question: str, sampling: Sampling | None = None, *, on_event: OnEvent = ignore
    ) -> Outcome:
        """Draw all samples side by side; run i is sample i. `details` has the rewards and the votes."""
        drawn = drawn_with(sampling, self.samples, "samples", question)
        model = reward_model(self.reward)
        if model is None:
            require(engine, "logprobs")
        numbers = range(self.samples)
        traces = await draw(engine, question, numbers, self.budget, drawn, on_event, answer_logprobs=model is None)
        spent = side_by_side(Spent.of(trace.receipt) for trace in traces)
        if model is None:
            rewards = [confidence(trace) for trace in traces]
        else:
            rewards, cost = await score(model, question, [solution_of(trace) for trace in traces], self.score)
            spent = spent.then(cost)
        return voted(traces, chosen(traces, rewards, self.choose), spent, rewards=rewards)
