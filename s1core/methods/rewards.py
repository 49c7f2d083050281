"""How good a solution is: the probability of its own answer, or a process reward model's scores of its steps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal, get_args

from s1core.errors import InvalidSetting
from s1core.methods.base import Spent
from s1core.methods.control import STEP_DELIMITER
from s1core.methods.scores import Aggregate, RewardModel
from s1core.methods.vote import Ballot, tally
from s1core.types import Trace

PROBABILITY = "probability"
"""The reward that needs no other model: how probable the answer is that a text would give."""
Choice = Literal["best", "vote"]
"""The answer of the solution with the best reward, or the answer with the largest sum of rewards."""


@lru_cache(maxsize=2)
def load_reward(name: str) -> RewardModel:
    """Load a process reward model by hub id or folder; the last two stay loaded.

    Raises:
        UnknownModel, ModelUnavailable: as `load_engine`; also for models that score no steps.
    """
    from s1core.methods.reward_model import TransformersReward

    return TransformersReward.load(name)


def reward_model(reward: str | RewardModel) -> RewardModel | None:
    """Return the reward model of a setting; None for the answer's own probability.

    Raises:
        UnknownModel, ModelUnavailable: as `load_reward`.
    """
    if not isinstance(reward, str):
        return reward
    return None if reward == PROBABILITY else load_reward(reward)


def reward_words(reward: str | RewardModel, aggregate: Aggregate) -> str:
    """Name a reward in labels: `probability`, `org/prm`, `org/prm (min)`."""
    name = reward if isinstance(reward, str) else reward.name
    return name if aggregate == "last" or name == PROBABILITY else f"{name} ({aggregate})"


async def score(
    model: RewardModel, question: str, solutions: Sequence[Sequence[str]], aggregate: Aggregate
) -> tuple[list[float], Spent]:
    """Score solutions, given as steps, beside the event loop; also return what that cost."""
    if not solutions:
        return [], Spent()
    began_s = time.perf_counter()
    scores = await asyncio.to_thread(model.score, question, solutions)
    spent = Spent(reward_tokens=sum(each.tokens for each in scores), seconds=time.perf_counter() - began_s)
    return [each.of(aggregate) for each in scores], spent


def solution_of(trace: Trace) -> list[str]:
    """Return a run as steps: the lines of its thinking, then its answer."""
    steps = [line for line in trace.thinking_text.split(STEP_DELIMITER) if line.strip()]
    return [*steps, trace.answer_text]


def chosen(traces: Sequence[Trace], rewards: Sequence[float], choose: Choice) -> list[Ballot]:
    """Return the answers with their sums of rewards, the chosen one first; each is shown by its best solution.

    Args:
        traces: solutions; one without an answer is not chosen.
        rewards: one each.
        choose: between the answer of the best solution and the one with the largest sum.
    """
    order = sorted(range(len(traces)), key=lambda number: -rewards[number])
    ballots = tally([traces[number].answer for number in order], [rewards[number] for number in order])
    if choose == "best":
        ballots.sort(key=lambda ballot: ballot.first)
    return [replace(ballot, first=order[ballot.first]) for ballot in ballots]


def check_reward(reward: str | RewardModel, aggregate: str, choose: str) -> None:
    """Refuse settings that are none.

    Raises:
        InvalidSetting: an empty name, or no such aggregate or choice.
    """
    if isinstance(reward, str) and not reward.strip():
        raise InvalidSetting(f"reward must be {PROBABILITY}, or the hub id or folder of a process reward model")
    for name, value, known in (("score", aggregate, get_args(Aggregate)), ("choose", choose, get_args(Choice))):
        if value not in known:
            raise InvalidSetting(f"{name} must be one of {', '.join(known)}, got {value[:40]!r}")
