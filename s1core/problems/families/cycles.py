"""Days of the week and months of the year: so many later or earlier."""

from __future__ import annotations

import random
from typing import ClassVar

from s1core.problems.english import agreeing, count, sentence
from s1core.problems.family import Family
from s1core.problems.problem import Draw, Item, Problem
from s1core.problems.words import DAYS, MONTHS, NAMES

Shift = tuple[str, int]
"""A phrasing, and how many steps its words stand for."""


class Cycle(Family):
    """The state is a day or a month; every step goes on, or back, by one."""

    cycle: ClassVar[tuple[str, ...]]
    unit: ClassVar[str]
    later: ClassVar[tuple[str, ...]]
    earlier: ClassVar[tuple[str, ...]]
    fixed: ClassVar[tuple[Shift, ...]]
    """Phrasings without a number: `the day after tomorrow`."""
    joiner = ", "

    def draw(self, draw: Draw, steps: int) -> Problem:
        first, back = draw.pick(self.cycle), draw.chance(0.35)
        move, frame, items = steps, "", list[Item]()
        if steps <= 3 and draw.chance(0.5):
            same = [frame for frame, shift in self.fixed if abs(shift) == steps]
            frame = draw.frame(same)
            back = dict(self.fixed)[frame] < 0
        elif steps == self.most and draw.chance(0.6):
            # Longer than a cycle: whole cycles are left out first.
            steps = draw.number(steps + 1, 6 * len(self.cycle) - 1)
            whole = steps // len(self.cycle) * len(self.cycle)
            move = steps - whole
            items.append(("without", str(steps), str(whole)))
        frame = frame or draw.frame(self.earlier if back else self.later)
        name = draw.name(NAMES) if "{n}" in frame else ""
        length, sign = count(steps, self.unit), "-" if back else "+"
        question = frame.format(d=first, a=length, A=length, n=name, **agreeing(steps))
        return Problem(
            family=self.name,
            question=sentence(question),
            key=f"{first}{sign}{steps}",
            frames=tuple(draw.frames),
            start=first,
            opening=f"Start at {first}.",
            items=(*items, *((sign, str(i)) for i in range(1, move + 1))),
            size=steps,
        )

    def step(self, problem: Problem, state: str, index: int) -> str:
        move = {"+": 1, "-": -1, "without": 0}[problem.items[index][0]]
        return self.cycle[(self.cycle.index(state) + move) % len(self.cycle)]

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        kind, number = problem.items[index][:2]
        if kind == "without":
            whole = problem.items[index][2]
            return f"{number} minus {whole} is {int(number) - int(whole)}"
        return f"{number} {after}"

    def guess(self, rng: random.Random, problem: Problem) -> str:
        return rng.choice(self.cycle)


class Days(Cycle):
    """Days of the week."""

    name = "days"
    description = "the day of the week some days later or earlier"
    examples = {
        "Today is Friday. Which day is it in 10 days?": "Monday",
        "What day of the week was 4 days before Monday?": "Thursday",
    }
    fewest, most, glance_upto = 1, 12, 3
    cycle = DAYS
    unit = "day"
    later = (
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
        "Starting on {d}, {a} go{es} by. What day is it then?",
        "The test is {a} after {d}. What day is the test?",
        "Tell me the day that is {a} after {d}.",
        "A holiday begins on {d}, and {a} later {n} goes home. On what day does {n} go home?",
        "What day will it be {a} after {d}?",
        "{n} leaves on {d} and is back {a} later. On which day is {n} back?",
        "I water my plants on {d}, and then {a} after that. What day is the second time?",
        "What is {a} after {d}?",
        "{d} plus {a}: which day is it?",
        "My train goes {a} after {d}. What day do I travel?",
    )
    earlier = (
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
        "{A} ago {n} moved in. Today is {d}. On which day did {n} move in?",
        "What is {a} before {d}?",
        "I lost my key {a} ago and today is {d}. What day did I lose it?",
    )
    fixed = (
        ("Today is {d}. What day is tomorrow?", 1),
        ("If today is {d}, what day comes next?", 1),
        ("Which day comes right after {d}?", 1),
        ("Today is {d}. What day was yesterday?", -1),
        ("Which day comes right before {d}?", -1),
        ("If yesterday was {d}, what day is today?", 1),
        ("Tomorrow is {d}. What day is it today?", -1),
        ("Today is {d}. What day is the day after tomorrow?", 2),
        ("If yesterday was {d}, what day is tomorrow?", 2),
        ("If tomorrow is {d}, what day was yesterday?", -2),
        ("Today is {d}. What day was the day before yesterday?", -2),
        ("The day before yesterday was {d}. What day is today?", 2),
        ("The day before yesterday was {d}. What day is tomorrow?", 3),
        ("If the day after tomorrow is {d}, what day was yesterday?", -3),
        ("Yesterday was {d}. What day is the day after tomorrow?", 3),
    )


class Months(Cycle):
    """Months of the year."""

    name = "months"
    description = "the month some months later or earlier"
    examples = {
        "It is October. Which month is it in 5 months?": "March",
        "What month was 3 months before February?": "November",
    }
    fewest, most, glance_upto = 1, 11, 3
    cycle = MONTHS
    unit = "month"
    later = (
        "It is {d}. Which month is it in {a}?",
        "What month comes {a} after {d}?",
        "If it is {d} now, what month will it be in {a}?",
        "{n} was born {a} after {d}. In which month was {n} born?",
        "A course starts in {d} and lasts {a}. In which month does it end?",
        "The baby is due in {a}. It is {d}. In which month is it due?",
        "Count {a} on from {d}. Which month is that?",
        "We move {a} after {d}. In what month do we move?",
        "Starting in {d}, {a} go{es} by. What month is it then?",
        "Tell me the month that is {a} after {d}.",
        "{n} plants a tree in {d} and waters it for {a}. In which month does {n} stop?",
        "In {d} {n} starts to save money. {a} later {n} buys a bike. In what month is that?",
        "What is {a} after {d}?",
        "The school year begins in {d}. Which month is it {a} later?",
        "This month is {d}. {a} from now, which month is it?",
        "Which month follows {a} after {d}?",
    )
    earlier = (
        "It is {d}. Which month was it {a} ago?",
        "What month comes {a} before {d}?",
        "If it is {d} now, what month was it {a} ago?",
        "Count {a} back from {d}. Which month is that?",
        "{n} moved here {a} ago. It is {d}. In which month did {n} move here?",
        "The trip is in {d}. {n} booked it {a} before. In what month was that?",
        "Tell me the month that is {a} before {d}.",
        "A work of {a} was done in {d}. In which month did it start?",
        "What was the month {a} before {d}?",
        "This month is {d}. {a} earlier, which month was it?",
        "Which month lies {a} before {d}?",
        "We met {a} ago, and now it is {d}. In what month did we meet?",
    )
    fixed = (
        ("Which month comes right after {d}?", 1),
        ("It is {d}. What is next month?", 1),
        ("It is {d}. What was last month?", -1),
        ("Which month comes right before {d}?", -1),
        ("Last month was {d}. What month is it now?", 1),
        ("Next month is {d}. What month is it now?", -1),
        ("Last month was {d}. What is next month?", 2),
        ("Next month is {d}. What was last month?", -2),
        ("Which month comes two after {d}?", 2),
        ("Which month comes two before {d}?", -2),
        ("Which month comes three after {d}?", 3),
        ("Which month comes three before {d}?", -3),
    )
