"""Something is hidden under a cup, and cups trade places; or people hold cards and swap them."""

from __future__ import annotations

import random

from s1core.problems.english import a, sentence
from s1core.problems.family import Family
from s1core.problems.problem import Draw, Problem
from s1core.problems.words import COLORS, NAMES

OBJECTS = ("ball", "coin", "pea", "ring", "marble", "key", "button", "stone", "bean", "nut", "pearl")
COVERS = ("cup", "cup", "cup", "hat", "bowl", "mug", "bucket", "box")
PRIZES = ("ace", "queen of hearts", "golden ticket", "letter", "magic stone", "lucky coin", "map", "crown")
CUP_STARTS = (
    "{A} is under the {p} {w}.",
    "The {o} lies beneath the {p} {w}.",
    "There is {a} under the {p} {w}.",
    "{A} is hidden under the {p} {w}.",
    "I put {a} under the {p} {w}.",
    "{n} hides {a} under the {p} {w}.",
    "At first the {o} is under the {p} {w}.",
    "Under the {p} {w} there is {a}.",
    "A magician places {a} under the {p} {w}.",
    "The {p} {w} covers {a}.",
    "We start with the {o} under the {p} {w}.",
    "{n} slides {a} under the {p} {w}.",
)
CUP_SWAPS = (
    "{m} swaps the {x} and the {y} {w}.",
    "Then {x} and {y} trade places.",
    "I switch {x} with {y}.",
    "Swap {x} and {y}.",
    "The {x} {w} and the {y} {w} are exchanged.",
    "Next the {x} and {y} {ws} change places.",
    "{m} exchanges {x} and {y}.",
    "The {x} {w} is swapped with the {y} one.",
    "Now {x} goes where {y} was, and {y} where {x} was.",
    "After that {x} is switched with {y}.",
    "{x} and {y} are swapped.",
    "Then {m} switches the {x} {w} and the {y} {w}.",
)
CUP_ASKS = (
    "Under which {w} is the {o} now?",
    "Where is the {o}?",
    "Which {w} hides the {o}?",
    "Which color is it under?",
    "Under which color is the {o}?",
    "Where does the {o} end up?",
    "Which {w} is the {o} under now?",
    "What is the color of the place where the {o} lies?",
    "Which {w} should I lift to find the {o}?",
    "Find the {o}: which {w}?",
    "At which color's place is the {o} in the end?",
    "Tell me which {w} has the {o}.",
)
HAND_STARTS = (
    "{p} holds the {o}.",
    "{p} has the {o}.",
    "At first {p} has the {o}.",
    "The {o} is in {p}'s hands.",
    "{p} is dealt the {o}.",
    "We give the {o} to {p}.",
    "The {o} belongs to {p} at the start.",
    "{p} draws the {o}.",
    "{p} begins with the {o}.",
    "It is {p} who has the {o} first.",
)
HAND_SWAPS = (
    "{x} and {y} swap what they hold.",
    "Then {x} trades cards with {y}.",
    "{x} and {y} exchange what they have.",
    "Next {x} swaps with {y}.",
    "After that {x} and {y} trade.",
    "{x} changes with {y}.",
    "Now {y} and {x} swap.",
    "{x} switches with {y}.",
    "Then {x} and {y} switch.",
    "{y} makes a trade with {x}.",
)
HAND_ASKS = (
    "Who has the {o} now?",
    "Who holds the {o} in the end?",
    "Who ends up with the {o}?",
    "Where is the {o} now?",
    "Who has the {o} at the end?",
    "Tell me who holds the {o}.",
    "Which of them has the {o}?",
    "In whose hands is the {o}?",
    "Who finally has the {o}?",
    "Who must I ask for the {o}?",
    "Who is left with the {o}?",
    "With whom is the {o} now?",
)


class Cups(Family):
    """The state is the place of the hidden thing."""

    name = "cups"
    description = "what is hidden where after swaps"
    examples = {
        "A ball is under the red cup. Swap red and blue. Then blue and green trade places. Where is the ball?": "green",
        "Ann has the ace. Ann and Bob swap. Bob and Carl trade. Who has the ace now?": "Carl",
    }
    fewest, most, glance_upto = 1, 6, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        with_people = draw.chance(0.3)
        places = draw.names(draw.number(3, 4), NAMES) if with_people else draw.some(COLORS[:6], draw.number(3, 5))
        at = draw.pick(places)
        pairs, state = list[tuple[str, str]](), at
        for _ in range(steps):
            # Two in three swaps move the thing, so that most questions need every step.
            other = [place for place in places if place != state]
            pair = [state, draw.pick(other)] if draw.chance(0.65) else draw.some(other, 2)
            draw.rng.shuffle(pair)
            pairs.append((pair[0], pair[1]))
            state = _swapped(state, pair[0], pair[1])
        story = self._hands(draw, at, pairs) if with_people else self._cups(draw, at, pairs)
        return Problem(
            family=self.name,
            question=story,
            key=f"{at}:{' '.join('-'.join(pair) for pair in pairs)}",
            frames=tuple(draw.frames),
            start=at,
            opening=f"It starts {'with' if with_people else 'under'} {at}.",
            items=tuple(pairs),
            table={"places": " ".join(places)},
        )

    def _cups(self, draw: Draw, at: str, pairs: list[tuple[str, str]]) -> str:
        thing, cover = draw.pick(OBJECTS), draw.pick(COVERS)
        slots = {"o": thing, "w": cover, "ws": "boxes" if cover == "box" else f"{cover}s"}
        slots |= {"a": a(thing), "A": sentence(a(thing))}
        frame = draw.frame(CUP_STARTS)
        told = [frame.format(p=at, n=draw.name(NAMES) if "{n}" in frame else "", **slots)]
        for x, y in pairs:
            frame = draw.frame(CUP_SWAPS)
            told.append(sentence(frame.format(x=x, y=y, m=draw.name(NAMES) if "{m}" in frame else "", **slots)))
        return f"{' '.join(told)} {draw.frame(CUP_ASKS).format(**slots)}"

    def _hands(self, draw: Draw, at: str, pairs: list[tuple[str, str]]) -> str:
        thing = draw.pick(PRIZES)
        told = [draw.frame(HAND_STARTS).format(p=at, o=thing)]
        told += [draw.frame(HAND_SWAPS).format(x=x, y=y) for x, y in pairs]
        told[0] = sentence(told[0])
        return f"{' '.join(told)} {draw.frame(HAND_ASKS).format(o=thing)}"

    def step(self, problem: Problem, state: str, index: int) -> str:
        x, y = problem.items[index]
        return _swapped(state, x, y)

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        x, y = problem.items[index]
        return f"Swap {x} and {y}: {after}."

    def guess(self, rng: random.Random, problem: Problem) -> str:
        return rng.choice(problem.table["places"].split())


def _swapped(state: str, x: str, y: str) -> str:
    return y if state == x else x if state == y else state
