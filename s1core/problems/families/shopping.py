"""A running count of things: someone has some, gets more, gives some away."""

from __future__ import annotations

from s1core.problems.arithmetic import Arithmetic, running
from s1core.problems.english import count, sentence, verb_slots
from s1core.problems.problem import Draw, Problem
from s1core.problems.words import NAMES, THINGS, pronouns, thing_slots

OWNER_STARTS = (
    "{n} has {at}.",
    "{n} starts with {at}.",
    "At first {n} owns {at}.",
    "In the morning {n} has {at}.",
    "{n} brought {at} to school.",
    "{n} collected {at}.",
    "There are {at} in {n}'s bag.",
    "{n} buys {at}.",
    "{n} keeps {at} in a box.",
    "On Monday {n} had {at}.",
    "{n} found {at} in the attic.",
    "{n}'s basket holds {at}.",
    "{n} begins the day with {at}.",
    "{n} got {at} as a present.",
    "{n} counts {at} at home.",
)
OWNER_GAINS = (
    "{m} gives {him} {a} more.",
    "{n} finds {a} more.",
    "{n} buys {a} more.",
    "{n} gets {a} from {m}.",
    "Then {he} wins {a}.",
    "{m} hands {him} another {a}.",
    "After that {he} picks up {a} more.",
    "{His} aunt sends {him} {a}.",
    "{n} receives {at} from {m}.",
    "Later {he} gets {a} more.",
    "{He} is given {a} by {m}.",
    "Next, {n} collects {a} more.",
    "{He} adds {a} to them.",
)
OWNER_LOSES = (
    "{n} gives {a} to {m}.",
    "{n} loses {a}.",
    "{m} takes {a} away.",
    "Then {he} sells {a}.",
    "{n} gives away {a}.",
    "{He} hands {a} over to {m}.",
    "{He} uses {a}.",
    "After that {he} drops {a} and cannot find {them} again.",
    "{m} borrows {a} from {n}.",
    "{n} throws {a} out.",
    "Later {a} {is_} stolen.",
    "{m} gets {a} of them.",
    "{n} leaves {a} at school.",
)
OWNER_ASKS = (
    "How many {t} does {n} have now?",
    "How many {t} are left?",
    "How many {t} does {n} have in the end?",
    "How many does {he} have now?",
    "What is the number of {t} that {n} has now?",
    "How many {t} does that make?",
    "Count the {t} that {n} has.",
    "How many {t} does {he} end up with?",
    "Tell me how many {t} {n} has at the end.",
    "How many {t} has {n} got now?",
    "With how many {t} does {n} finish?",
    "How many {t} remain with {n}?",
    "Now how many {t} does {n} own?",
)
PLACE_STARTS = (
    "There are {at} on the table.",
    "A box holds {at}.",
    "This morning there were {at} in the shop.",
    "A bag contains {at}.",
    "The shelf has {at} on it.",
    "We start with {at}.",
    "{at} are in the basket.",
    "In the drawer lie {at}.",
    "A jar is filled with {at}.",
    "The store had {at}.",
    "I have {at}.",
    "On a tray there are {at}.",
)
PLACE_GAINS = (
    "{m} puts in {a} more.",
    "Then {a} {t1} {is_} added.",
    "After that {a} more come{s}.",
    "{m} brings {a} more.",
    "{a} new {t1} arrive{s}.",
    "Somebody adds {a}.",
    "{a} more {is_} put there.",
    "Then {m} adds {at}.",
    "Later {a} more {is_} delivered.",
    "{m} drops off another {a}.",
    "Next come {a} more.",
    "{a} {is_} brought back.",
)
PLACE_LOSSES = (
    "{m} takes {a} away.",
    "Then {a} {is_} used up.",
    "{a} {t1} {is_} sold.",
    "{a} of them break{s}.",
    "{m} removes {a}.",
    "After that {a} {is_} given away.",
    "{a} get{s} lost.",
    "{m} buys {a} of them.",
    "Then {m} grabs {a}.",
    "{a} {is_} thrown away.",
    "Later {a} {is_} taken out.",
    "{m} carries {a} off.",
)
PLACE_ASKS = (
    "How many {t} are there now?",
    "How many {t} are left?",
    "How many are there in the end?",
    "What is the count now?",
    "How many {t} does that make?",
    "How many {t} remain?",
    "How many {t} are there at the end?",
    "Tell me how many {t} there are now.",
    "What number of {t} is left?",
    "So how many {t} are there?",
    "Count the {t} that are left.",
    "How many {t} would you find there now?",
)
ASIDES = (
    "It is a sunny day.",
    "{m} is {b} years old.",
    "The walk home takes {b} minutes.",
    "{m} likes {c} best.",
    "It is raining outside.",
    "{m} watches.",
    "The shop closes at {b} o'clock.",
    "There are {b} trees in the garden.",
)
"""Sentences that change nothing."""


class Shopping(Arithmetic):
    """A running count with two to six changes."""

    name = "shopping"
    description = "how many things are left after some come and some go"
    examples = (
        "Ann has 14 apples. Bob gives her 5 more. She sells 3. How many apples does Ann have now?",
        "There are 20 eggs on the table. 4 of them break. Tim brings 6 more. How many eggs are there now?",
    )
    fewest, most, glance_upto = 1, 6, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        start = draw.number(3, draw.pick((12, 30, 50)))
        changes, value = list[int](), start
        for _ in range(steps):
            down = value > 4 and draw.chance(0.5)
            change = (
                -draw.number(1, min(value - 1, draw.pick((5, 9, 15))))
                if down
                else draw.number(1, draw.pick((6, 12, 20)))
            )
            changes.append(change)
            value += change
        return Problem(
            family=self.name,
            question=self._story(draw, start, changes),
            key=f"{start}{''.join(f'{change:+d}' for change in changes)}",
            frames=tuple(draw.frames),
            start="",
            opening=f"It starts with {start}.",
            items=running(start, changes),
        )

    def _story(self, draw: Draw, start: int, changes: list[int]) -> str:
        thing, owner = draw.pick(THINGS), draw.name(NAMES)
        owned = draw.chance(0.6)
        starts, gains, losses, asks = (
            (OWNER_STARTS, OWNER_GAINS, OWNER_LOSES, OWNER_ASKS)
            if owned
            else (PLACE_STARTS, PLACE_GAINS, PLACE_LOSSES, PLACE_ASKS)
        )
        slots = {"n": owner, **pronouns(owner), **thing_slots(thing)}
        sentences = [sentence(draw.frame(starts).format(at=count(start, thing), **slots))]
        for change in changes:
            size = abs(change)
            frame = draw.frame(gains if change > 0 else losses)
            other = draw.name(NAMES) if "{m}" in frame else ""
            singular = thing if size == 1 else slots["t"]
            told = frame.format(a=size, at=count(size, thing), t1=singular, m=other, **slots, **verb_slots(size))
            sentences.append(sentence(told))
        ask = draw.frame(asks).format(**slots)
        if draw.chance(0.15):
            sentences.insert(draw.number(1, len(sentences)), aside(draw))
        if draw.chance(0.12):
            return f"{ask} {' '.join(sentences)}"
        return f"{' '.join(sentences)} {ask}"


def aside(draw: Draw) -> str:
    """A sentence that changes nothing, with a name that nobody else has."""
    frame = draw.frame(ASIDES)
    color = draw.pick(("red", "blue", "green", "yellow"))
    return frame.format(m=draw.name(NAMES) if "{m}" in frame else "", b=draw.number(2, 12), c=color)
