"""What a benchmark is made of."""

from __future__ import annotations

from dataclasses import dataclass

from s1core.grading import Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One question of a benchmark."""

    id: str
    question: str
    answer: str
    kind: Kind
    """How the answer is graded (`s1core.grading.grade`)."""
    group: str
    """Family, subject or source, for tables by group."""
