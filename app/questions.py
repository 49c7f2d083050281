"""What the page knows about questions: examples, the hint for s1-nano, and whether two answers agree.

None of this reaches the model. The expected answer only marks what the model said.
"""

from __future__ import annotations

from dataclasses import dataclass

from s1core.nano import detect_family, families

NANO = "s1-nano"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExampleFamily:
    """A chip: a family's name, what it asks, and questions to fill in."""

    name: str
    description: str
    questions: tuple[str, ...]


def example_families() -> list[ExampleFamily]:
    """Return the chips, the family of the paper's best-known question first."""
    found = [ExampleFamily(name=n, description=f.description, questions=f.examples) for n, f in families().items()]
    return sorted(found, key=lambda family: family.name != "letters")


def hint(question: str, model: str) -> str:
    """Say beforehand that s1-nano will answer nonsense; empty when there is nothing to say."""
    if model != NANO or not question.strip() or detect_family(question) is not None:
        return ""
    known = ", ".join(family.name for family in example_families())
    return f"s1-nano knows only these kinds of question: {known}. It will answer this one with nonsense."


def same_answer(given: str, expected: str) -> bool:
    """Tell whether two short answers agree; letter case, spaces and a final full stop do not count."""
    return _bare(given) == _bare(expected)


def _bare(answer: str) -> str:
    return "".join(answer.split()).strip(".$*").casefold()
