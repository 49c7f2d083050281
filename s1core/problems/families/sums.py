"""Sums, differences and small products, in signs or in words."""

from __future__ import annotations

from s1core.problems.arithmetic import LAST, Arithmetic
from s1core.problems.english import in_words, listed, sentence
from s1core.problems.problem import Draw, Item, Problem

ASKED = (
    "What is {e}?",
    "Compute {e}.",
    "How much is {e}?",
    "Calculate {e}.",
    "{e} = ?",
    "Work out {e}.",
    "What does {e} make?",
    "What do you get for {e}?",
    "Tell me {e}.",
    "Find {e}.",
    "Please calculate {e}.",
    "Can you work out {e}?",
    "What is the result of {e}?",
    "What does {e} equal?",
    "Evaluate {e}.",
    "{e} is what?",
    "I need the value of {e}.",
    "Solve {e}.",
    "What's {e}?",
    "How much does {e} come to?",
    "{e}?",
)
SPOKEN = (
    "Start with {a}. {steps}. What do you get?",
    "Take {a}. {steps}. What number is that?",
    "Begin at {a}. {steps}. Where do you end up?",
    "I think of the number {a}. {steps}. What is my number now?",
    "The number is {a}. {steps}. What is it now?",
    "Write down {a}. {steps}. What is the result?",
    "On the calculator I type {a}. {steps}. What does it show?",
    "A game starts at {a} points. {steps}. What is the score?",
    "Which number do you reach from {a}? {steps}.",
    "What comes out? First take {a}. {steps}.",
    "You have the number {a}. {steps}. Which number is left?",
    "From {a} we count. {steps}. What is the final number?",
    "My number is {a}. {steps}. Which number do I get?",
)
ADD = ("Add {b}", "Then add {b}", "Now add {b}", "Put {b} more to it", "Plus {b}", "Count up {b}", "Go up by {b}")
TAKE = (
    "Subtract {b}",
    "Then subtract {b}",
    "Take away {b}",
    "Now take off {b}",
    "Minus {b}",
    "Count down {b}",
    "Go down by {b}",
)
MULTIPLY = ("Multiply it by {b}", "Then multiply by {b}", "Take that {b} times", "Times {b}")
PAIRS = {
    "+": (
        "What is the sum of {a} and {b}?",
        "Add {a} and {b}.",
        "What is {b} more than {a}?",
        "Which number is {b} greater than {a}?",
        "How much do {a} and {b} make together?",
        "Add {b} to {a}.",
        "If you add {b} to {a}, what do you get?",
        "What do you get when you put {a} and {b} together?",
    ),
    "-": (
        "What is the difference between {a} and {b}?",
        "Subtract {b} from {a}.",
        "What is {b} less than {a}?",
        "Take {b} away from {a}.",
        "How much is left of {a} after taking away {b}?",
        "Which number is {b} smaller than {a}?",
        "If you take {b} from {a}, what is left?",
        "How far is it from {b} to {a}?",
    ),
    "x": (
        "What is the product of {a} and {b}?",
        "Multiply {a} by {b}.",
        "How much is {a} times {b}?",
        "What are {a} times {b}?",
        "What do you get when you multiply {a} and {b}?",
        "If you take {b} {a} times, what do you get?",
    ),
}
ADD_ALL = (
    "What is the sum of {list}?",
    "Add up {list}.",
    "Add {list}.",
    "What do {list} make together?",
    "How much are {list} together?",
    "What is the total of {list}?",
    "Find the sum of {list}.",
    "{list}: what is their sum?",
)
_OPERATIONS = {"x": "times", "+": "plus", "-": "minus"}


class Sums(Arithmetic):
    """Two to six numbers, added, subtracted and sometimes multiplied."""

    name = "sums"
    description = "sums, differences and small products of a few numbers"
    examples = {
        "What is 17 + 25 - 8?": "34",
        "Start with 6. Multiply it by 7. Subtract 15. What do you get?": "27",
    }
    fewest, most, glance_upto = 1, 5, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        only_plus = steps > 1 and draw.chance(0.15)
        product = not only_plus and draw.chance(0.25)
        value = draw.number(2, 12) if product else draw.number(2, draw.pick((20, 60, 99)))
        start, items = value, list[Item]()
        signs: list[tuple[str, int]] = []
        for i in range(steps):
            if product and i == 0:
                sign, other = "x", draw.number(2, 12)
                value *= other
            elif value > 6 and not only_plus and draw.chance(0.45):
                sign, other = "-", draw.number(1, min(value - 1, draw.pick((9, 20, 50))))
                value -= other
            else:
                sign, other = "+", draw.number(1, draw.pick((9, 30, 80)))
                value += other
            signs.append((sign, other))
            items.append((_OPERATIONS[sign], LAST if items else str(start), str(other)))
        question = self._question(draw, start, signs, only_plus=only_plus)
        return Problem(
            family=self.name,
            question=question,
            key=f"{start}{''.join(f'{sign}{other}' for sign, other in signs)}",
            frames=tuple(draw.frames),
            start="",
            opening="",
            items=tuple(items),
        )

    def _question(self, draw: Draw, start: int, signs: list[tuple[str, int]], *, only_plus: bool) -> str:
        show = in_words if draw.chance(0.12) else str
        if len(signs) == 1 and draw.chance(0.4):
            sign, other = signs[0]
            return sentence(draw.frame(PAIRS[sign]).format(a=show(start), b=show(other)))
        if only_plus and draw.chance(0.7):
            numbers = [show(start), *(show(other) for _, other in signs)]
            return sentence(draw.frame(ADD_ALL).format(list=listed(numbers)))
        if draw.chance(0.3):
            spoken = [draw.frame({"x": MULTIPLY, "+": ADD, "-": TAKE}[sign]).format(b=show(b)) for sign, b in signs]
            return draw.frame(SPOKEN).format(a=show(start), steps=". ".join(spoken))
        return sentence(draw.frame(ASKED).format(e=self._expression(draw, start, signs)))

    def _expression(self, draw: Draw, start: int, signs: list[tuple[str, int]]) -> str:
        if draw.chance(0.3):
            show = in_words if draw.chance(0.5) else str
            return show(start) + "".join(f" {_OPERATIONS[sign]} {show(b)}" for sign, b in signs)
        times, space = draw.pick(("x", "*")), "" if draw.chance(0.2) else " "
        written = {"+": "+", "-": "-", "x": times}
        return str(start) + "".join(f"{space}{written[sign]}{space}{b}" for sign, b in signs)
