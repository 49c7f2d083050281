"""The training text of a selected row: what the user says, and what the assistant answers."""

from __future__ import annotations

import json
from typing import Any

from curate.cache import Fact
from curate.rows import Row
from s1core.thinking import FORMATS

_THINK = FORMATS["s1"].open
_ANSWER = FORMATS["s1"].close_by_model


COLUMNS = (
    "key",
    "id",
    "source",
    "domain",
    "question",
    "solution",
    "answer",
    "thinking",
    "attempt",
    "thinking_tokens",
    "correct",
    "drawn",
    "user",
    "assistant",
    "no_loss",
    "metadata",
)
"""Of the dataset."""


def assistant_turn(thinking: str, attempt: str) -> str:
    """Thinking and answer between s1's markers; the answer is introduced by `Answer:` unless it does so itself."""
    answer = attempt.strip()
    introduced = answer if "Answer:" in answer else f"Answer: {answer}"
    return f"{_THINK}\n{thinking.strip()}\n{_ANSWER}\n{introduced}"


def record(row: Row, trace: Fact) -> dict[str, Any]:
    """One row of the dataset. `user` and `assistant` are the turns; the chat template is the trained model's own.

    A teacher that says which characters of its turn carry no loss writes the turn itself, as `assistant`.
    """
    made = {
        "thinking": trace["thinking"],
        "attempt": trace["attempt"],
        "user": row.question,
        "assistant": trace.get("assistant") or assistant_turn(trace["thinking"], trace["attempt"]),
        "no_loss": trace.get("no_loss", []),
        "metadata": json.dumps(row.metadata, ensure_ascii=False, default=str),
    }
    return {name: made[name] if name in made else getattr(row, name) for name in COLUMNS}
