"""Hours on a twelve-hour clock."""

from __future__ import annotations

import random

from s1core.problems.english import agreeing, count, sentence
from s1core.problems.family import Family
from s1core.problems.problem import Draw, Problem
from s1core.problems.subjects import Subject, draw_subject

STARTS = (
    "It is {h} o'clock.",
    "The clock shows {h}.",
    "It's {h} o'clock now.",
    "A trip begins at {h} o'clock.",
    "The time is {h} o'clock.",
    "A train leaves at {h} o'clock.",
    "The party starts at {h} o'clock.",
    "The clock on the wall says {h}.",
    "My watch says {h} o'clock.",
    "A film begins at {h} o'clock.",
    "It is now {h}.",
    "At first the hand points to {h}.",
)
OWN_STARTS = (
    "start at {h} o'clock",
    "get up at {h} o'clock",
    "leave home at {h} o'clock",
    "look at the clock at {h}",
    "begin at {h}",
    "arrive at {h} o'clock",
    "set a watch to {h} o'clock",
    "wake up at {h}",
)
OWN_LATER = (
    "work for {a}",
    "sleep {a}",
    "read for {a}",
    "wait {a}",
    "drive {a}",
    "play {a} more",
    "study {a}",
    "walk for {a}",
    "cook for {a}",
    "rest {a}",
    "spend {a} at school",
    "watch films for {a}",
)
LATER = (
    "The ride takes {a}.",
    "{a} pass{es}.",
    "After that, {a} more go{es} by.",
    "Then {a} go{es} by.",
    "The next part lasts {a}.",
    "Add {a}.",
    "Then comes a break of {a}.",
    "It takes {a} more.",
    "Now {a} pass{es}.",
    "From there, {a} go{es} by.",
    "A meeting of {a} follows.",
    "The clock runs on for {a}.",
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
    "What is the time now?",
)
SHORT = (
    "What time is it {a} after {h} o'clock?",
    "It is {h} o'clock. What time will it be in {a}?",
    "If it is {h} o'clock now, what time is it in {a}?",
    "Which hour comes {a} after {h} o'clock?",
    "What does a clock show {a} after {h}?",
    "{N} {starts} at {h} o'clock and {works} {a}. At what time {does} {he} stop?",
    "A film starts at {h} and lasts {a}. At what hour does it end?",
    "The bus leaves at {h} o'clock and drives {a}. When does it arrive?",
    "It's {h} pm. What time is it {a} later?",
    "It is {h} in the morning. What will the clock show in {a}?",
    "A lesson begins at {h} and takes {a}. When is it over?",
    "School starts at {h} o'clock. It lasts {a}. What time does it end?",
    "{A} from {h} o'clock, what time is it?",
    "Add {a} to {h} o'clock.",
)
SHORT_BACK = (
    "What time was it {a} before {h} o'clock?",
    "It is {h} o'clock. What time was it {a} ago?",
    "Which hour was {a} before {h}?",
    "If it is {h} o'clock now, what time was it {a} ago?",
    "{N} came home at {h} o'clock after {a} away. At what time did {he} leave?",
    "A trip of {a} ended at {h} o'clock. When did it start?",
    "The game is over at {h} and took {a}. When did it begin?",
    "It's {h} pm now. What was the time {a} earlier?",
)


class Clock(Family):
    """The state is the hour."""

    name = "clock"
    description = "the hour on a clock, some hours later or earlier"
    examples = {
        "It is 9 o'clock. The ride takes 5 hours. We wait 2 hours. What time is it?": "4",
        "What time is it 7 hours after 10 o'clock?": "5",
    }
    fewest, most, glance_upto = 1, 6, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        hour = draw.number(1, 12)
        backwards = draw.chance(0.25)
        moves = [draw.number(1, 11) * (-1 if backwards and draw.chance(0.5) else 1) for _ in range(steps)]
        question = (
            self._one(draw, hour, moves[0]) if steps == 1 and draw.chance(0.8) else self._story(draw, hour, moves)
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
        frame, length = draw.frame(SHORT if move > 0 else SHORT_BACK), count(abs(move), "hour")
        subject = draw_subject(draw) if "{N}" in frame else Subject("I", "I")
        third = subject.present == "third"
        slots = subject.slots() | {"N": sentence(subject.who)}
        verbs = {"starts": "starts" if third else "start", "works": "works" if third else "work"}
        return frame.format(a=length, A=length, h=hour, **verbs, **slots)

    def _story(self, draw: Draw, hour: int, moves: list[int]) -> str:
        subject = draw_subject(draw) if draw.chance(0.6) else None
        if subject is None:
            told = [draw.frame(STARTS).format(h=hour)]
        else:
            told = [f"{sentence(subject.first(draw.frame(OWN_STARTS).format(h=hour)))}."]
        for move in moves:
            slots = {"a": count(abs(move), "hour"), **agreeing(abs(move))}
            if move > 0 and subject is not None and draw.chance(0.75):
                clause = draw.frame(OWN_LATER).format(**slots)
                told.append(
                    sentence(draw.pick(("", "then ", "")) + subject.does(clause, pronoun=draw.chance(0.6))) + "."
                )
            else:
                told.append(sentence(draw.frame(LATER if move > 0 else EARLIER).format(**slots)))
        return f"{' '.join(told)} {draw.frame(ASKS)}"

    def step(self, problem: Problem, state: str, index: int) -> str:
        return str((int(state) + int(problem.items[index][0]) - 1) % 12 + 1)

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        move = int(problem.items[index][0])
        return f"{count(abs(move), 'hour')} {'after' if move > 0 else 'before'} {before} is {after}."

    def guess(self, rng: random.Random, problem: Problem) -> str:
        return str(rng.randint(1, 12))
