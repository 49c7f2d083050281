"""Family relations: who is the mother of the father of somebody."""

from __future__ import annotations

import random

from s1core.problems.english import a, sentence
from s1core.problems.family import Family
from s1core.problems.problem import Draw, Problem
from s1core.problems.words import BOYS, GIRLS

GENDER = {
    "mother": GIRLS,
    "sister": GIRLS,
    "daughter": GIRLS,
    "wife": GIRLS,
    "father": BOYS,
    "brother": BOYS,
    "son": BOYS,
    "husband": BOYS,
}
INVERSE = {
    ("mother", "girl"): "daughter",
    ("mother", "boy"): "son",
    ("father", "girl"): "daughter",
    ("father", "boy"): "son",
    ("sister", "girl"): "sister",
    ("sister", "boy"): "brother",
    ("brother", "girl"): "sister",
    ("brother", "boy"): "brother",
    ("daughter", "girl"): "mother",
    ("daughter", "boy"): "father",
    ("son", "girl"): "mother",
    ("son", "boy"): "father",
    ("wife", "boy"): "husband",
    ("husband", "girl"): "wife",
}
NAMED = {
    ("mother", "mother"): "grandmother",
    ("father", "mother"): "grandmother",
    ("mother", "father"): "grandfather",
    ("father", "father"): "grandfather",
    ("mother", "sister"): "aunt",
    ("father", "sister"): "aunt",
    ("mother", "brother"): "uncle",
    ("father", "brother"): "uncle",
    ("sister", "daughter"): "niece",
    ("brother", "daughter"): "niece",
    ("sister", "son"): "nephew",
    ("brother", "son"): "nephew",
    ("husband", "mother"): "mother-in-law",
    ("wife", "mother"): "mother-in-law",
    ("husband", "father"): "father-in-law",
    ("wife", "father"): "father-in-law",
}
"""A path of two relations that has a name of its own."""
AFTER = {
    "mother": ("mother", "father", "sister", "brother"),
    "father": ("mother", "father", "sister", "brother"),
    "sister": ("daughter", "son", "husband"),
    "brother": ("daughter", "son", "wife"),
    "daughter": ("husband", "daughter", "son"),
    "son": ("wife", "daughter", "son"),
    "wife": ("mother", "father", "sister", "brother"),
    "husband": ("mother", "father", "sister", "brother"),
}
"""Which relation may follow on a path, so that no one is met twice."""
FACTS = (
    "{y} is {x}'s {r}.",
    "{y} is the {r} of {x}.",
    "{x}'s {r} is {y}.",
    "The {r} of {x} is {y}.",
    "{x} has a {r} named {y}.",
    "{x} has a {r} called {y}.",
)
ASKS = (
    "Who is {path}?",
    "What is the name of {path}?",
    "Who is {path}, by name?",
    "Tell me who {path} is.",
    "Name {path}.",
    "Which person is {path}?",
    "Can you tell who {path} is?",
    "So who is {path}?",
    "What is {path} called?",
    "What do we call {path} by first name?",
    "Find {path}.",
    "Give the name of {path}.",
    "I want to meet {path}. Who is that?",
    "Say who {path} is.",
)


NAMING_ASKS = (
    "What is {y} to {x}?",
    "How is {y} related to {x}?",
    "Which relation is {y} to {x}?",
    "In which way are they related: {y} is {x}'s what?",
    "What does {x} call {y}: mother, aunt, or what else?",
    "{y} is the what of {x}?",
    "Name the relation of {y} to {x}.",
    "What kind of relative is {y} to {x}?",
    "Which word says what {y} is to {x}?",
    "What would {x} call {y} in the family?",
    "{x} and {y} are family: what is {y} to {x}?",
    "Tell me what {y} is to {x}.",
)


class Kinship(Family):
    """The state is a person; each step follows one relation."""

    name = "kinship"
    description = "who is whose mother, brother, grandmother, uncle"
    examples = {
        "Mary is the mother of Sue. Sue is the mother of Ann. Who is Ann's grandmother?": "Mary",
        "Ann's brother is Tom. Tom's wife is Eva. Eva's father is Carl. Who is the father of the wife of Ann's brother?": "Carl",
    }
    fewest, most, glance_upto = 2, 5, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        first = draw.name(draw.pick((GIRLS, BOYS)))
        path = [draw.pick(("mother", "father", "sister", "brother"))]
        while len(path) < steps:
            path.append(draw.pick(AFTER[path[-1]]))
        people = [first, *(draw.name(GENDER[relation]) for relation in path)]
        told = [self._fact(draw, x, relation, y) for x, relation, y in zip(people, path, people[1:], strict=False)]
        for _ in range(draw.pick((0, 0, 1, 2))):
            relation = draw.pick(("mother", "father", "sister", "brother"))
            told.append(self._fact(draw, draw.name(GIRLS), relation, draw.name(GENDER[relation])))
        if draw.chance(0.5):
            draw.rng.shuffle(told)
        items = list(zip(path, people[1:], strict=True))
        named = NAMED.get((path[0], path[-1])) if len(path) == 2 else None
        if named and draw.chance(0.3):
            items.append(("named", named))
            ask = draw.frame(NAMING_ASKS).format(x=first, y=people[-1])
        else:
            ask = sentence(draw.frame(ASKS).format(path=self._path(draw, first, path)))
        return Problem(
            family=self.name,
            question=f"{' '.join(told)} {ask}",
            key=f"{len(items)} {'-'.join(path)}:{' '.join(people)}",
            frames=tuple(draw.frames),
            start=first,
            opening=f"Start with {first}.",
            items=tuple(items),
            table={"people": " ".join(people), "named": (named or "") if len(items) > len(path) else ""},
        )

    def _fact(self, draw: Draw, x: str, relation: str, y: str) -> str:
        if draw.chance(0.35):
            x, relation, y = y, INVERSE[relation, "girl" if x in GIRLS else "boy"], x
        return draw.frame(FACTS).format(x=x, r=relation, y=y)

    def _path(self, draw: Draw, first: str, path: list[str]) -> str:
        """`the mother of Ann's father`, with a name for two relations where English has one."""
        left = list(path)
        words: list[str] = []
        while left:
            named = NAMED.get((left[0], left[1])) if len(left) > 1 and draw.chance(0.6) else None
            words.append(named or left[0])
            del left[: 2 if named else 1]
        at = f"{first}'s {words[0]}"
        if len(words) == 1 and draw.chance(0.4):
            return f"the {words[0]} of {first}"
        for word in words[1:]:
            at = f"the {word} of {at}" if draw.chance(0.7) or at.startswith("the") else f"{at}'s {word}"
        return at

    def step(self, problem: Problem, state: str, index: int) -> str:
        return problem.items[index][1]

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        relation = problem.items[index][0]
        if relation == "named":
            first, second = (item[0] for item in problem.items[:2])
            return f"The {second} of a {first} is {a(after)}."
        return f"{before}'s {relation} is {after}."

    def guess(self, rng: random.Random, problem: Problem) -> str:
        if problem.table["named"]:
            return rng.choice(sorted(set(NAMED.values())))
        return rng.choice(problem.table["people"].split())

    def slips(self, problem: Problem) -> bool:
        return not problem.table["named"]
