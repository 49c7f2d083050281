"""Sums, differences and small products, in signs or in words."""

from __future__ import annotations

from s1core.problems.arithmetic import LAST, Arithmetic
from s1core.problems.english import in_words, sentence
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


class Sums(Arithmetic):
    """Two to five numbers, added, subtracted and sometimes multiplied."""

    name = "sums"
    description = "sums, differences and small products of a few numbers"
    examples = ("What is 17 + 25 - 8?", "Start with 6. Multiply it by 7. Subtract 15. What do you get?")
    fewest, most, glance_upto = 1, 5, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        product = draw.chance(0.25)
        value = draw.number(2, 12) if product else draw.number(2, draw.pick((20, 60, 99)))
        start, items = value, list[Item]()
        signs: list[tuple[str, int]] = []
        for i in range(steps):
            if product and i == 0:
                sign, other = "x", draw.number(2, 12)
                value *= other
            else:
                sign, other = self._change(draw, value)
                value += other if sign == "+" else -other
            signs.append((sign, other))
            operation = {"x": "times", "+": "plus", "-": "minus"}[sign]
            items.append((operation, LAST if items else str(start), str(other)))
        question = self._question(draw, start, signs)
        key = f"{start}{''.join(f'{sign}{other}' for sign, other in signs)}"
        return Problem(
            family=self.name,
            question=question,
            key=key,
            frames=tuple(draw.frames),
            start="",
            opening="",
            items=tuple(items),
        )

    def _change(self, draw: Draw, value: int) -> tuple[str, int]:
        if value > 6 and draw.chance(0.45):
            return "-", draw.number(1, min(value - 1, draw.pick((9, 20, 50))))
        return "+", draw.number(1, draw.pick((9, 30, 80)))

    def _question(self, draw: Draw, start: int, signs: list[tuple[str, int]]) -> str:
        form = draw.rng.random()
        if form < 0.35:
            spoken = [draw.frame({"x": MULTIPLY, "+": ADD, "-": TAKE}[sign]).format(b=b) for sign, b in signs]
            return draw.frame(SPOKEN).format(a=start, steps=". ".join(spoken))
        if form < 0.75:
            times = draw.pick((" x ", " * ", " times "))
            written = {"+": " + ", "-": " - ", "x": times}
            if draw.chance(0.2):
                written = {"+": "+", "-": "-", "x": "*"}
            body = str(start) + "".join(f"{written[sign]}{b}" for sign, b in signs)
        else:
            show = in_words if draw.chance(0.5) else str
            body = show(start) + "".join(
                f" {({'+': 'plus', '-': 'minus', 'x': 'times'})[sign]} {show(b)}" for sign, b in signs
            )
        return sentence(draw.frame(ASKED).format(e=body))
