"""Scenes of the running count that belong to nobody: a table, a bus, a purse."""

from __future__ import annotations

from dataclasses import dataclass

from s1core.problems.english import agreeing, count, plural, sentence
from s1core.problems.problem import Draw
from s1core.problems.words import FOODS, NAMES, OBJECTS

LINKS = ("", "", "", "", "then ", "then ", "after that, ", "next, ", "later ")
ASIDES = (
    "It is a sunny day.",
    "{m} is {b} years old.",
    "The walk home takes {b} minutes.",
    "{m} likes {c} best.",
    "It is raining outside.",
    "{m} watches.",
    "The shop closes at {b} o'clock.",
    "There are {b} trees in the garden.",
    "The weather is nice.",
    "{m} has {b} brothers.",
)
"""Sentences that change nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A place or a measure with its own words."""

    things: tuple[str, ...]
    starts: tuple[str, ...]
    gains: tuple[str, ...]
    losses: tuple[str, ...]
    asks: tuple[str, ...]

    def tell(self, draw: Draw, start: int, changes: list[int]) -> tuple[list[str], str]:
        """The sentences of the story, and the question."""
        thing = draw.pick(self.things)
        told = [self._filled(draw, draw.frame(self.starts), thing, start)]
        pending = ""
        for change in changes:
            clause = self._filled(draw, draw.frame(self.gains if change > 0 else self.losses), thing, abs(change))
            if pending:
                told.append(f"{pending} and {clause}.")
                pending = ""
            elif draw.chance(0.25):
                pending = clause
            else:
                told.append(f"{draw.pick(LINKS)}{clause}.")
        if pending:
            told.append(f"{pending}.")
        return [sentence(text) for text in told], draw.frame(self.asks).format(t=plural(thing), one=thing)

    def _filled(self, draw: Draw, frame: str, thing: str, number: int) -> str:
        other = draw.name(NAMES) if "{m}" in frame else ""
        one = thing if number == 1 else plural(thing)
        return frame.format(a=number, at=count(number, thing), t1=one, t=plural(thing), m=other, **agreeing(number))


PLACES = (
    Scene(
        things=(*OBJECTS, *FOODS),
        starts=(
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
            "On a tray there are {at}.",
            "The kitchen has {at}.",
            "There were {at} in a bowl.",
        ),
        gains=(
            "{m} puts in {a} more",
            "{a} {t1} {is_} added",
            "{a} more come{s}",
            "{m} brings {a} more",
            "{a} new {t1} arrive{s}",
            "somebody adds {a}",
            "{a} more {is_} put there",
            "{m} adds {at}",
            "{a} more {is_} delivered",
            "{m} drops off another {a}",
            "{a} {is_} brought back",
            "we put {a} more with them",
        ),
        losses=(
            "{m} takes {a} away",
            "{a} {is_} used up",
            "{a} {t1} {is_} sold",
            "{a} of them break{s}",
            "{m} removes {a}",
            "{a} {is_} given away",
            "{a} get{s} lost",
            "{m} buys {a} of them",
            "{m} grabs {a}",
            "{a} {is_} thrown away",
            "{a} {is_} taken out",
            "we take {a} out",
        ),
        asks=(
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
            "How many {t} are still there?",
        ),
    ),
    Scene(
        things=("passenger", "person", "child", "tourist"),
        starts=(
            "A bus has {at}.",
            "There are {at} on a bus.",
            "{at} sit on a train.",
            "A train leaves with {at}.",
            "A boat carries {at}.",
            "{at} are in a room.",
            "A tram starts with {at}.",
            "{at} wait in a hall.",
            "The bus drives off with {at} on board.",
            "{at} are at a party.",
        ),
        gains=(
            "{a} more come{s} in",
            "{a} join{s}",
            "{a} get{s} on",
            "{a} more arrive{s}",
            "{a} new {t1} step{s} in",
            "another {a} come{s}",
            "{a} enter{s}",
            "{a} climb{s} aboard",
        ),
        losses=(
            "{a} leave{s}",
            "{a} get{s} off",
            "{a} go{es} away",
            "{a} go{es} home",
            "{a} {t1} step{s} out",
            "{a} of them leave{s}",
            "{a} say{s} goodbye and go{es}",
            "{a} walk{s} off",
        ),
        asks=(
            "How many {t} are there now?",
            "How many {t} are left?",
            "How many {t} are there in the end?",
            "How many {t} are still there?",
            "How many {t} does that make?",
            "How many {t} remain?",
            "What is the number of {t} now?",
            "Tell me how many {t} stay.",
            "So how many {t} are there?",
            "How many {t} would you count now?",
        ),
    ),
    Scene(
        things=("dollar",),
        starts=(
            "{m} has {at}.",
            "There are {at} in my purse.",
            "I have {at}.",
            "{m} saved {at}.",
            "A piggy bank holds {at}.",
            "In the bank there are {at}.",
            "We have {at} to spend.",
            "My account shows {at}.",
            "{m} got {at} for a birthday.",
            "You have {at}.",
        ),
        gains=(
            "{a} more {is_} earned",
            "a friend gives {a} more",
            "grandma adds {at}",
            "a job brings in {at}",
            "{a} {t1} come{s} in",
            "{at} {is_} paid in",
            "a gift adds {a} more",
            "selling old books brings {at}",
        ),
        losses=(
            "{at} {is_} spent on food",
            "a book costs {at}",
            "the bus ride costs {at}",
            "{a} {is_} spent",
            "lunch takes {at}",
            "{at} go{es} to charity",
            "{at} {is_} lost on the way",
            "a ticket for {at} is bought",
            "a toy takes another {at}",
        ),
        asks=(
            "How many {t} are left?",
            "How much money is left?",
            "How many {t} are there now?",
            "How much is it in the end?",
            "What is the amount now?",
            "How many {t} remain?",
            "How much money is that now?",
            "Tell me how many {t} are left.",
            "How much remains?",
            "What sum of money is left?",
        ),
    ),
)


def aside(draw: Draw) -> str:
    """A sentence that changes nothing, with a name that nobody else has."""
    frame = draw.frame(ASIDES)
    color = draw.pick(("red", "blue", "green", "yellow"))
    return frame.format(m=draw.name(NAMES) if "{m}" in frame else "", b=draw.number(2, 12), c=color)
