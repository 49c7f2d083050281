"""REBASE: reward-balanced tree search (arXiv 2408.00724), as s1 compares it with sequential scaling.

From the question `width` first steps are drawn. Then, depth by depth, every step is scored, and the width that is left
after the finished solutions is shared among the others in proportion to exp(reward / balance): W_j children for step j.
So `width` solutions are found; they vote with their rewards. A step is a line of the thinking.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from s1core.engines.base import Engine
from s1core.engines.capabilities import require
from s1core.errors import InvalidSetting
from s1core.methods.base import Method, OnEvent, Outcome, budget_words, drawn_with, ignore
from s1core.methods.control import STEP_DELIMITER
from s1core.methods.rewards import PROBABILITY, Choice, check_reward, chosen, reward_model, reward_words
from s1core.methods.scores import Aggregate, RewardModel
from s1core.methods.tree_search import TreeSearch
from s1core.methods.vote import voted
from s1core.types import Sampling

BALANCE = 0.2
"""Of the authors' code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebase(Method):
    """Search a tree of steps, balanced by rewards. All branches share their prefix in the engine's cache."""

    name: ClassVar[str] = "rebase"
    title: ClassVar[str] = "REBASE"
    draws: ClassVar[bool] = True

    width: int = 16
    """Solutions to find."""
    balance: float = BALANCE
    """Temperature of the sharing: a high one shares evenly, a low one gives all to the best step."""
    step_tokens: int = 256
    """At most so many tokens a step."""
    depth: int = 25
    """At most so many steps; the last one goes on to the answer."""
    reward: str | RewardModel = PROBABILITY
    """`probability`: that of the answer that a step would give; else a process reward model, by hub id or folder."""
    score: Aggregate = "last"
    """Of a reward model's scores of the steps."""
    choose: Choice = "vote"
    delimiter: str = STEP_DELIMITER
    """Ends a step that has some text."""

    def __post_init__(self) -> None:
        check_reward(self.reward, self.score, self.choose)
        if min(self.width, self.step_tokens, self.depth) < 1 or not self.delimiter:
            raise InvalidSetting("width, step_tokens and depth must be 1 or more, and the delimiter some text")
        if not 0 < self.balance < math.inf:
            raise InvalidSetting(f"balance must be above 0, got {self.balance}; {BALANCE} is the authors'")
        if self.budget.accounting != "total":
            raise InvalidSetting("a tree counts its budget over each whole solution; use total accounting")

    @property
    def label(self) -> str:
        """`width 16 by probability`, `width 16 by org/prm, balance 0.1, best, budget 64`."""
        said = [f"width {self.width} by {reward_words(self.reward, self.score)}"]
        said += [f"balance {self.balance:g}"] if self.balance != BALANCE else []
        said += [self.choose] if self.choose != "vote" else []
        return ", ".join([*said, *budget_words(self.budget)])

    async def arun(
        self, engine: Engine, question: str, sampling: Sampling | None = None, *, on_event: OnEvent = ignore
    ) -> Outcome:
        """Search; `runs` are the solutions. `details` has the tree (see `Node`), the solutions' rewards, and the votes.

        `on_event` gets the events of each node under its number, without what it took over from its parents.
        """
        drawn = drawn_with(sampling, self.width, "solutions", question)
        model = reward_model(self.reward)
        if model is None:
            require(engine, "logprobs")
        search = TreeSearch(
            engine,
            question,
            self.budget,
            drawn,
            width=self.width,
            balance=self.balance,
            delimiter=self.delimiter,
            step_tokens=self.step_tokens,
            depth=self.depth,
            model=model,
            score=self.score,
            on_event=on_event,
        )
        await search.run()
        traces, rewards = search.solutions()
        tree = [node.as_dict() for node in search.nodes()]
        return voted(traces, chosen(traces, rewards, self.choose), search.spent, rewards=rewards, tree=tree)
