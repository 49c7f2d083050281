"""Rows that teach the base of s1-135M what a model of its size lacks: sums, tables, spelling, plain word problems.

They are plain chats without a thinking block. About a third of the replies work several small exercises, one statement
each, in the words that the traces of `s1core.problems` use for one step. The others are problems of those families with
their worked solutions: what an instruction-tuned model of 32B parameters can do before anyone teaches it to think. So
stage 2 has to teach only when and how to think.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache

from s1core.nano.question import HELD_OUT_WORDS
from s1core.problems.families import FAMILIES
from s1core.problems.make import draw_problem
from s1core.problems.traces import solution
from s1core.problems.words import spelling_words

Row = dict[str, str]
Draw = Callable[[random.Random], tuple[str, str]]
"""Draws a request and its reply."""

_NAMES = (
    "Ann",
    "Bob",
    "Carla",
    "Dan",
    "Emma",
    "Finn",
    "Gina",
    "Hugo",
    "Iris",
    "Jack",
    "Kira",
    "Liam",
    "Mona",
    "Nils",
    "Olga",
    "Paul",
    "Quinn",
    "Rosa",
    "Sam",
    "Tina",
    "Uma",
    "Vic",
    "Walt",
    "Yara",
)
_THINGS = (
    "apples",
    "marbles",
    "stickers",
    "coins",
    "books",
    "shells",
    "pencils",
    "cards",
    "cookies",
    "stamps",
    "eggs",
    "points",
    "seats",
    "tickets",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_COLORS = ("red", "blue", "green", "yellow", "white", "black")
_UNITS = (
    ("hours", "minutes", 60),
    ("minutes", "seconds", 60),
    ("days", "hours", 24),
    ("weeks", "days", 7),
    ("years", "months", 12),
    ("dozen", "eggs", 12),
    ("metres", "centimetres", 100),
    ("kilometres", "metres", 1000),
    ("dollars", "cents", 100),
)


def plus(a: int, b: int) -> str:
    """`14 plus 5 is 19.`, as one statement."""
    return f"{a} plus {b} is {a + b}."


def minus(a: int, b: int) -> str:
    """`19 minus 3 is 16.`, as one statement."""
    return f"{a} minus {b} is {a - b}."


def times(a: int, b: int) -> str:
    """`3 times 4 is 12.`, as one statement."""
    return f"{a} times {b} is {a * b}."


def long_plus(a: int, b: int) -> str:
    """A sum of three digits, written out by hundreds, tens and ones."""
    parts = [(a // 100 * 100, b // 100 * 100), (a // 10 % 10 * 10, b // 10 % 10 * 10), (a % 10, b % 10)]
    sums = [x + y for x, y in parts]
    written = " ".join(plus(x, y) for x, y in parts)
    return f"{written} {plus(sums[0], sums[1])} {plus(sums[0] + sums[1], sums[2])}"


def _pair(rng: random.Random) -> tuple[int, int]:
    """Numbers as they occur in word problems: mostly of two digits, sometimes of one or three."""
    kind = rng.random()
    if kind < 0.2:
        return rng.randint(1, 20), rng.randint(1, 12)
    if kind < 0.75:
        return rng.randint(10, 99), rng.randint(2, 30)
    if kind < 0.92:
        return rng.randint(10, 99), rng.randint(10, 99)
    return rng.randint(100, 400), rng.randint(2, 99)


def _sums(rng: random.Random) -> tuple[str, str]:
    asked: list[str] = []
    told: list[str] = []
    for _ in range(rng.randint(5, 9)):
        a, b = _pair(rng)
        if rng.random() < 0.5:
            asked.append(f"{a} + {b}")
            told.append(plus(a, b))
        else:
            a, b = max(a, b), min(a, b)
            asked.append(f"{a} - {b}")
            told.append(minus(a, b))
    lead = rng.choice(("Work these out: ", "Compute: ", "What are ", "Solve each: ", "Please calculate "))
    return f"{lead}{', '.join(asked)}{'?' if lead.startswith('What') else '.'}", " ".join(told)


def _running(rng: random.Random) -> tuple[str, str]:
    value = rng.randint(2, 60)
    asked = [rng.choice(("Start at {}.", "Begin with {}.", "Take the number {}.")).format(value)]
    told: list[str] = []
    for _ in range(rng.randint(4, 8)):
        change = rng.randint(1, rng.choice((9, 20, 40)))
        if rng.random() < 0.5 or change > value:
            asked.append(rng.choice(("Add {}.", "Now add {}.", "{} more.", "Plus {}.")).format(change))
            told.append(plus(value, change))
            value += change
        else:
            asked.append(rng.choice(("Subtract {}.", "Take away {}.", "{} less.", "Minus {}.")).format(change))
            told.append(minus(value, change))
            value -= change
    return " ".join(asked), " ".join(told)


def _long_sums(rng: random.Random) -> tuple[str, str]:
    pairs = [(rng.randint(100, 899), rng.randint(100, 899)) for _ in range(2)]
    return (
        "Add step by step: " + ", ".join(f"{a} + {b}" for a, b in pairs) + ".",
        "\n".join(f"{a} plus {b}: {long_plus(a, b)}" for a, b in pairs),
    )


def _tables(rng: random.Random) -> tuple[str, str]:
    asked: list[str] = []
    told: list[str] = []
    for _ in range(rng.randint(5, 9)):
        a, b = rng.randint(2, 12), rng.randint(2, 12)
        if rng.random() < 0.7:
            asked.append(f"{a} x {b}")
            told.append(times(a, b))
        else:
            asked.append(f"{a * b} / {a}")
            told.append(f"{a * b} divided by {a} is {b}.")
    return rng.choice(("Work these out: ", "Times tables: ", "Compute: ")) + ", ".join(asked) + ".", " ".join(told)


@cache
def _words_to_spell() -> tuple[str, ...]:
    return tuple(word for word in spelling_words() if word not in HELD_OUT_WORDS)


def _spelling(rng: random.Random) -> tuple[str, str]:
    words = rng.sample(_words_to_spell(), rng.randint(2, 4))
    return (
        rng.choice(("Spell ", "Spell out ", "Write the letters of ", "Letter by letter: ")) + ", ".join(words) + ".",
        " ".join(f"{word}: {', '.join(word)}." for word in words),
    )


def _letters(rng: random.Random) -> tuple[str, str]:
    words = rng.sample(_words_to_spell(), 2)
    asked: list[str] = []
    told: list[str] = []
    for word in words:
        letter = rng.choice(word)
        asked.append(f"{letter} in {word}")
        told.append(f"{word}: {count_letters(word, letter)}.")
    return f"Spell and count: {', '.join(asked)}.", " ".join(told)


def count_letters(word: str, letter: str) -> str:
    """Spell a word with the count behind each hit: `r (1), a, s, p, b, e, r (2), r (3), y`."""
    count = 0
    written: list[str] = []
    for each in word:
        count += each == letter
        written.append(f"{each} ({count})" if each == letter else each)
    return ", ".join(written)


def _days(rng: random.Random) -> tuple[str, str]:
    names, kind = (_DAYS, "day") if rng.random() < 0.8 else (_MONTHS, "month")
    start, steps, back = rng.randrange(len(names)), rng.randint(3, 9), rng.random() < 0.3
    written = [f"{i} {names[(start + (-i if back else i)) % len(names)]}" for i in range(1, steps + 1)]
    way = "back" if back else "on"
    return f"Count {way} {steps} {kind}s from {names[start]}.", f"Start at {names[start]}. {', '.join(written)}."


def _clock(rng: random.Random) -> tuple[str, str]:
    asked: list[str] = []
    told: list[str] = []
    for _ in range(rng.randint(4, 7)):
        hour, more = rng.randint(1, 12), rng.randint(1, 11)
        unit = "hour" if more == 1 else "hours"
        asked.append(f"{more} {unit} after {hour} o'clock")
        told.append(f"{more} {unit} after {hour} is {(hour + more - 1) % 12 + 1}.")
    return "On a clock: " + ", ".join(asked) + "?", " ".join(told)


def _units(rng: random.Random) -> tuple[str, str]:
    asked: list[str] = []
    told: list[str] = []
    for _ in range(4):
        large, small, factor = rng.choice(_UNITS)
        n = rng.randint(2, 9)
        asked.append(f"{n} {large} in {small}")
        told.append(f"{n} {large} are {n * factor} {small}.")
    return "Convert " + ", ".join(asked) + ".", " ".join(told)


def _swaps(rng: random.Random) -> tuple[str, str]:
    at = rng.choice(_COLORS)
    asked, told = [f"It is under {at}."], [f"It starts under {at}."]
    for _ in range(rng.randint(3, 6)):
        a, b = rng.sample(_COLORS[:4], 2)
        at = b if at == a else a if at == b else at
        asked.append(f"Swap {a} and {b}.")
        told.append(f"Swap {a} and {b}: {at}.")
    return " ".join(asked), " ".join(told)


def _words(rng: random.Random) -> tuple[str, str]:
    """A word problem of one step."""
    a, b = _pair(rng)
    a, b = max(a, b), min(a, b)
    one, two = rng.sample(_NAMES, 2)
    things = rng.choice(_THINGS)
    start = rng.choice(
        (f"{one} has {a} {things}.", f"There are {a} {things} on the table.", f"A box holds {a} {things}.")
    )
    if rng.random() < 0.5:
        change = rng.choice((f"{two} brings {b} more.", f"{one} gets {b} more.", f"Then {b} are added."))
        return f"{start} {change} How many {things} are there now?", f"{plus(a, b)} There are {a + b} {things}."
    change = rng.choice((f"{two} takes {b} away.", f"{one} gives {b} to {two}.", f"{b} of them are lost."))
    return f"{start} {change} How many {things} are left?", f"{minus(a, b)} {a - b} {things} are left."


def _prices(rng: random.Random) -> tuple[str, str]:
    n, price = rng.randint(2, 9), rng.randint(2, 12)
    thing = rng.choice(_THINGS)
    return (
        f"{n} {thing} cost {price} dollars each. How much is that?",
        f"{times(n, price)} That is {n * price} dollars.",
    )


def _worked(rng: random.Random) -> tuple[str, str]:
    """A problem of the families' training split, and its solution in one paragraph."""
    family = FAMILIES[rng.choice(list(FAMILIES))]
    problem = draw_problem(family, "train", rng.getrandbits(32), 0)
    return problem.question, solution(problem)


SKILLS: tuple[tuple[float, Draw], ...] = (
    (0.65, _worked),
    (0.098, _sums),
    (0.077, _running),
    (0.021, _long_sums),
    (0.035, _tables),
    (0.021, _spelling),
    (0.028, _letters),
    (0.0175, _days),
    (0.0175, _clock),
    (0.007, _units),
    (0.0105, _swaps),
    (0.0105, _words),
    (0.007, _prices),
)
"""Share of each exercise, and how it is drawn."""


def rows(count: int, seed: int = 0) -> Iterator[Row]:
    """Yield `count` rows with `user` and `assistant`; the same seed gives the same rows, on every machine."""
    rng = random.Random(f"s1-135m/skills/{seed}")
    weights = [weight for weight, _ in SKILLS]
    draws = [draw for _, draw in SKILLS]
    for _ in range(count):
        user, assistant = rng.choices(draws, weights)[0](rng)
        yield {"user": user, "assistant": assistant}
