"""Turns and walks: which way one faces after turns, how far one is from the start, how far one has gone."""

from __future__ import annotations

import random

from s1core.problems.arithmetic import Arithmetic
from s1core.problems.english import count, sentence
from s1core.problems.problem import Draw, Item, Problem
from s1core.problems.subjects import Subject, draw_subject

COMPASS = ("north", "east", "south", "west")
TURNS = {"right": 1, "left": -1, "around": 2}
FACING = (
    "face {d}",
    "look {d}",
    "stand and look {d}",
    "walk {d}",
    "drive {d}",
    "start out {d}",
    "head {d}",
    "ride a bike {d}",
    "look to the {d}",
    "march {d}",
)
FACING_ALONE = (
    "A robot faces {d}.",
    "A ship sails {d}.",
    "The car is heading {d}.",
    "The arrow points {d}.",
    "An ant is facing {d}.",
    "A drone flies {d}.",
    "The weather vane points {d}.",
    "It starts facing {d}.",
)
TURN_MOVES = {
    "right": (
        "Turn right.",
        "Then comes a right turn.",
        "A turn to the right follows.",
        "Now turn right.",
        "Right turn.",
        "Next, turn to the right.",
        "Go right.",
        "Turn 90 degrees to the right.",
    ),
    "left": (
        "Turn left.",
        "Then comes a left turn.",
        "A turn to the left follows.",
        "Now turn left.",
        "Left turn.",
        "Next, turn to the left.",
        "Go left.",
        "Turn 90 degrees to the left.",
    ),
    "around": (
        "Turn around.",
        "Then make a half turn.",
        "Turn back.",
        "Now turn to face the other way.",
        "Do an about-face.",
        "Make a U-turn.",
    ),
}
OWN_TURNS = {
    "right": ("turn right", "make a right turn", "turn to the right", "go right"),
    "left": ("turn left", "make a left turn", "turn to the left", "go left"),
    "around": ("turn around", "make a half turn", "turn back", "make a U-turn"),
}
TURN_ASKS = (
    "Which direction is that now?",
    "Which way is it now?",
    "What is the direction at the end?",
    "In which direction does it go now?",
    "North, east, south or west: which is it now?",
    "What is the final direction?",
    "Where does it point in the end?",
    "Tell me the direction after that.",
    "Which compass direction is it then?",
    "What direction comes out?",
    "Toward which direction is it after these turns?",
    "What is the heading now?",
)
OWN_TURN_ASKS = (
    "Which way {does} {n} face now?",
    "In which direction {does} {he} look now?",
    "What direction {is_} {n} facing?",
    "Where {does} {n} look in the end?",
    "Which direction {does} {he} face at the end?",
    "Which way {is_} {he} facing now?",
    "Which compass direction {is_} {n} facing then?",
    "Tell me which way {n} {faces} now.",
    "What way {does} {he} go now?",
    "Toward which direction {does} {n} face after that?",
)
STEPS = (
    "walk {a} {d}",
    "go {a} {d}",
    "take {a} to the {d}",
    "move {a} {d}",
    "march {a} {d}",
    "run {a} {d}",
    "hop {a} {d}",
    "stroll {a} {d}",
)
BARE_STEPS = (
    "{A} {d}.",
    "Then {a} {d}.",
    "Go {a} {d}.",
    "Walk {a} {d}.",
    "Now {a} {d}.",
    "Move {a} {d}.",
    "Take {a} {d}.",
)
FAR_ASKS = (
    "How far {d} of the start {is_} {n} now?",
    "How many {u} {d} of the start {is_} {he}?",
    "How many {u} to the {d} {does} {n} end up?",
    "How far to the {d} {is_} {n} in the end?",
    "Seen from the start, how many {u} {d} {is_} {he}?",
    "By how many {u} {is_} {n} {d} of the first place?",
    "How many {u} {d} of where {he} began {is_} {n}?",
    "Where {is_} {he} now: how many {u} {d}?",
)
ALL_ASKS = (
    "How many {u} {does} {n} go in all?",
    "How many {u} is the whole way?",
    "How long is the walk in {u}?",
    "How many {u} {does} {he} walk altogether?",
    "What is the total distance in {u}?",
    "How many {u} is that in total?",
    "What is the length of the whole way?",
    "How far {does} {n} walk in total?",
)
_OPPOSITE = {"north": "south", "south": "north", "east": "west", "west": "east"}


