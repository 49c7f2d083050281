"""What the page knows about questions: examples, the hint for s1-nano, and whether two answers agree.

None of this reaches the model. The expected answer only marks what the model said.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.runs.request import ASKING, Method
from s1core.nano import detect_family, families

NANO = "s1-nano"
NANO_FAMILIAR_WAITS = 4
"""Of its training traces, few hold more (docs/nano.md, Recipe)."""
AT_TEMPERATURE_1 = "Drawn at temperature 1, unless you set another one above 0."
METHOD_NOTES: dict[Method, str] = {
    "none": "The model stops when it wants to; the budget and the Waits are not used.",
    "tokens": "The prompt asks to think for no more tokens than the budget.",
    "steps": "The prompt asks for no more than so many steps. Steps are counted as lines.",
    "short": "The prompt asks for a short amount of thinking.",
    "long": "The prompt asks for a long amount of thinking.",
    "rejection": "Draws again until the thinking ends by itself within the budget. " + AT_TEMPERATURE_1,
    "vote": "Draws several samples, each under the budget, and takes the most common answer. " + AT_TEMPERATURE_1,
}


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


def waits_note(waits: int | float | None, model: str) -> str:
    """Say when so many Waits are more than the model knows; empty when there is nothing to say."""
    if model != NANO or (waits or 0) <= NANO_FAMILIAR_WAITS:
        return ""
    return (
        f"More is not always better: in training s1-nano seldom saw more than {NANO_FAMILIAR_WAITS} Waits, and many of "
        "them can break a right answer."
    )


def method_note(method: Method, model: str) -> str:
    """Say what a method does with the other settings, and what the model knows of it."""
    words = METHOD_NOTES.get(method, "")
    if method in ASKING:
        words += " Nothing is forced, unless you tick the box below."
        words += " s1-nano was not trained to read such a request." if model == NANO else ""
    return words


def same_answer(given: str, expected: str) -> bool:
    """Whether two short answers agree; letter case, spaces and a final full stop do not count."""
    return _bare(given) == _bare(expected)


def _bare(answer: str) -> str:
    return "".join(answer.split()).strip(".$*").casefold()
