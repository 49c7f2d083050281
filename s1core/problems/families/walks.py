"""Turns and walks: which way one faces, how far one is from the start, on which floor a lift is."""

from __future__ import annotations

import random

from s1core.problems.family import Family
from s1core.problems.problem import Draw, Problem
from s1core.problems.words import NAMES

COMPASS = ("north", "east", "south", "west")
TURNS = {"right": 1, "left": -1, "around": 2}
TURN_STARTS = (
    "You face {d}.",
    "{n} faces {d}.",
    "I look {d}.",
    "A robot faces {d}.",
    "{n} stands and looks {d}.",
    "A ship sails {d}.",
    "We walk {d}.",
    "The car is heading {d}.",
    "The arrow points {d}.",
    "At first {n} looks to the {d}.",
    "An ant is facing {d}.",
    "{n} rides a bike {d}.",
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
    ),
    "left": (
        "Turn left.",
        "Then comes a left turn.",
        "A turn to the left follows.",
        "Now turn left.",
        "Left turn.",
        "Next, turn to the left.",
        "Go left.",
    ),
    "around": (
        "Turn around.",
        "Then make a half turn.",
        "Turn back.",
        "Now turn all the way around to face backwards.",
    ),
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
    "Which way does that end up?",
    "What direction comes out?",
    "Toward which direction is it after these turns?",
)


class Walks(Family):
    """Turns: the state is a direction."""

    name = "walks"
    description = "which way you face after some turns"
    examples = ("You face north. Turn right. Turn right. Turn left. Which way is it now?",)
    fewest, most, glance_upto = 1, 7, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        facing = draw.pick(COMPASS)
        turns = [draw.pick(("right", "left", "right", "left", "around")) for _ in range(steps)]
        frame = draw.frame(TURN_STARTS)
        told = [frame.format(d=facing, n=draw.name(NAMES) if "{n}" in frame else "")]
        told += [draw.frame(TURN_MOVES[turn]) for turn in turns]
        return Problem(
            family=self.name,
            question=f"{' '.join(told)} {draw.frame(TURN_ASKS)}",
            key=f"{facing}:{' '.join(turns)}",
            frames=tuple(draw.frames),
            start=facing,
            opening=f"It starts {facing}.",
            items=tuple((turn,) for turn in turns),
        )

    def step(self, problem: Problem, state: str, index: int) -> str:
        return COMPASS[(COMPASS.index(state) + TURNS[problem.items[index][0]]) % 4]

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        turn = problem.items[index][0]
        return (
            f"Around from {before} is {after}." if turn == "around" else f"{turn.capitalize()} of {before} is {after}."
        )

    def guess(self, rng: random.Random, problem: Problem) -> str:
        return rng.choice(COMPASS)
