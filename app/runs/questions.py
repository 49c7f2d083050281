"""What the page knows about questions: examples, what the bundled models were taught, and whether two answers agree.

None of this reaches the model. The expected answer only marks what the model said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from app.runs.request import ASKING, Method
from s1core import nano, problems
from s1core.models import S1_135M, S1_135M_BASE

NANO = "s1-nano"
AT_TEMPERATURE_1 = "Drawn at temperature 1, unless you set another one above 0."
METHOD_NOTES: dict[Method, str] = {
    "none": "No limit, no Wait: the model stops on its own.",
    "tokens": "The prompt asks to think for no more tokens than the budget.",
    "steps": "The prompt asks for at most so many steps; each line counts as one.",
    "short": "The prompt asks for a short amount of thinking.",
    "long": "The prompt asks for a long amount of thinking.",
    "rejection": "Samples again until the model stops on its own within the budget. " + AT_TEMPERATURE_1,
    "vote": "Draws several samples, each within the budget, and takes the most common answer. " + AT_TEMPERATURE_1,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ExampleFamily:
    """A chip: a family's name, what it asks, and questions to fill in."""

    name: str
    description: str
    questions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Taught:
    """What one of this project's own models was trained on."""

    families: Callable[[], tuple[ExampleFamily, ...]]
    """For the chips, families that show best what a Wait does first."""
    family_of: Callable[[str], str | None]
    """The family that a question seems to be of."""
    kinds: str
    """Names its questions, in the sentence about one that is none of them."""
    outside: str
    """What to expect of its answer to such a one, in a sentence."""
    familiar_waits: int
    """Most Waits that its training traces hold, but for a few."""


@cache
def _of_nano() -> tuple[ExampleFamily, ...]:
    found = [ExampleFamily(name=n, description=f.description, questions=f.examples) for n, f in nano.families().items()]
    return tuple(sorted(found, key=lambda family: family.name != "letters"))


_SHOWN_FIRST = ("clock", "months", "coins", "days")
"""Families whose first example s1-135M gets wrong at a glance and right after a Wait."""


@cache
def _of_problems() -> tuple[ExampleFamily, ...]:
    names = [*_SHOWN_FIRST, *(name for name in problems.FAMILIES if name not in _SHOWN_FIRST)]
    return tuple(
        ExampleFamily(
            name=name,
            description=problems.FAMILIES[name].description,
            questions=tuple(problems.FAMILIES[name].examples),
        )
        for name in names
    )


TAUGHT = {
    NANO: Taught(
        families=_of_nano,
        family_of=nano.detect_family,
        kinds="six kinds of puzzle",
        outside="Expect nonsense.",
        familiar_waits=4,  # docs/nano.md, Recipe
    ),
    S1_135M: Taught(
        families=_of_problems,
        family_of=problems.family_of,
        kinds=f"{len(problems.FAMILIES)} kinds of short word problem",
        outside="Its answer is a guess.",
        familiar_waits=2,  # docs/s1-135m.md
    ),
}
"""By the model's name. Of every other model the page claims nothing."""


def example_families(model: str) -> tuple[ExampleFamily, ...]:
    """Return the chips for a model; a model that is not of this project's making gets those in plain English."""
    return TAUGHT[model if model in TAUGHT else S1_135M].families()


@lru_cache(maxsize=1_000)
def hint(question: str, model: str) -> str:
    """Say that a model was not taught such a question; empty when there is nothing to say."""
    if not question.strip():
        return ""
    if model == S1_135M_BASE:
        return f"{model} was not taught to think: it is what {S1_135M} was before."
    taught = TAUGHT.get(model)
    if taught is None or taught.family_of(question) is not None:
        return ""
    return f"{model} only knows {taught.kinds}, and this isn't one. {taught.outside}"


def waits_note(waits: int | float | None, model: str) -> str:
    """Say when so many Waits are more than the model knows; empty when there is nothing to say."""
    taught = TAUGHT.get(model)
    if taught is None or (waits or 0) <= taught.familiar_waits:
        return ""
    return (
        f"More is not always better: in training {model} seldom saw more than {taught.familiar_waits} Waits, and many "
        "of them can break a right answer."
    )


def method_note(method: Method, model: str) -> str:
    """Say what a method does with the other settings, and what the model knows of it."""
    words = METHOD_NOTES.get(method, "")
    if method in ASKING:
        words += " Nothing is forced unless you tick the box below."
        words += f" {model} was not trained to read such a request." if model in TAUGHT else ""
    return words


def same_answer(given: str, expected: str) -> bool:
    """Whether two short answers agree; letter case, spaces and a final full stop do not count."""
    return _bare(given) == _bare(expected)


def _bare(answer: str) -> str:
    return "".join(answer.split()).strip(".$*").casefold()
