"""s1-nano: the bundled model's question families and weights. Imports neither torch nor transformers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from s1core.nano.make import FAMILIES, make_questions
from s1core.nano.question import Question, Split

WEIGHTS: Path = Path(__file__).parent / "weights"
"""The model, as `AutoModelForCausalLM.from_pretrained` and `AutoTokenizer.from_pretrained` load it."""

WEAK: tuple[Path, ...] = (Path(__file__).parent / "weak-1", Path(__file__).parent / "weak-2")
"""Two weaker models of the same family, to tell easy questions from hard ones when a set is curated."""

BASE: Path = Path(__file__).parent / "base"
"""A model of the same family that answers plainly and has never seen a thinking block: what fine-tuning starts from."""

TEST_SIZE = 1200
TEST_SEED = 20250131
"""The frozen test set: the first questions of the test split that this seed makes. Held out of training by hash."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FamilyInfo:
    """What an app shows about a family."""

    description: str
    examples: tuple[str, ...]


def families() -> dict[str, FamilyInfo]:
    """Every family that s1-nano knows, by name."""
    return {name: FamilyInfo(description=f.description, examples=f.examples) for name, f in FAMILIES.items()}


def detect_family(text: str) -> str | None:
    """The family of a question, or None: a hint whether s1-nano knows this kind, never an answer."""
    return next((name for name, family in FAMILIES.items() if family.parse(text)), None)


def expected_answer(text: str) -> str | None:
    """The right answer of a question of these families, worked out and not asked of any model; None for any other."""
    for family in FAMILIES.values():
        puzzle = family.parse(text)
        if puzzle is not None:
            return family.answer(puzzle)
    return None


__all__ = [
    "BASE",
    "TEST_SEED",
    "TEST_SIZE",
    "WEAK",
    "WEIGHTS",
    "FamilyInfo",
    "Question",
    "Split",
    "detect_family",
    "expected_answer",
    "families",
    "make_questions",
]