class Walks(Arithmetic):
    """Turns, where the state is a direction; or steps, where it is a distance."""

    name = "walks"
    description = "which way you face after some turns, how far you are after some steps"
    examples = {
        "You face north. Turn right. Turn right. Turn left. Which way is it now?": "east",
        "Ann walks 5 steps north, 2 steps east and 3 steps south. How many steps north of the start is she?": "2",
    }
    fewest, most, glance_upto = 1, 7, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        return self._turns(draw, steps) if draw.chance(0.55) else self._steps(draw, min(steps, 6) + 1)

    def _turns(self, draw: Draw, steps: int) -> Problem:
        facing = draw.pick(COMPASS)
        turns = [draw.pick(("right", "left", "right", "left", "around")) for _ in range(steps)]
        if draw.chance(0.6):
            subject = draw_subject(draw)
            told = [subject.first(draw.frame(FACING).format(d=facing))]
            for turn in turns:
                clause = draw.frame(OWN_TURNS[turn])
                link = draw.pick(("", "", "then ", "next "))
                told.append(link + subject.does(clause, pronoun=draw.chance(0.7)))
            text = " ".join(f"{sentence(part)}." for part in told)
            slots = subject.slots() | {"faces": "faces" if subject.present == "third" else "face"}
            ask = draw.frame(OWN_TURN_ASKS).format(**slots)
        else:
            text = " ".join(
                [draw.frame(FACING_ALONE).format(d=facing), *(draw.frame(TURN_MOVES[turn]) for turn in turns)]
            )
            ask = draw.frame(TURN_ASKS)
        return Problem(
            family=self.name,
            question=f"{text} {ask}",
            key=f"{facing}:{' '.join(turns)}",
            frames=tuple(draw.frames),
            start=facing,
            opening=f"It starts {facing}.",
            items=tuple(("turn", turn) for turn in turns),
        )

    def _steps(self, draw: Draw, moves: int) -> Problem:
        ahead = draw.pick(COMPASS)
        whole = draw.chance(0.3)
        unit = draw.pick(("step", "step", "meter", "block", "mile"))
        subject = draw_subject(draw)
        walked = [(ahead, draw.number(2, 12))]
        at = walked[0][1]
        while len(walked) < moves:
            direction = draw.pick(COMPASS if whole else (ahead, _OPPOSITE[ahead], ahead, _OPPOSITE[ahead], *COMPASS))
            length = draw.number(1, 9)
            if direction == _OPPOSITE[ahead]:
                if at < 2:
                    continue
                length = min(length, at - 1)
                at -= length
            elif direction == ahead:
                at += length
            walked.append((direction, length))
        items, start = self._items(walked, ahead, whole=whole)
        asks = ALL_ASKS if whole else FAR_ASKS
        ask = draw.frame(asks).format(d=ahead, u=f"{unit}s", **subject.slots())
        return Problem(
            family=self.name,
            question=f"{self._story(draw, subject, walked, unit)} {sentence(ask)}",
            key=f"{whole} {' '.join(f'{direction}{length}' for direction, length in walked)}",
            frames=tuple(draw.frames),
            start=str(start),
            opening=f"It starts with {start}.",
            items=items,
            table={"numbers": "yes"},
        )

    def _items(self, walked: list[tuple[str, int]], ahead: str, *, whole: bool) -> tuple[tuple[Item, ...], int]:
        items: list[Item] = []
        for direction, length in walked[1:]:
            if whole or direction == ahead:
                items.append(("plus", "@", str(length)))
            elif direction == _OPPOSITE[ahead]:
                items.append(("minus", "@", str(length)))
            else:
                items.append(("skip", direction))
        return tuple(items), walked[0][1]

    def _story(self, draw: Draw, subject: Subject, walked: list[tuple[str, int]], unit: str) -> str:
        told: list[str] = []
        bare = draw.chance(0.35)
        for i, (direction, length) in enumerate(walked):
            size = count(length, unit)
            if bare and i:
                told.append(sentence(draw.frame(BARE_STEPS).format(a=size, A=size, d=direction)))
                continue
            clause = draw.frame(STEPS).format(a=size, d=direction)
            link = draw.pick(("", "", "then ", "next ")) if i else ""
            does = subject.does(clause, pronoun=draw.chance(0.7)) if i else subject.first(clause)
            told.append(f"{sentence(link + does)}.")
        return " ".join(told)

    def step(self, problem: Problem, state: str, index: int) -> str:
        kind, what = problem.items[index][:2]
        if kind == "turn":
            return COMPASS[(COMPASS.index(state) + TURNS[what]) % 4]
        if kind == "skip":
            return f"{state} {state.split()[-1]}"
        return super().step(problem, state, index)

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        kind, what = problem.items[index][:2]
        if kind == "turn":
            return (
                f"Around from {before} is {after}." if what == "around" else f"{sentence(what)} of {before} is {after}."
            )
        if kind == "skip":
            return f"{sentence(what)} does not count: {after.split()[-1]}."
        return super().write(problem, before, index, after)

    def guess(self, rng: random.Random, problem: Problem) -> str:
        return super().guess(rng, problem) if problem.table else rng.choice(COMPASS)

    def slip(self, rng: random.Random, problem: Problem, before: str, index: int) -> str:
        if not problem.table:
            return rng.choice(COMPASS)
        if problem.items[index][0] == "skip":
            return f"{before} {int(before.split()[-1]) + rng.randint(1, 9)}"
        return super().slip(rng, problem, before, index)
