"""How many more: amounts of several people, compared or added."""

from __future__ import annotations

from s1core.problems.arithmetic import LAST, Arithmetic
from s1core.problems.english import count, each, in_words, plural
from s1core.problems.problem import Draw, Item, Problem
from s1core.problems.words import FOODS, NAMES, OBJECTS

SORTS = each("red blue green yellow big small old new")
GIVEN = (
    "{x} has {v}.",
    "{x} owns {v}.",
    "{x} collected {v}.",
    "{x} got {v}.",
    "{x} bought {v}.",
    "{x} found {v}.",
    "{x} counts {v}.",
    "{x} brought {v}.",
    "In {x}'s box there are {v}.",
    "{x} won {v}.",
    "{v} belong to {x}.",
    "{x} keeps {v}.",
)
MORE = (
    "{y} has {d} more than {x}.",
    "{y} has {d} more {t} than {x}.",
    "{x} has {d} fewer than {y}.",
    "{y} beats {x} by {d}.",
    "{y} has as many as {x} and {d} more.",
    "Compared with {x}, {y} has {d} more.",
)
FEWER = (
    "{y} has {d} fewer than {x}.",
    "{y} has {d} fewer {t} than {x}.",
    "{x} has {d} more than {y}.",
    "{y} has {d} less than {x}.",
    "Compared with {x}, {y} has {d} fewer.",
    "{x} beats {y} by {d}.",
)
TIMES = (
    "{y} has {k} as many as {x}.",
    "{y} has {k} as many {t} as {x}.",
    "{y} has {k} the number that {x} has.",
    "Compared with {x}, {y} has {k} as many.",
)
ASK_ONE = (
    "How many {t} does {y} have?",
    "How many does {y} have?",
    "What is the number of {t} that {y} has?",
    "How many {t} are {y}'s?",
    "Tell me how many {t} {y} has.",
    "So how many {t} has {y} got?",
    "How many {t} belong to {y}?",
    "Find the number of {y}'s {t}.",
    "Can you tell how many {t} {y} has?",
    "How many {t} can {y} count?",
    "Work out how many {t} {y} has.",
    "What number of {t} does {y} have?",
)
ASK_MORE = (
    "How many more {t} does {x} have than {y}?",
    "How many more does {x} have than {y}?",
    "By how many is {x} ahead of {y}?",
    "How many fewer {t} does {y} have than {x}?",
    "What is the difference in {t} between {x} and {y}?",
    "How many {t} does {y} need to have as many as {x}?",
    "{x} has more than {y}. How many more?",
    "How many {t} is {y} behind {x}?",
    "Tell me how many more {t} {x} has than {y}.",
    "How much bigger is {x}'s number than {y}'s?",
    "How many {t} must {y} get to catch up with {x}?",
    "By how many {t} does {x} beat {y}?",
)
ASK_SUM = (
    "How many {t} do they have together?",
    "How many {t} do they have in all?",
    "What is their total?",
    "How many {t} is that altogether?",
    "How many {t} do all of them have?",
    "If they put them together, how many {t} are there?",
    "What do they have in total?",
    "How many {t} are there in all?",
    "Find the total number of {t}.",
    "Add them up: how many {t}?",
    "So how many {t} have they got together?",
    "Tell me how many {t} they have all together.",
)


