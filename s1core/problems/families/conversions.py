"""Units: hours and minutes, dozens, metres and centimetres, weeks and days; then added."""

from __future__ import annotations

from dataclasses import dataclass

from s1core.problems.arithmetic import LAST, Arithmetic
from s1core.problems.english import count, plural, sentence
from s1core.problems.problem import Draw, Item, Problem
from s1core.problems.words import NAMES


@dataclass(frozen=True, slots=True)
class Unit:
    """How many small units are one large unit."""

    large: str
    small: str
    factor: int
    most: int
    does: tuple[str, ...]
    """What is so long, so much or so many: `{n} reads for {q}`, with `q` a quantity such as `2 hours`."""


_TIME = (
    "{n} reads for {q}",
    "the film lasts {q}",
    "{n} waits {q}",
    "the trip takes {q}",
    "{n} plays {q}",
    "the meeting goes on for {q}",
    "a break of {q} follows",
)
_LENGTH = (
    "one rope is {q} long",
    "a board measures {q}",
    "{n} needs {q} of string",
    "a ribbon is {q} long",
    "{n} cuts {q} of paper",
    "the plant grows {q}",
    "a stick is {q} long",
)
_WAYS = (
    *_LENGTH,
    "{n} walks {q}",
    "the wall is {q} long",
    "the fence goes on for {q}",
    "{n} jumps {q}",
)
_LONG_TIME = (
    "the holiday lasts {q}",
    "{n} travels for {q}",
    "{n} stays {q}",
    "the course takes {q}",
    "the work goes on for {q}",
    "{n} waits {q} for a letter",
)
_MONEY = (
    "{n} has {q}",
    "a toy costs {q}",
    "{n} saves {q}",
    "the ticket is {q}",
    "{n} finds {q}",
    "{n} pays {q}",
)
_WEIGHT = (
    "one bag weighs {q}",
    "{n} buys {q} of rice",
    "the parcel is {q} heavy",
    "{n} carries {q}",
    "a box of {q} comes",
)
_EGGS = ("{n} buys {q}", "the baker needs {q}", "{n} boils {q}", "a hen lays {q}", "the shop sells {q}")
UNITS = (
    Unit("hour", "minute", 60, 9, _TIME),
    Unit("minute", "second", 60, 9, _TIME),
    Unit("day", "hour", 24, 5, _LONG_TIME),
    Unit("week", "day", 7, 12, _LONG_TIME),
    Unit("year", "month", 12, 9, _LONG_TIME),
    Unit("meter", "centimeter", 100, 9, _WAYS),
    Unit("foot", "inch", 12, 9, _WAYS),
    Unit("yard", "foot", 3, 12, _WAYS),
    Unit("centimeter", "millimeter", 10, 12, _LENGTH),
    Unit("dollar", "cent", 100, 9, _MONEY),
    Unit("euro", "cent", 100, 9, _MONEY),
    Unit("dime", "cent", 10, 12, _MONEY),
    Unit("pound", "ounce", 16, 5, _WEIGHT),
    Unit("dozen eggs", "egg", 12, 9, _EGGS),
)
ASK_ONE = (
    "How many {s} are {q}?",
    "How many {s} are in {q}?",
    "Convert {q} to {s}.",
    "What is {q} in {s}?",
    "How many {s} make {q}?",
    "{q}: how many {s} is that?",
    "Write {q} in {s}.",
    "Change {q} into {s}.",
    "I have {q}. How many {s} is that?",
    "Express {q} in {s}.",
    "{q} is how many {s}?",
    "How many {s} do you get from {q}?",
    "Turn {q} into {s}.",
    "Tell me {q} in {s}.",
)
ASK_BACK = (
    "How many {l} are {q}?",
    "Convert {q} to {l}.",
    "What is {q} in {l}?",
    "How many {l} do {q} make?",
    "{q}: how many {l} is that?",
    "Write {q} in {l}.",
    "{q} is how many {l}?",
    "Change {q} into {l}.",
    "Express {q} in {l}.",
    "How many full {l} are in {q}?",
    "Turn {q} into {l}.",
    "Tell me {q} in {l}.",
)
ASK_SUM = (
    "How many {s} is that in all?",
    "How many {s} are that together?",
    "What is the total in {s}?",
    "How many {s} does that make?",
    "Give the sum in {s}.",
    "How much is that in {s}?",
    "How many {s} altogether?",
    "Add it all up in {s}.",
    "What do we get in {s}?",
    "So how many {s} is that?",
    "Tell me the total number of {s}.",
    "How many {s} in total?",
)


