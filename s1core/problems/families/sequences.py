"""Sequences that grow or shrink by the same number each time: which number comes next, or a few places on."""

from __future__ import annotations

from s1core.problems.arithmetic import LAST, Arithmetic
from s1core.problems.english import in_words, ordinal
from s1core.problems.problem import Draw, Item, Problem
from s1core.problems.words import NAMES

NEXT = (
    "What number comes next: {s}?",
    "{s}, ... What is the next number?",
    "Continue the sequence: {s}.",
    "Which number follows in the list {s}?",
    "{s}. What comes next?",
    "Find the next number: {s}, ?",
    "What is the next term of {s}?",
    "Complete the pattern: {s}, __",
    "{n} writes {s}. Which number does {n} write next?",
    "Look at the numbers {s}. Which one is next?",
    "The numbers go {s}. What is the next one?",
    "Count on: {s}, and then?",
    "A pattern goes {s}. Name the next number.",
    "What should come after {s}?",
)
FARTHER = (
    "The sequence {s} goes on. What is the {k} number after {z}?",
    "{s}, ... Which number is {w} places after {z}?",
    "Continue {s}. What is the {k} new number?",
    "The numbers go {s}. Write {w} more. What is the last one?",
    "{n} counts {s} and goes on for {w} more numbers. What is the last?",
    "Go on with the list {s}. Which number comes {k} from here?",
    "In the pattern {s}, what number do you reach after {w} more steps?",
    "Look at {s}. What comes {w} places later?",
    "If {s} continues, what is the {k} number that follows?",
    "Add {w} more numbers to {s}. Which one is last?",
    "{s}: {w} numbers on, where are we?",
    "What is the {k} next number of {s}?",
)


class Sequences(Arithmetic):
    """The difference first, then one sum for every number."""

    name = "sequences"
    description = "the next number of a sequence with equal steps"
    examples = {
        "What number comes next: 3, 7, 11, 15?": "19",
        "The numbers go 20, 17, 14. Write three more. What is the last one?": "5",
    }
    fewest, most, glance_upto = 2, 6, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        on = steps - 1
        shown, by = draw.number(3, 5), draw.number(2, draw.pick((6, 12)))
        down = draw.chance(0.35)
        if down:
            first = by * (shown - 1 + on) + draw.number(1, 30)
            by = -by
        else:
            first = draw.number(1, draw.pick((10, 40)))
        numbers = [first + by * i for i in range(shown)]
        a, b, z = numbers[0], numbers[1], numbers[-1]
        items: list[Item] = [("minus", str(a), str(b)) if down else ("minus", str(b), str(a))]
        for i in range(on):
            items.append(("minus" if down else "plus", LAST if i else str(z), "@0"))
        frame = draw.frame(NEXT if on == 1 else FARTHER)
        slots = {"s": ", ".join(map(str, numbers)), "z": z, "w": in_words(on), "k": _ordinal(draw, on)}
        return Problem(
            family=self.name,
            question=frame.format(n=draw.name(NAMES) if "{n}" in frame else "", **slots),
            key=f"{first}:{by}:{shown}:{on}",
            frames=tuple(draw.frames),
            start="",
            opening="",
            items=tuple(items),
        )


def _ordinal(draw: Draw, number: int) -> str:
    words = ("", "first", "second", "third", "fourth", "fifth")
    return words[number] if draw.chance(0.7) else ordinal(number)
