"""Ages: somebody's age, others older, younger or so many times as old; in some years, or some years ago."""

from __future__ import annotations

from s1core.problems.arithmetic import LAST, Arithmetic
from s1core.problems.english import count, in_words
from s1core.problems.problem import Draw, Item, Problem
from s1core.problems.words import NAMES

GIVEN = (
    "{x} is {v} years old.",
    "{x} is {v}.",
    "{x} just turned {v}.",
    "The age of {x} is {v}.",
    "{x} is now {v} years old.",
    "{x} has lived for {v} years.",
    "At the moment {x} is {v}.",
    "{x}, who is {v} years old, has many friends.",
    "We know that {x} is {v} years old.",
    "{x} celebrates birthday number {v} today.",
)
OLDER = (
    "{y} is {d} older than {x}.",
    "{y} is older than {x} by {d}.",
    "{x} is {d} younger than {y}.",
    "{y} was born {d} before {x}.",
    "{y} is {d} ahead of {x} in age.",
    "Compared with {x}, {y} is {d} older.",
    "{x} was born {d} after {y}.",
)
YOUNGER = (
    "{y} is {d} younger than {x}.",
    "{y} is younger than {x} by {d}.",
    "{x} is {d} older than {y}.",
    "{y} was born {d} after {x}.",
    "Compared with {x}, {y} is {d} younger.",
    "{x} was born {d} before {y}.",
)
TIMES = (
    "{y} is {k} as old as {x}.",
    "{y} has {k} the age of {x}.",
    "{y}'s age is {k} that of {x}.",
    "Compared with {x}, {y} is {k} as old.",
)
HALF = (
    "{y} is half as old as {x}.",
    "{y} has half the age of {x}.",
    "{y}'s age is half that of {x}.",
)
ASK_NOW = (
    "How old is {y}?",
    "What is the age of {y}?",
    "What is {y}'s age?",
    "How old is {y} now?",
    "Tell me how old {y} is.",
    "How many years old is {y}?",
    "Find the age of {y}.",
    "What age is {y}?",
    "Can you say how old {y} is?",
    "So how old is {y}?",
    "Work out {y}'s age.",
    "Of what age is {y}?",
)
ASK_LATER = (
    "How old will {y} be in {d}?",
    "What will {y}'s age be in {d}?",
    "In {d}, how old will {y} be?",
    "How old is {y} {d} from now?",
    "What age will {y} have in {d}?",
    "{y} waits {d}. How old is {y} then?",
)
ASK_EARLIER = (
    "How old was {y} {d} ago?",
    "What was {y}'s age {d} ago?",
    "{d} ago, how old was {y}?",
    "What age did {y} have {d} ago?",
    "How old was {y} {d} earlier?",
    "Tell me how old {y} was {d} ago.",
)
ASK_SUM = (
    "What is the sum of the ages of {x} and {y}?",
    "How old are {x} and {y} together?",
    "Add the ages of {x} and {y}. What do you get?",
    "How many years do {x} and {y} have together?",
    "What do the ages of {x} and {y} add up to?",
)


class Ages(Arithmetic):
    """One to five steps from a given age."""

    name = "ages"
    description = "how old somebody is, from the ages of others"
    examples = {
        "Ann is 12. Bob is 3 years older than Ann. How old is Bob?": "15",
        "Dan is 8 years old. Eva is twice as old as Dan. How old will Eva be in 5 years?": "21",
    }
    fewest, most, glance_upto = 1, 5, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        last = draw.pick(("now", "now", "shift", "sum")) if steps > 1 else draw.pick(("now", "shift"))
        relations = steps - (last != "now")
        people = draw.names(relations + 1, NAMES)
        value = draw.number(4, draw.pick((12, 30)))
        items: list[Item] = []
        told = [draw.frame(GIVEN).format(x=people[0], v=value)]
        first, values = str(value), [value]
        for x, y in zip(people, people[1:], strict=False):
            operation, by, frame, filled = _relation(draw, values[-1])
            told.append(frame.format(x=x, y=y, **filled))
            items.append((operation, LAST if items else first, str(by), y))
            values.append(
                {"plus": values[-1] + by, "minus": values[-1] - by, "times": values[-1] * by}.get(
                    operation, values[-1] // by
                )
            )
        if len(told) > 2 and draw.chance(0.4):
            draw.rng.shuffle(told)
        if draw.chance(0.12):
            told.insert(draw.number(0, len(told)), draw.frame(GIVEN).format(x=draw.name(NAMES), v=draw.number(5, 60)))
        ask = self._last(draw, last, people, values, items)
        return Problem(
            family=self.name,
            question=f"{' '.join(told)} {ask}",
            key=f"{value} {' '.join(''.join(item[:3]) for item in items)}",
            frames=tuple(draw.frames),
            start="",
            opening=f"{people[0]} is {value}.",
            items=tuple(items),
        )

    def _last(self, draw: Draw, last: str, people: list[str], values: list[int], items: list[Item]) -> str:
        y, left = people[-1], LAST if items else str(values[0])
        if last == "now":
            return draw.frame(ASK_NOW).format(y=y)
        if last == "sum":
            before = f"@{len(items) - 2}" if len(items) > 1 else str(values[0])
            items.append(("plus", before, LAST, "Together"))
            return draw.frame(ASK_SUM).format(x=people[-2], y=y)
        if values[-1] > 3 and draw.chance(0.4):
            by = draw.number(1, min(10, values[-1] - 1))
            items.append(("minus", left, str(by), y))
            frame = draw.frame(ASK_EARLIER)
        else:
            by = draw.number(2, 20)
            items.append(("plus", left, str(by), y))
            frame = draw.frame(ASK_LATER)
        return frame.format(y=y, d=count(by, "year"))

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        return f"{problem.items[index][3]}: {super().write(problem, before, index, after)}"


def _relation(draw: Draw, value: int) -> tuple[str, int, str, dict[str, str]]:
    """An operation, its number, and the sentence with what fills it."""
    kind = draw.rng.random()
    if kind < 0.15 and value <= 20:
        by = draw.pick((2, 2, 3, 4))
        word = "twice" if by == 2 else f"{in_words(by)} times"
        return "times", by, draw.frame(TIMES), {"k": word}
    if kind < 0.25 and value % 2 == 0 and value >= 6:
        return "over", 2, draw.frame(HALF), {}
    by = draw.number(1, 12)
    if value > 4 and draw.chance(0.5):
        by = draw.number(1, min(12, value - 2))
        return "minus", by, draw.frame(YOUNGER), {"d": count(by, "year")}
    return "plus", by, draw.frame(OLDER), {"d": count(by, "year")}
