"""Families over numbers: powers modulo m, digit sums, the clock."""

from __future__ import annotations

import random
import re

from s1core.nano.family import Family
from s1core.nano.question import Puzzle


class Powers(Family):
    """Running product modulo m, numbered so that the last step is known."""

    name = "powers"
    description = "powers modulo 7, 9, 11 or 13: a running product"
    examples = ("What is 7^8 mod 11?", "What is 3^17 mod 13?")
    fewest, most, goes_on_from, shorter = 3, 30, 14, 1.3
    pattern = re.compile(r"(?:What is |Compute )?(\d{1,2}) ?\^ ?(\d{1,2}) mod (\d{1,2})[?.]?", re.IGNORECASE)
    moduli = (7, 9, 11, 13)

    def draw(self, rng: random.Random, steps: int) -> Puzzle:
        return self._puzzle(rng.randint(2, 12), steps, rng.choice(self.moduli), rng.random() < 0.1)

    def _puzzle(self, base: int, power: int, modulus: int, plain: bool = False) -> Puzzle:
        task = f"{base}^{power} mod {modulus}"
        return Puzzle(
            family=self.name,
            question=f"Compute {task}." if plain else f"What is {task}?",
            key=task,
            start="1",
            items=tuple(str(i) for i in range(1, power + 1)),
            table={"base": str(base), "modulus": str(modulus)},
        )

    def read(self, match: re.Match[str]) -> Puzzle | None:
        base, power, modulus = (int(group) for group in match.groups())
        known = 2 <= base <= 12 and self.fewest <= power <= self.most and modulus in self.moduli
        return self._puzzle(base, power, modulus) if known else None

    def step(self, puzzle: Puzzle, state: str, index: int) -> str:
        return str(int(state) * int(puzzle.table["base"]) % int(puzzle.table["modulus"]))

    def write(self, puzzle: Puzzle, state: str, index: int) -> str:
        return f"{puzzle.items[index]}:{state}"

    def guess(self, rng: random.Random, puzzle: Puzzle) -> str:
        return str(rng.randrange(int(puzzle.table["modulus"])))


class Digits(Family):
    """Running sum of digits."""

    name = "digits"
    description = "the sum of the digits of a number: a running sum"
    examples = ("Add the digits of 58312.", "Add the digits of 7302914586.")
    fewest, most, goes_on_from, shorter = 4, 28, 10, 2.0
    pattern = re.compile(r"(?:Add|Sum) the digits of (\d{2,40})[?.]?", re.IGNORECASE)

    def draw(self, rng: random.Random, steps: int) -> Puzzle:
        digits = [rng.choice("123456789")]
        while len(digits) < steps:
            new = rng.choice("0123456789")
            # A pair of neighbours that comes back makes the place in the number ambiguous: rare in training.
            if digits[-1] + new not in "".join(digits) or rng.random() < 0.02:
                digits.append(new)
        return self._puzzle("".join(digits), rng.random() < 0.1)

    def _puzzle(self, number: str, plain: bool = False) -> Puzzle:
        verb = "Sum" if plain else "Add"
        question = f"{verb} the digits of {number}."
        return Puzzle(family=self.name, question=question, key=number, start="0", items=tuple(number))

    def read(self, match: re.Match[str]) -> Puzzle | None:
        return self._puzzle(match.group(1))

    def step(self, puzzle: Puzzle, state: str, index: int) -> str:
        return str(int(state) + int(puzzle.items[index]))

    def write(self, puzzle: Puzzle, state: str, index: int) -> str:
        return f"{puzzle.items[index]}:{state}"

    def guess(self, rng: random.Random, puzzle: Puzzle) -> str:
        return str(max(0, int(self.answer(puzzle)) + rng.randint(-9, 9)))


class Clock(Family):
    """Hours on a twelve-hour clock."""

    name = "clock"
    description = "the time after adding hours on a 12-hour clock"
    examples = ("It is 9 o'clock. Add 7, 5, 11 hours.", "It is 4 o'clock. Add 8, 3, 10, 6, 9, 2 hours.")
    fewest, most, goes_on_from = 3, 10, 7
    pattern = re.compile(
        r"It is (\d{1,2}) o'?clock\. Add (\d{1,2}(?:,? (?:and )?\d{1,2}){0,19}) hours?\.?(?: What time is it\?| What time\?)?",
        re.IGNORECASE,
    )

    def draw(self, rng: random.Random, steps: int) -> Puzzle:
        hours = [str(hour) for hour in range(1, 12)]
        # Mostly distinct items: an item that comes back makes the place in the list ambiguous.
        items = rng.sample(hours, steps) if rng.random() < 0.9 else rng.choices(hours, k=steps)
        return self._puzzle(rng.randint(1, 12), items, rng.random() < 0.1)

    def _puzzle(self, start: int, items: list[str], asked: bool = False) -> Puzzle:
        question = f"It is {start} o'clock. Add {', '.join(items)} hours."
        return Puzzle(
            family=self.name,
            question=question + " What time is it?" if asked else question,
            key=f"{start}+{'+'.join(items)}",
            start=str(start),
            items=tuple(items),
        )

    def read(self, match: re.Match[str]) -> Puzzle | None:
        start, items = int(match.group(1)), re.findall(r"\d+", match.group(2))
        known = 1 <= start <= 12 and all(1 <= int(item) <= 11 for item in items)
        return self._puzzle(start, items) if known else None

    def step(self, puzzle: Puzzle, state: str, index: int) -> str:
        return str((int(state) + int(puzzle.items[index]) - 1) % 12 + 1)

    def write(self, puzzle: Puzzle, state: str, index: int) -> str:
        return f"{puzzle.items[index]}:{state}"

    def guess(self, rng: random.Random, puzzle: Puzzle) -> str:
        return str(rng.randint(1, 12))
