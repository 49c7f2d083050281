"""English problems for s1-135M: families, splits, and a teacher. Imports neither torch nor transformers."""

from __future__ import annotations

from s1core.nano.question import Question, Split
from s1core.problems.detector import family_of
from s1core.problems.families import FAMILIES
from s1core.problems.known import expected_answer
from s1core.problems.make import draw_problems, find_problem, make_problems
from s1core.problems.paraphrases import paraphrases
from s1core.problems.problem import Problem
from s1core.problems.traces import (
    Lesson,
    Piece,
    TraceMix,
    assistant_turn,
    rows,
    solution,
    teach,
    teach_worked,
    to_row,
)

TEST_SIZE = 1200
TEST_SEED = 20261129
"""The frozen test set: the first problems of the test split that this seed makes. Held out of training by hash."""

__all__ = [
    "FAMILIES",
    "TEST_SEED",
    "TEST_SIZE",
    "Lesson",
    "Piece",
    "Problem",
    "Question",
    "Split",
    "TraceMix",
    "assistant_turn",
    "draw_problems",
    "expected_answer",
    "family_of",
    "find_problem",
    "make_problems",
    "paraphrases",
    "rows",
    "solution",
    "teach",
    "teach_worked",
    "to_row",
]