class Conversions(Arithmetic):
    """One to five steps: a quantity in smaller units, and others added to it."""

    name = "conversions"
    description = "quantities in other units, and their sums"
    examples = {
        "How many minutes are 2 hours and 15 minutes?": "135",
        "How many weeks are 21 days?": "3",
    }
    fewest, most, glance_upto = 1, 5, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        unit = draw.pick(UNITS)
        if steps == 1 and unit.large != "dozen eggs" and draw.chance(0.35):
            number = draw.number(1, unit.most)
            small = count(number * unit.factor, unit.small)
            question = draw.frame(ASK_BACK).format(l=plural(unit.large), q=small)
            return self._problem(draw, unit, sentence(question), [("up", str(number * unit.factor))])
        # Pairs of a large and a small part; the last pair may lack its small part.
        items: list[Item] = []
        quantities: list[str] = []
        largest = (950 // (1 + steps // 2) - 50) // unit.factor if unit.factor > 24 else 9 if steps < 3 else 4
        while len(items) < steps:
            number = draw.number(1, min(unit.most, largest))
            items.append(("down", str(number)))
            quantity, last = count(number, unit.large), len(items) - 1
            if quantities:
                items.append(("plus", f"@{last - 1}", LAST))
            if len(items) < steps and (not quantities or draw.chance(0.7)):
                rest = draw.number(1, min(unit.factor - 1, 50) if unit.factor > 3 else 2)
                quantity = f"{quantity} and {count(rest, unit.small)}"
                items.append(("plus", LAST, str(rest)))
            quantities.append(quantity)
        return self._problem(draw, unit, self._question(draw, unit, quantities), items)

    def _question(self, draw: Draw, unit: Unit, quantities: list[str]) -> str:
        small = plural(unit.small)
        if len(quantities) == 1 and draw.chance(0.8):
            return sentence(draw.frame(ASK_ONE).format(s=small, q=quantities[0]))
        if len(quantities) > 1 and draw.chance(0.25):
            ask = draw.frame(ASK_SUM).format(s=small)
            return f"{' plus '.join(quantities)}: {ask[0].lower()}{ask[1:]}"
        told: list[str] = []
        for quantity, frame in zip(quantities, draw.distinct(unit.does, len(quantities)), strict=True):
            told.append(frame.format(q=quantity, n=draw.name(NAMES) if "{n}" in frame else ""))
        return f"{' '.join(f'{sentence(text)}.' for text in told)} {draw.frame(ASK_SUM).format(s=small)}"

    def _problem(self, draw: Draw, unit: Unit, question: str, items: list[Item]) -> Problem:
        return Problem(
            family=self.name,
            question=question,
            key=f"{unit.large}>{unit.small}:{' '.join(''.join(item) for item in items)}",
            frames=tuple(draw.frames),
            start="",
            opening="",
            items=tuple(items),
            table={"large": unit.large, "small": unit.small, "factor": str(unit.factor)},
        )

    def step(self, problem: Problem, state: str, index: int) -> str:
        kind, number = problem.items[index][:2]
        factor = int(problem.table["factor"])
        if kind == "down":
            return f"{state} {int(number) * factor}".strip()
        return f"{state} {int(number) // factor}".strip() if kind == "up" else super().step(problem, state, index)

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        kind, number = problem.items[index][:2]
        if kind not in ("down", "up"):
            return super().write(problem, before, index, after)
        units = (problem.table["large"], problem.table["small"])
        given, wanted = units if kind == "down" else units[::-1]
        verb = "is" if int(number) == 1 else "are"
        return f"{count(int(number), given)} {verb} {count(int(after.split()[-1]), wanted)}."
