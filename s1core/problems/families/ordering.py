"""Who is the tallest, who came first: pairs are compared, and the one at an end is asked for, or the second."""

from __future__ import annotations

import random
from dataclasses import dataclass

from s1core.problems.family import Family
from s1core.problems.problem import Draw, Item, Problem
from s1core.problems.words import NAMES


@dataclass(frozen=True, slots=True)
class Scale:
    """One way to compare: `Ann MORE Bob`, `Bob LESS Ann`, and what the ends are called."""

    more: str
    less: str
    most: str
    least: str
    degrees: tuple[str, ...] = ("", "", " a bit", " much", " clearly")


def _adjective(more: str, less: str, most: str, least: str) -> Scale:
    return Scale(f"is{{}} {more} than", f"is{{}} {less} than", most, least)


SCALES = (
    _adjective("taller", "shorter", "tallest", "shortest"),
    _adjective("older", "younger", "oldest", "youngest"),
    _adjective("faster", "slower", "fastest", "slowest"),
    _adjective("heavier", "lighter", "heaviest", "lightest"),
    _adjective("stronger", "weaker", "strongest", "weakest"),
    _adjective("richer", "poorer", "richest", "poorest"),
    _adjective("louder", "quieter", "loudest", "quietest"),
    _adjective("happier", "sadder", "happiest", "saddest"),
    _adjective("bigger", "smaller", "biggest", "smallest"),
)
RACES = (
    Scale("finished before", "finished after", "first", "last"),
    Scale("arrived before", "arrived after", "first", "last"),
    Scale("came in ahead of", "came in behind", "first", "last"),
    Scale("got up earlier than", "got up later than", "first", "last"),
    Scale("was ahead of", "was behind", "first", "last"),
)
FACTS = (
    "{x} {r} {y}.",
    "We know that {x} {r} {y}.",
    "It is clear that {x} {r} {y}.",
    "Everyone can see that {x} {r} {y}.",
    "They say {x} {r} {y}.",
    "As it turns out, {x} {r} {y}.",
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
    "Only one is beyond the second {s}. Who is the second {s}?",
    "Find the second {s} person.",
    "Tell me who is the second {s}.",
)
RACE_ASKS = (
    "Who was {s}?",
    "Who came {s}?",
    "Which of them was {s}?",
    "Tell me who was {s}.",
    "Who was the {s} one?",
    "Who of them came {s}?",
    "Name the one who was {s}.",
    "So who was {s}?",
    "Can you say who came {s}?",
    "Which person was {s}?",
)
RACE_SECOND_ASKS = (
    "Who was second {s}?",
    "Who came right {side} the {s} one?",
    "Which of them was just {side} the {s}?",
    "Name the one right {side} the {s}.",
    "Who was next to the {s}?",
)


class Ordering(Family):
    """The state is a person; each step climbs to the next one, up to the end that is asked for."""

    name = "ordering"
    description = "who is the tallest, oldest, fastest of some people, or the second"
    examples = {
        "Ann is taller than Bob. Carla is taller than Ann. Who is the tallest?": "Carla",
        "Dan is older than Eva. Eva is older than Finn. Gina is older than Dan. Who is the second oldest?": "Dan",
    }
    fewest, most, glance_upto = 2, 5, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        people = draw.names(steps + 1, NAMES)
        race = draw.chance(0.2)
        scale, up, second = draw.pick(RACES if race else SCALES), draw.chance(0.55), draw.chance(0.2)
        more, less, end = (scale.more, scale.less, scale.most) if up else (scale.less, scale.more, scale.least)
        pairs = list(zip(people, people[1:], strict=False))
        if draw.chance(0.75):
            draw.rng.shuffle(pairs)
        turned = 0.3 if draw.chance(0.6) else 0.0
        facts: list[str] = []
        for above, below in pairs:
            x, y, relation = (below, above, less) if draw.chance(turned) else (above, below, more)
            degree = draw.pick(scale.degrees) if draw.chance(0.4) else ""
            frame = draw.frame(FACTS) if draw.chance(0.3) else FACTS[0]
            facts.append(frame.format(x=x, y=y, r=relation.format(degree)))
        asks = (RACE_SECOND_ASKS if second else RACE_ASKS) if race else (SECOND_ASKS if second else ASKS)
        ask = draw.frame(asks).format(s=end, side="behind" if up else "before")
        climb = people[: people.index(pairs[0][1]) + 1][::-1]
        items: list[Item] = [("up", person) for person in climb[1:]]
        items.append(("top", people[0]))
        if second:
            items.append(("next", people[1]))
        return Problem(
            family=self.name,
            question=f"{ask} {' '.join(facts)}" if draw.chance(0.12) else f"{' '.join(facts)} {ask}",
            key=f"{scale.more}:{end}:{' '.join(people)}",
            frames=tuple(draw.frames),
            start=climb[0],
            opening=f"Start with {climb[0]}.",
            items=tuple(items),
            table={"more": more.format(""), "people": " ".join(people)},
            size=steps,
        )

    def step(self, problem: Problem, state: str, index: int) -> str:
        people, kind = problem.table["people"].split(), problem.items[index][0]
        at = people.index(state)
        if kind == "up":
            return people[max(0, at - 1)]
        return people[min(at + 1, len(people) - 1)] if kind == "next" else state

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        match problem.items[index][0]:
            case "up":
                return f"{after} {problem.table['more']} {before}."
            case "top":
                return f"Nobody {problem.table['more']} {before}."
            case _:
                return f"{before} {problem.table['more']} {after}."

    def slip(self, rng: random.Random, problem: Problem, before: str, index: int) -> str:
        return rng.choice([person for person in problem.table["people"].split() if person != before])

    def guess(self, rng: random.Random, problem: Problem) -> str:
        return rng.choice(problem.table["people"].split())
