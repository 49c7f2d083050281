"""Who is the tallest: pairs are compared, and the one at an end is asked for, or the second."""

from __future__ import annotations

import random
from dataclasses import dataclass

from s1core.problems.family import Family
from s1core.problems.problem import Draw, Item, Problem
from s1core.problems.words import NAMES


@dataclass(frozen=True, slots=True)
class Scale:
    """One way to compare: `more` and `less` with `than`, and what the ends are called."""

    more: str
    less: str
    most: str
    least: str


SCALES = (
    Scale("taller than", "shorter than", "tallest", "shortest"),
    Scale("older than", "younger than", "oldest", "youngest"),
    Scale("faster than", "slower than", "fastest", "slowest"),
    Scale("heavier than", "lighter than", "heaviest", "lightest"),
    Scale("stronger than", "weaker than", "strongest", "weakest"),
    Scale("richer than", "poorer than", "richest", "poorest"),
    Scale("louder than", "quieter than", "loudest", "quietest"),
    Scale("happier than", "sadder than", "happiest", "saddest"),
)
FACTS = (
    "{x} is {r} {y}.",
    "{x} is {r} {y}.",
    "{x} is a bit {r} {y}.",
    "{x} is much {r} {y}.",
    "We know that {x} is {r} {y}.",
    "{x} happens to be {r} {y}.",
)
ASKS = (
    "Who is the {s}?",
    "Who is {s}?",
    "Which of them is the {s}?",
    "Who of them is {s}?",
    "Name the {s}.",
    "Who is the {s} of all?",
    "Tell me who is the {s}.",
    "Who would be called the {s}?",
    "Find the {s} person.",
    "Which person is the {s}?",
    "So who is the {s}?",
    "What is the name of the {s} one?",
    "Of these people, who is the {s}?",
    "Can you say who is {s}?",
)
SECOND_ASKS = (
    "Who is the second {s}?",
    "Who is second {s}?",
    "Which of them is the second {s}?",
    "Name the second {s}.",
    "Who comes second if the {s} is first?",
    "Who is the {s} after the very {s}?",
    "Find the second {s} person.",
    "Tell me who is the second {s}.",
)


class Ordering(Family):
    """The state is a person; each step climbs to the next one, up to the end that is asked for."""

    name = "ordering"
    description = "who is the tallest, oldest, fastest of some people, or the second"
    examples = (
        "Ann is taller than Bob. Carla is taller than Ann. Who is the tallest?",
        "Dan is older than Eva. Eva is older than Finn. Gina is older than Dan. Who is the second oldest?",
    )
    fewest, most, glance_upto = 2, 5, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        people = draw.names(steps + 1, NAMES)
        scale, up, second = draw.pick(SCALES), draw.chance(0.55), draw.chance(0.2)
        more, end = (scale.more, scale.most) if up else (scale.less, scale.least)
        less = scale.less if up else scale.more
        pairs = list(zip(people, people[1:], strict=False))
        draw.rng.shuffle(pairs)
        turned = 0.3 if draw.chance(0.6) else 0.0
        facts: list[str] = []
        for above, below in pairs:
            x, y, relation = (below, above, less) if draw.chance(turned) else (above, below, more)
            facts.append(draw.frame(FACTS).format(x=x, y=y, r=relation))
        ask = draw.frame(SECOND_ASKS if second else ASKS).format(s=end)
        question = f"{ask} {' '.join(facts)}" if draw.chance(0.12) else f"{' '.join(facts)} {ask}"
        climb = people[: people.index(pairs[0][1]) + 1][::-1]
        items: list[Item] = [("up", person) for person in climb[1:]]
        items.append(("top", people[0]))
        if second:
            items.append(("next", people[1]))
        return Problem(
            family=self.name,
            question=question,
            key=f"{end}:{' '.join(people)}",
            frames=tuple(draw.frames),
            start=climb[0],
            opening=f"Start with {climb[0]}.",
            items=tuple(items),
            table={"more": more, "less": less, "people": " ".join(people)},
            size=steps,
        )

    def step(self, problem: Problem, state: str, index: int) -> str:
        people, kind = problem.table["people"].split(), problem.items[index][0]
        at = people.index(state)
        return (
            people[max(0, at - 1)]
            if kind == "up"
            else people[min(at + 1, len(people) - 1)]
            if kind == "next"
            else state
        )

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        match problem.items[index][0]:
            case "up":
                return f"{after} is {problem.table['more']} {before}."
            case "top":
                return f"Nobody is {problem.table['more']} {before}."
            case _:
                return f"Next to {before} is {after}."

    def slip(self, rng: random.Random, problem: Problem, before: str, index: int) -> str:
        return rng.choice([person for person in problem.table["people"].split() if person != before])

    def guess(self, rng: random.Random, problem: Problem) -> str:
        return rng.choice(problem.table["people"].split())
