"""Counting a letter by spelling the word out."""

from __future__ import annotations

import random

from s1core.nano.words import REAL_WORDS
from s1core.problems.family import Family
from s1core.problems.problem import Draw, Problem, split_of
from s1core.problems.words import NAMES

ASKS = (
    "How many {l} in {w}?",
    "How many {l}'s are there in {w}?",
    "Count the letter {l} in '{w}'.",
    "In the word {w}, how often does {l} appear?",
    "How many times does {l} occur in {w}?",
    "Tell me the number of {l}'s in '{w}'.",
    'How many times does the letter {l} appear in "{w}"?',
    "How often is {l} used in the word {w}?",
    "How many letters {l} does {w} have?",
    "What is the number of times {l} is in {w}?",
    'Look at the word "{w}". How many {l}s does it contain?',
    "Spell {w}. How many {l}'s did you write?",
    "Count the {l}'s in {w}.",
    'How many "{l}" are in "{w}"?',
    "{n} writes the word {w}. How many times does {n} write {l}?",
    "How many of the letters in {w} are {l}?",
    "Does {w} have the letter {l}, and how many times?",
    "How many {l}s can you find in '{w}'?",
)
EVERY_LETTER = False
"""Whether the running count stands behind every letter, or only behind those that are counted."""


class Letters(Family):
    """The state is the count."""

    name = "letters"
    description = "how often a letter occurs in a word"
    examples = ("How many r in raspberry?", "Count the letter t in 'committee'.")
    fewest, most, glance_upto = 3, 14, 5
    joiner = ", "

    def draw(self, draw: Draw, steps: int) -> Problem:
        word = draw.pick(_words(draw.split)[steps] or REAL_WORDS)
        doubled = [letter for letter in sorted(set(word)) if word.count(letter) > 1]
        letter = draw.pick(doubled or word) if draw.chance(0.5) else draw.pick(word)
        if draw.chance(0.08):
            letter = draw.pick("aeionrst")
        upper = draw.chance(0.06)
        shown = word.upper() if upper else word.capitalize() if draw.chance(0.05) else word
        frame = draw.frame(ASKS)
        return Problem(
            family=self.name,
            question=frame.format(l=letter.upper() if upper else letter, w=shown, n=draw.name(NAMES)),
            key=word,
            frames=tuple(draw.frames),
            start="0",
            opening=f"{word}:",
            items=tuple((each,) for each in word),
            table={"letter": letter},
        )

    def step(self, problem: Problem, state: str, index: int) -> str:
        return str(int(state) + (problem.items[index][0] == problem.table["letter"]))

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        letter = problem.items[index][0]
        return f"{letter} ({after})" if EVERY_LETTER or after != before else letter

    def guess(self, rng: random.Random, problem: Problem) -> str:
        return str(rng.choice((0, 1, 1, 2, 2, 3, 4)))

    def slip(self, rng: random.Random, problem: Problem, before: str, index: int) -> str:
        right = int(self.step(problem, before, index))
        return str(int(before) if right > int(before) else int(before) + 1)


_WORDS: dict[str, dict[int, list[str]]] = {}


def _words(split: str) -> dict[int, list[str]]:
    """The words of a split by their length."""
    if split not in _WORDS:
        by_length: dict[int, list[str]] = {}
        for word in REAL_WORDS:
            if split_of(Letters.name, word) == split:
                by_length.setdefault(len(word), []).append(word)
        _WORDS[split] = {n: by_length.get(n, []) for n in range(1, 40)}
    return _WORDS[split]
