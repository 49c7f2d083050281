"""Families over symbols: letters of a word, hops on a map, a ball under cups."""

from __future__ import annotations

import random
import re
from functools import cache

from s1core.nano.family import Family
from s1core.nano.question import Puzzle
from s1core.nano.words import REAL_WORDS, made_up_word

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


@cache
def _real_words(length: int) -> tuple[str, ...]:
    return tuple(sorted({word for word in REAL_WORDS if len(word) == length}))


class Letters(Family):
    """Occurrences of a letter: the count is written after every letter."""

    name = "letters"
    description = "how often a letter occurs in a lower-case word"
    examples = ("How many r in raspberry?", "How many s in mississippi?", "How many e in elderberry?")
    fewest, most, goes_on_from = 5, 14, 10
    pattern = re.compile(
        r"How many ([a-z])(?:'?s)?(?: are)?(?: there)? in (?:the word )?\"?([a-z]{2,24})\"?\??", re.IGNORECASE
    )

    def draw(self, rng: random.Random, steps: int) -> Puzzle:
        known = _real_words(steps)
        word = rng.choice(known) if known and rng.random() < 0.3 else made_up_word(rng, steps)
        inside = rng.random()
        # Half the time a letter that comes back, so that "1" is no good guess.
        often = [letter for letter in word if word.count(letter) > 1]
        pool = often if often and inside < 0.6 else list(word) if inside < 0.9 else list(_ALPHABET)
        return self._puzzle(rng.choice(pool), word, rng.random() < 0.1)

    def _puzzle(self, letter: str, word: str, apostrophe: bool = False) -> Puzzle:
        plural = f"{letter}'s" if apostrophe else letter
        return Puzzle(
            family=self.name,
            question=f"How many {plural} in {word}?",
            key=word,
            start="0",
            items=tuple(word),
            table={"letter": letter},
        )

    def read(self, match: re.Match[str]) -> Puzzle | None:
        return self._puzzle(match.group(1).lower(), match.group(2).lower())

    def step(self, puzzle: Puzzle, state: str, index: int) -> str:
        return str(int(state) + (puzzle.items[index] == puzzle.table["letter"]))

    def write(self, puzzle: Puzzle, state: str, index: int) -> str:
        return f"{puzzle.items[index]}{state}"

    def guess(self, rng: random.Random, puzzle: Puzzle) -> str:
        return str(rng.randint(0, 4))


class Hops(Family):
    """Following arrows on a map, numbered so that the last hop is known."""

    name = "hops"
    description = "where you are after following arrows a number of times"
    examples = ("Map a>d d>k k>b b>g g>a. From a, 7 hops.", "Map q>c c>t t>m m>x x>q. From m, 4 hops.")
    fewest, most, goes_on_from = 3, 12, 6
    pattern = re.compile(r"Map ((?:[a-z]>[a-z],? ?){2,20})\.? ?From ([a-z]),? (\d{1,2}) hops?[.?]?", re.IGNORECASE)

    def draw(self, rng: random.Random, steps: int) -> Puzzle:
        places = rng.sample(_ALPHABET, rng.randint(5, 7))
        arrows = [f"{a}>{b}" for a, b in zip(places, places[1:] + places[:1], strict=True)]
        rng.shuffle(arrows)
        return self._puzzle(arrows, rng.choice(places), steps)

    def _puzzle(self, arrows: list[str], start: str, hops: int) -> Puzzle:
        task = f"{' '.join(arrows)}. From {start}, {hops} hops."
        return Puzzle(
            family=self.name,
            question=f"Map {task}",
            key=task,
            start=start,
            items=tuple(str(i) for i in range(1, hops + 1)),
            table={arrow[0]: arrow[2] for arrow in arrows},
        )

    def read(self, match: re.Match[str]) -> Puzzle | None:
        arrows = re.findall(r"[a-z]>[a-z]", match.group(1).lower())
        sources = {arrow[0] for arrow in arrows}
        closed = len(sources) == len(arrows) and all(arrow[2] in sources for arrow in arrows)
        hops = int(match.group(3))
        return (
            self._puzzle(arrows, match.group(2).lower(), hops)
            if closed and match.group(2).lower() in sources and hops
            else None
        )

    def step(self, puzzle: Puzzle, state: str, index: int) -> str:
        return puzzle.table[state]

    def write(self, puzzle: Puzzle, state: str, index: int) -> str:
        return f"{puzzle.items[index]}{state}"

    def guess(self, rng: random.Random, puzzle: Puzzle) -> str:
        return rng.choice(sorted(puzzle.table))


class Cups(Family):
    """A ball under one of seven cups that are swapped in pairs."""

    name = "cups"
    description = "where the ball is after cups were swapped"
    examples = ("Ball under cup 2. Swap 1-3, 2-5, 1-4.", "Ball under cup 6. Swap 6-3, 1-3, 1-7, 2-4, 7-5.")
    fewest, most, goes_on_from = 3, 10, 7
    pattern = re.compile(
        r"(?:The )?ball (?:is )?under cup (\d)\. Swap (\d-\d(?:,? (?:and )?\d-\d){0,19})\.?(?: Where is (?:it|the ball)\?)?",
        re.IGNORECASE,
    )
    cups = "1234567"

    def draw(self, rng: random.Random, steps: int) -> Puzzle:
        start = ball = rng.choice(self.cups)
        swaps: list[str] = []
        while len(swaps) < steps:
            pair = rng.sample(self.cups, 2)
            if ball not in pair and rng.random() < 0.5:
                pair[rng.randrange(2)] = ball
            swap = "-".join(pair)
            if (swap in swaps or swap[::-1] in swaps) and rng.random() < 0.95:
                continue
            swaps.append(swap)
            ball = pair[1 - pair.index(ball)] if ball in pair else ball
        return self._puzzle(start, swaps)

    def _puzzle(self, start: str, swaps: list[str]) -> Puzzle:
        return Puzzle(
            family=self.name,
            question=f"Ball under cup {start}. Swap {', '.join(swaps)}.",
            key=f"{start}:{','.join(swaps)}",
            start=start,
            items=tuple(swaps),
        )

    def read(self, match: re.Match[str]) -> Puzzle | None:
        swaps = re.findall(r"\d-\d", match.group(2))
        known = all(c in self.cups for c in "".join(swaps).replace("-", "") + match.group(1))
        return self._puzzle(match.group(1), swaps) if known and all(s[0] != s[2] for s in swaps) else None

    def step(self, puzzle: Puzzle, state: str, index: int) -> str:
        first, second = puzzle.items[index].split("-")
        return {first: second, second: first}.get(state, state)

    def write(self, puzzle: Puzzle, state: str, index: int) -> str:
        return f"{puzzle.items[index]}:{state}"

    def guess(self, rng: random.Random, puzzle: Puzzle) -> str:
        return rng.choice(self.cups)
