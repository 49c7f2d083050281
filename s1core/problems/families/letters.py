"""Counting a letter, the vowels, or all letters, by spelling the word out."""

from __future__ import annotations

import random
from functools import cache

from s1core.nano.question import Split
from s1core.problems.family import Family
from s1core.problems.problem import Draw, Problem, split_of
from s1core.problems.words import NAMES, spelling_words

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
    "Look at the word '{w}'. How many {l}'s does it contain?",
    "Spell {w}. How many {l}'s did you write?",
    "Count the {l}'s in {w}.",
    'How many "{l}" are in "{w}"?',
    "{n} writes the word {w}. How many times does {n} write {l}?",
    "How many of the letters in {w} are {l}?",
    "How many {l}'s can you find in '{w}'?",
    "How many times must I type {l} to write {w}?",
    "The word is {w}. How many {l}'s does it have?",
)
VOWEL_ASKS = (
    "How many vowels are in {w}?",
    "How many vowels does the word {w} have?",
    "Count the vowels in '{w}'.",
    "What is the number of vowels in {w}?",
    "How many of the letters in {w} are vowels?",
    "Tell me how many vowels {w} has.",
    'How many vowels can you find in "{w}"?',
    "The word is {w}. How many vowels does it have?",
    "How many vowels (a, e, i, o, u) are there in {w}?",
    "In the word {w}, how many vowels do you see?",
)
LENGTH_ASKS = (
    "How many letters are in {w}?",
    "How many letters does the word {w} have?",
    "Count the letters of '{w}'.",
    "What is the number of letters in {w}?",
    "How long is the word {w}, in letters?",
    "Tell me how many letters {w} has.",
    'How many letters do you need to write "{w}"?',
    "Spell {w}. How many letters is that?",
    "The word is {w}. How many letters does it have?",
    "How many letters make up the word {w}?",
)
EVERY_LETTER = False
"""Whether the running count stands behind every letter, or only behind those that are counted."""
VOWELS = "aeiou"
SHORTEST, LONGEST = 3, 12


class Letters(Family):
    """The state is the count."""

    name = "letters"
    description = "how often a letter occurs in a word, how many vowels or letters it has"
    examples = {
        "How many r in raspberry?": "3",
        "Count the letter t in 'committee'.": "2",
        "How many vowels are in banana?": "3",
    }
    fewest, most, glance_upto = SHORTEST, LONGEST, 5
    joiner = ", "

    def draw(self, draw: Draw, steps: int) -> Problem:
        words = _words(draw.split)
        word = draw.pick(words[min(words, key=lambda length: abs(length - steps))])
        kind = draw.rng.random()
        if kind < 0.12:
            counted, frame = VOWELS, draw.frame(VOWEL_ASKS)
        elif kind < 0.22:
            counted, frame = "".join(sorted(set(word))), draw.frame(LENGTH_ASKS)
        else:
            counted, frame = self._letter(draw, word), draw.frame(ASKS)
        upper = draw.chance(0.06)
        shown = word.upper() if upper else word.capitalize() if draw.chance(0.05) else word
        letter = counted.upper() if upper else counted
        return Problem(
            family=self.name,
            question=frame.format(l=letter, w=shown, n=draw.name(NAMES) if "{n}" in frame else ""),
            key=word,
            frames=tuple(draw.frames),
            start="0",
            opening=f"{word}:",
            items=tuple((each,) for each in word),
            table={"counted": counted},
        )

    def _letter(self, draw: Draw, word: str) -> str:
        """A letter of the word, often one that it has twice; now and then one that it lacks."""
        if draw.chance(0.08):
            return draw.pick("aeionrst")
        doubled = [letter for letter in sorted(set(word)) if word.count(letter) > 1]
        return draw.pick(doubled) if doubled and draw.chance(0.5) else draw.pick(word)

    def step(self, problem: Problem, state: str, index: int) -> str:
        return str(int(state) + (problem.items[index][0] in problem.table["counted"]))

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        letter = problem.items[index][0]
        return f"{letter} ({after})" if EVERY_LETTER or after != before else letter

    def guess(self, rng: random.Random, problem: Problem) -> str:
        if len(problem.table["counted"]) > 1:
            return str(max(1, int(self.answer(problem)) + rng.choice((-2, -1, 0, 1, 2))))
        return str(rng.choice((0, 1, 1, 2, 2, 3, 4)))

    def slip(self, rng: random.Random, problem: Problem, before: str, index: int) -> str:
        right = int(self.step(problem, before, index))
        return str(int(before) if right > int(before) else int(before) + 1)


@cache
def _words(split: Split) -> dict[int, list[str]]:
    """The words of a split by their length. What visitors are sure to try is in the test split."""
    by_length: dict[int, list[str]] = {}
    for word in spelling_words():
        if split_of(Letters.name, word) == split:
            by_length.setdefault(len(word), []).append(word)
    return by_length
