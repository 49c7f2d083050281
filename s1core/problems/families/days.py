"""Days of the week: so many days later or earlier."""

from __future__ import annotations

import random

from s1core.problems.english import count
from s1core.problems.family import Family
from s1core.problems.problem import Draw, Problem
from s1core.problems.words import DAYS, NAMES

LATER = (
    "Today is {d}. Which day is it in {a}?",
    "It is {d}. What day comes {a} later?",
    "If today is {d}, what day will it be in {a}?",
    "What day of the week is {a} after {d}?",
    "{n} has a birthday {a} after {d}. On which day is it?",
    "Today is {d} and the trip starts in {a}. On what day does it start?",
    "Which weekday comes {a} after {d}?",
    "Count {a} on from {d}. Which day is that?",
    "It's {d} today. {a} from now, what day is it?",
    "On {d} {n} orders a book. It arrives {a} later. On which day does it arrive?",
    "Starting on {d}, {a} pass. What day is it then?",
    "The test is {a} after {d}. What day is the test?",
    "Tell me the day that is {a} after {d}.",
    "A holiday begins on {d}, and {a} later {n} goes home. On what day does {n} go home?",
    "What day will it be {a} after {d}?",
    "{n} leaves on {d} and is back {a} later. On which day is {n} back?",
)
EARLIER = (
    "Today is {d}. Which day was it {a} ago?",
    "If today is {d}, what day was {a} ago?",
    "What day of the week was {a} before {d}?",
    "It is {d}. What day was it {a} earlier?",
    "Which weekday comes {a} before {d}?",
    "Count {a} back from {d}. Which day is that?",
    "It's {d} today. {n} called {a} ago. On which day did {n} call?",
    "The letter came on {d}, {a} after it was sent. On what day was it sent?",
    "Tell me the day that is {a} before {d}.",
    "Today is {d}, and {a} ago it rained. On which day did it rain?",
    "The party is on {d}. {n} starts to bake {a} before. On what day is that?",
    "{a} ago {n} moved in. Today is {d}. On which day did {n} move in?",
)
SHIFTED = (
    ("Yesterday was {d}. Which day is it in {a}?", -1),
    ("Tomorrow is {d}. Which day was it {b} ago?", 1),
    ("If yesterday was {d}, what day will it be in {a}?", -1),
    ("Tomorrow will be {d}. What day of the week was it {b} ago?", 1),
)


class Days(Family):
    """The state is the day; every step goes on by one."""

    name = "days"
    description = "the day of the week some days later or earlier"
    examples = ("Today is Friday. Which day is it in 10 days?", "What day of the week was 4 days before Monday?")
    fewest, most, glance_upto = 1, 12, 3
    joiner = ", "
    cycle = DAYS
    unit = "day"

    def draw(self, draw: Draw, steps: int) -> Problem:
        day, back = draw.pick(self.cycle), draw.chance(0.35)
        sign = "-" if back else "+"
        question = draw.frame(EARLIER if back else LATER)
        return Problem(
            family=self.name,
            question=question.format(d=day, a=count(steps, self.unit), n=draw.name(NAMES)),
            key=f"{day}{sign}{steps}",
            frames=tuple(draw.frames),
            start=day,
            opening=f"Start at {day}.",
            items=tuple((sign, str(i)) for i in range(1, steps + 1)),
        )

    def step(self, problem: Problem, state: str, index: int) -> str:
        move = 1 if problem.items[index][0] == "+" else -1
        return self.cycle[(self.cycle.index(state) + move) % len(self.cycle)]

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        return f"{problem.items[index][1]} {after}"

    def guess(self, rng: random.Random, problem: Problem) -> str:
        return rng.choice(self.cycle)