class Comparing(Arithmetic):
    """One to five steps: differences, sums, and amounts relative to others."""

    name = "comparing"
    description = "how many more, how many together, and amounts relative to others"
    examples = {
        "Ann has 12 books. Bob has 7 books. How many more books does Ann have than Bob?": "5",
        "Dan has 5 coins. Eva has twice as many as Dan. How many coins do they have together?": "15",
    }
    fewest, most, glance_upto = 1, 5, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        thing = draw.pick((*FOODS, *OBJECTS))
        kind = draw.rng.random()
        if steps <= 3 and kind < 0.45:
            asked, (told, ask, items) = "more", self._two_amounts(draw, steps, thing)
        elif kind < 0.7:
            asked, (told, ask, items) = "all", self._total(draw, steps, thing)
        else:
            asked, (told, ask, items) = "one", self._relative(draw, steps, thing)
        return Problem(
            family=self.name,
            question=f"{' '.join(told)} {ask}",
            key=f"{asked} {' '.join(''.join(item[:3]) for item in items)}",
            frames=tuple(draw.frames),
            start="",
            opening="",
            items=tuple(items),
        )

    def _two_amounts(self, draw: Draw, steps: int, thing: str) -> tuple[list[str], str, list[Item]]:
        """Two people with one or two parts each; asked is how many more one has."""
        x, y = draw.names(2, NAMES)
        parts = {1: (1, 1), 2: (2, 1), 3: (2, 2)}[steps]
        while True:
            mine = [draw.number(2, 30) for _ in range(parts[0])]
            yours = [draw.number(2, 30) for _ in range(parts[1])]
            if sum(mine) > sum(yours):
                break
        items: list[Item] = []
        refs: list[str] = []
        for who, amounts in ((x, mine), (y, yours)):
            if len(amounts) > 1:
                items.append(("plus", str(amounts[0]), str(amounts[1]), who))
                refs.append(f"@{len(items) - 1}")
            else:
                refs.append(str(amounts[0]))
        items.append(("minus", refs[0], refs[1], ""))
        colors = draw.some(SORTS, 2)
        told = [self._amount(draw, x, mine, thing, colors), self._amount(draw, y, yours, thing, colors)]
        if draw.chance(0.5):
            told.reverse()
        return told, draw.frame(ASK_MORE).format(x=x, y=y, t=plural(thing)), items

    def _amount(self, draw: Draw, who: str, amounts: list[int], thing: str, colors: list[str]) -> str:
        if len(amounts) == 1:
            return draw.frame(GIVEN[:8]).format(x=who, v=count(amounts[0], thing))
        both = " and ".join(count(n, f"{color} {thing}") for n, color in zip(amounts, colors, strict=True))
        return draw.frame(GIVEN[:8]).format(x=who, v=both)

    def _total(self, draw: Draw, steps: int, thing: str) -> tuple[list[str], str, list[Item]]:
        """Amounts of several people, added."""
        people = draw.names(steps + 1, NAMES)
        amounts = [draw.number(2, 30) for _ in people]
        items = [("plus", LAST if i else str(amounts[0]), str(n), "") for i, n in enumerate(amounts[1:])]
        told = [draw.frame(GIVEN).format(x=who, v=count(n, thing)) for who, n in zip(people, amounts, strict=True)]
        return told, draw.frame(ASK_SUM).format(t=plural(thing)), list(items)

    def _relative(self, draw: Draw, steps: int, thing: str) -> tuple[list[str], str, list[Item]]:
        """Amounts relative to somebody else's; asked is the last one, or with one step more the total of two."""
        together = steps == 2 and draw.chance(0.5)
        people = draw.names(steps + 1 - together, NAMES)
        value = draw.number(3, 20)
        told = [draw.frame(GIVEN).format(x=people[0], v=count(value, thing))]
        items: list[Item] = []
        now = value
        for x, y in zip(people, people[1:], strict=False):
            operation, by, frame, filled = _relation(draw, now)
            told.append(frame.format(x=x, y=y, t=plural(thing), **filled))
            items.append((operation, LAST if items else str(value), str(by), y))
            now = {"plus": now + by, "minus": now - by, "times": now * by}[operation]
        if together:
            items.append(("plus", str(value), LAST, ""))
            return told, draw.frame(ASK_SUM).format(t=plural(thing)), items
        return told, draw.frame(ASK_ONE).format(y=people[-1], t=plural(thing)), items

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        who, step = problem.items[index][3], super().write(problem, before, index, after)
        return f"{who}: {step}" if who else step


def _relation(draw: Draw, value: int) -> tuple[str, int, str, dict[str, str]]:
    """An operation, its number, and the sentence with what fills it."""
    if value <= 15 and draw.chance(0.25):
        by = draw.pick((2, 2, 3, 4))
        return "times", by, draw.frame(TIMES), {"k": "twice" if by == 2 else f"{in_words(by)} times"}
    if value > 4 and draw.chance(0.5):
        by = draw.number(1, min(12, value - 2))
        return "minus", by, draw.frame(FEWER), {"d": str(by)}
    by = draw.number(1, 15)
    return "plus", by, draw.frame(MORE), {"d": str(by)}
