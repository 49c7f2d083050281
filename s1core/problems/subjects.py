"""Who a story is about: a named person, I, you, we, or somebody such as my sister; verbs and pronouns agree."""

from __future__ import annotations

from dataclasses import dataclass

from s1core.problems.english import Tense, sentence, verb
from s1core.problems.problem import Draw
from s1core.problems.words import GIRLS, NAMES

SOMEBODY = (
    ("my sister", "she"),
    ("my brother", "he"),
    ("the teacher", "she"),
    ("a farmer", "he"),
    ("our neighbor", "he"),
    ("a girl", "she"),
    ("a boy", "he"),
    ("the baker", "he"),
    ("my friend", "she"),
    ("my grandmother", "she"),
    ("the coach", "he"),
    ("my uncle", "he"),
    ("a student", "she"),
)
_OTHER_FORMS = {
    "she": ("her", "her"),
    "he": ("his", "him"),
    "I": ("my", "me"),
    "you": ("your", "you"),
    "we": ("our", "us"),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody who does things."""

    who: str
    """As the first mention reads: `Ann`, `I`, `my sister`."""
    he: str
    """The pronoun of later mentions."""

    @property
    def his(self) -> str:
        """`her`, `my`."""
        return _OTHER_FORMS[self.he][0]

    @property
    def him(self) -> str:
        """`her`, `me`."""
        return _OTHER_FORMS[self.he][1]

    @property
    def present(self) -> Tense:
        """The form of its verbs in the present."""
        return "third" if self.he in ("she", "he") else "plain"

    @property
    def again(self) -> str:
        """How a question asks about it: `the farmer` after `a farmer`."""
        return f"the {self.who[2:]}" if self.who.startswith("a ") else self.who

    def first(self, clause: str, *, past: bool = False) -> str:
        """The first mention: `a farmer buys 2 eggs`."""
        return f"{self.who} {verb(clause, 'past' if past else self.present)}"

    def does(self, clause: str, *, past: bool = False, pronoun: bool = False) -> str:
        """`Ann buys 2 more`, `she bought 2 more`."""
        return f"{self.he if pronoun else self.again} {verb(clause, 'past' if past else self.present)}"

    def slots(self) -> dict[str, str]:
        """Slots of a question: `{n}`, `{he}`, `{his}`, `{him}`; `{does}`, `{has}` and `{did}` agree."""
        third = self.present == "third"
        return {
            "n": self.again,
            "N": sentence(self.again),
            "he": self.he,
            "his": self.his,
            "him": self.him,
            "does": "does" if third else "do",
            "has": "has" if third else "have",
            "is_": "is" if third else "am" if self.he == "I" else "are",
        }


def named(name: str) -> Subject:
    """A person by name."""
    return Subject(name, "she" if name in _GIRLS else "he")


def draw_subject(draw: Draw) -> Subject:
    """Mostly a name; else I, you, we or somebody."""
    kind = draw.rng.random()
    if kind < 0.55:
        return named(draw.name(NAMES))
    if kind < 0.85:
        pronoun = draw.pick(("I", "I", "you", "we"))
        return Subject(pronoun, pronoun)
    return Subject(*draw.pick(SOMEBODY))


_GIRLS = frozenset(GIRLS)
