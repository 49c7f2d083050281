"""Hours on a twelve-hour clock."""

from __future__ import annotations

import random

from s1core.problems.english import count, sentence
from s1core.problems.family import Family
from s1core.problems.problem import Draw, Problem
from s1core.problems.words import NAMES

STARTS = (
    "It is {h} o'clock.",
    "The clock shows {h}.",
    "{n} starts at {h} o'clock.",
    "It's {h} o'clock now.",
    "A trip begins at {h} o'clock.",
    "The time is {h} o'clock.",
    "A train leaves at {h} o'clock.",
    "At {h} o'clock {n} gets up.",
    "The party starts at {h} o'clock.",
    "The clock on the wall says {h}.",
    "{n} leaves home at {h} o'clock.",
    "My watch says {h} o'clock.",
    "{n} looks at the clock: it is {h}.",
    "A film begins at {h} o'clock.",
)
LATER = (
    "{n} works for {a}.",
    "Then {n} sleeps {a}.",
    "The ride takes {a}.",
    "{A} pass{es}.",
    "We wait {a}.",
    "After that, {m} more {hours} go{es} by.",
    "{n} reads for {a}.",
    "Then {a} go{es} by.",
    "The next part lasts {a}.",
    "Add {a}.",
    "Then comes a break of {a}.",
    "{n} plays for another {m} {hours}.",
    "It takes {m} more {hours}.",
    "Now {a} pass{es}.",
)
EARLIER = (
    "Go back {a}.",
    "Turn the clock back {a}.",
    "Then take away {a}.",
    "Now set it {a} back.",
    "Move the hand back {a}.",
    "Subtract {a}.",
)
ASKS = (
    "What hour is it then?",
    "What does the clock show now?",
    "What time is it?",
    "At what hour is that over?",
    "What time is it now, in full hours?",
    "Which hour does the clock show at the end?",
    "What o'clock is it then?",
    "To which hour does the hand point?",
    "What will the clock show?",
    "What time is it in the end?",
    "Tell me the hour.",
    "Which hour is it after that?",
)
SHORT = (
    "What time is it {a} after {h} o'clock?",
    "It is {h} o'clock. What time will it be in {a}?",
    "If it is {h} o'clock now, what time is it in {a}?",
    "Which hour comes {a} after {h} o'clock?",
    "What does a clock show {a} after {h}?",
    "{n} starts at {h} o'clock and works {a}. When does {n} stop?",
    "A film starts at {h} and lasts {a}. At what hour does it end?",
    "The bus leaves at {h} o'clock and drives {a}. When does it arrive?",
)
SHORT_BACK = (
    "What time was it {a} before {h} o'clock?",
    "It is {h} o'clock. What time was it {a} ago?",
    "Which hour was {a} before {h}?",
    "If it is {h} o'clock now, what time was it {a} ago?",
    "{n} came home at {h} o'clock after {a} away. When did {n} leave?",
    "A trip of {a} ended at {h} o'clock. When did it start?",
)


class Clock(Family):
    """The state is the hour."""

    name = "clock"
    description = "the hour on a clock, some hours later or earlier"
    examples = (
        "It is 9 o'clock. The ride takes 5 hours. We wait 2 hours. What time is it?",
        "What time is it 7 hours after 10 o'clock?",
    )
    fewest, most, glance_upto = 1, 6, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        hour = draw.number(1, 12)
        backwards = draw.chance(0.25)
        moves = [draw.number(1, 11) * (-1 if backwards and draw.chance(0.5) else 1) for _ in range(steps)]
        question = (
            self._one(draw, hour, moves[0]) if steps == 1 and draw.chance(0.6) else self._story(draw, hour, moves)
        )
        return Problem(
            family=self.name,
            question=question,
            key=f"{hour}{''.join(f'{move:+d}' for move in moves)}",
            frames=tuple(draw.frames),
            start=str(hour),
            opening=f"It starts at {hour}.",
            items=tuple((str(move),) for move in moves),
        )

    def _one(self, draw: Draw, hour: int, move: int) -> str:
        frame = draw.frame(SHORT if move > 0 else SHORT_BACK)
        return frame.format(a=count(abs(move), "hour"), h=hour, n=draw.name(NAMES))

    def _story(self, draw: Draw, hour: int, moves: list[int]) -> str:
        name = draw.name(NAMES)
        told = [draw.frame(STARTS).format(h=hour, n=name)]
        for move in moves:
            length, one = abs(move), abs(move) == 1
            slots = {"a": count(length, "hour"), "A": count(length, "hour"), "m": length, "n": name}
            slots |= {"hours": "hour" if one else "hours", "es": "es" if one else ""}
            told.append(sentence(draw.frame(LATER if move > 0 else EARLIER).format(**slots)))
        return f"{' '.join(told)} {draw.frame(ASKS)}"

    def step(self, problem: Problem, state: str, index: int) -> str:
        return str((int(state) + int(problem.items[index][0]) - 1) % 12 + 1)

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        move = int(problem.items[index][0])
        return f"{count(abs(move), 'hour')} {'after' if move > 0 else 'before'} {before} is {after}."

    def guess(self, rng: random.Random, problem: Problem) -> str:
        return str(rng.randint(1, 12))
