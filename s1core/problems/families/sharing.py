"""Equal groups: so many boxes with so many in each, things shared equally, halves and doubles."""

from __future__ import annotations

from s1core.problems.arithmetic import LAST, Arithmetic
from s1core.problems.english import count, plural, sentence
from s1core.problems.problem import Draw, Item, Problem
from s1core.problems.words import FOODS, NAMES, SMALL_THINGS

CONTAINERS = ("box", "bag", "basket", "jar", "pack", "drawer", "crate", "bucket", "bowl", "case")
GROUPS = ("children", "friends", "players", "students", "neighbors", "cousins", "guests", "teams", "families")
GROUPED = (
    "There are {k} {cs} with {b} {t} in each.",
    "{n} has {k} {cs}. Each {c} holds {b} {t}.",
    "Each {c} has {b} {t}, and there are {k} {cs}.",
    "{n} fills {k} {cs} with {b} {t} each.",
    "{k} {cs} hold {b} {t} each.",
    "I have {k} {cs} of {b} {t}.",
    "{n} buys {k} {cs} with {b} {t} in every {c}.",
    "We find {k} {cs}, each with {b} {t}.",
    "On {k} tables lie {b} {t} each.",
    "{n} puts {b} {t} into each of {k} {cs}.",
    "Every {c} contains {b} {t}. There are {k} {cs}.",
    "{k} people bring {b} {t} each.",
    "For {k} days {n} collects {b} {t} a day.",
)
GIVEN = (
    "{n} has {at}.",
    "There are {at}.",
    "I have {at}.",
    "We have {at}.",
    "{n} gets {at}.",
    "A bag holds {at}.",
    "{n} brings {at}.",
    "The teacher has {at}.",
    "{n} and a friend found {at}.",
    "The shop sends us {at}.",
)
SHARED = (
    "They are shared equally among {k} {g}.",
    "{k} {g} share them equally.",
    "They are divided equally between {k} {g}.",
    "{k} {g} get the same number each.",
    "They are split evenly among {k} {g}.",
    "They are given out fairly to {k} {g}.",
    "All are packed into {k} {cs}, the same number in each.",
    "They are put into {k} equal groups.",
    "{k} {g} divide them fairly.",
    "Everything is split into {k} equal parts.",
)
MORE = (
    "Then {a} more come{s}.",
    "{m} adds {a}.",
    "{m} brings {a} more.",
    "After that, {a} more {is_} found.",
    "Then {a} {is_} added.",
    "Later {m} puts in another {a}.",
)
FEWER = (
    "Then {a} {is_} lost.",
    "{m} takes {a} away.",
    "{a} of them break{s}.",
    "After that, {a} {is_} used.",
    "Then {m} gets {a} of them.",
    "Later {a} {is_} thrown away.",
)
EACH_MORE = (
    "Each of them gets {a} more.",
    "Then everyone is given {a} more.",
    "{m} gives each of them {a} more.",
    "Everyone finds another {a}.",
    "Each one adds {a}.",
)
EACH_FEWER = (
    "Each of them gives {a} back.",
    "Everyone loses {a}.",
    "Then each of them uses {a}.",
    "Each one passes {a} on.",
    "Everyone puts {a} aside.",
)
ASK_TOTAL = (
    "How many {t} are there?",
    "How many {t} are there in all?",
    "How many {t} is that?",
    "What is the total number of {t}?",
    "How many {t} are there altogether?",
    "How many {t} does that make?",
    "Find the number of {t}.",
    "So how many {t} do we have?",
    "Tell me how many {t} there are in total.",
    "How many {t} in total?",
    "How many {t} would you count?",
    "How many {t} are there now?",
)
ASK_EACH = (
    "How many {t} does each get?",
    "How many {t} are there for each?",
    "How many {t} does each one have?",
    "How many is that for each?",
    "How many {t} are in one share?",
    "What is each share?",
    "How many {t} does every one of them have in the end?",
    "Tell me how many each one has.",
    "How many {t} go to each?",
    "How big is one share?",
    "How many per share?",
    "So how many does each have?",
)
DIRECT = (
    "If {k} {g} share {at} equally, how many does each get?",
    "{at} are shared by {k} {g}. How many {t} does each get?",
    "How many {t} does each of {k} {g} get from {at}?",
    "{n} gives {at} to {k} {g}, the same number to each. How many {t} does each get?",
    "{at} fit into {k} {cs} equally. How many are in one {c}?",
    "What is {x} divided by {k}?",
    "How much is {x} / {k}?",
    "Divide {x} by {k}.",
)


class Sharing(Arithmetic):
    """One to four steps: a product or a quotient, and what happens before or after it."""

    name = "sharing"
    description = "equal groups and fair shares"
    examples = {
        "There are 4 boxes with 6 eggs in each. Ann takes 5 away. How many eggs are there?": "19",
        "20 cookies are shared equally among 4 children. How many does each get?": "5",
    }
    fewest, most, glance_upto = 1, 4, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        thing, container = draw.pick((*FOODS, *SMALL_THINGS)), draw.pick(CONTAINERS)
        slots = {"t": plural(thing), "c": container, "cs": plural(container), "g": draw.pick(GROUPS)}
        shared = draw.chance(0.5)
        items = self._shared(draw, steps) if shared else self._grouped(draw, steps)
        told: list[str] = []
        for i, (operation, left, right) in enumerate(items):
            told += self._sentences(
                draw, operation, left, right, thing, slots, first=i == 0, split=_split_before(items, i)
            )
        ask = draw.frame(ASK_EACH if any(item[0] == "over" for item in items) else ASK_TOTAL).format(**slots)
        question = f"{' '.join(map(sentence, told))} {ask}"
        if len(items) == 1 and shared and draw.chance(0.6):
            _, x, k = items[0]
            frame = draw.frame(DIRECT)
            name = draw.name(NAMES) if "{n}" in frame else ""
            question = sentence(frame.format(x=x, k=k, at=count(int(x), thing), n=name, **slots))
        return Problem(
            family=self.name,
            question=question,
            key=" ".join("".join(item) for item in items),
            frames=tuple(draw.frames),
            start="",
            opening="",
            items=items,
        )

    def _grouped(self, draw: Draw, steps: int) -> tuple[Item, ...]:
        k, b = draw.number(2, 10), draw.number(2, 10)
        items: list[Item] = [("times", str(k), str(b))]
        value = k * b
        for _ in range(steps - 1):
            item, value = _change(draw, value)
            items.append(item)
        return tuple(items)

    def _shared(self, draw: Draw, steps: int) -> tuple[Item, ...]:
        k, share = draw.number(2, 8), draw.number(2, 10)
        total = k * share
        before = draw.number(0, steps - 1)
        items: list[Item] = []
        if before == 0:
            items.append(("over", str(total), str(k)))
        elif draw.chance(0.4) and (
            pairs := [(a, total // a) for a in range(2, 11) if total % a == 0 and 2 <= total // a <= 10]
        ):
            a, b = draw.pick(pairs)
            items += [("times", str(a), str(b)), ("over", LAST, str(k))]
        else:
            change = draw.number(1, min(9, total - 1))
            start, operation = (total - change, "plus") if draw.chance(0.5) else (total + change, "minus")
            items += [(operation, str(start), str(change)), ("over", LAST, str(k))]
        value = share
        while len(items) < steps:
            item, value = _change(draw, value)
            items.append(item)
        return tuple(items)

    def _sentences(
        self,
        draw: Draw,
        operation: str,
        left: str,
        right: str,
        thing: str,
        slots: dict[str, str],
        *,
        first: bool,
        split: bool,
    ) -> list[str]:
        told: list[str] = []
        if first and operation != "times":
            told.append(_named(draw, draw.frame(GIVEN), at=count(int(left), thing), **slots))
        if operation == "times":
            told.append(_named(draw, draw.frame(GROUPED), k=left, b=right, **slots))
        elif operation == "over":
            told.append(draw.frame(SHARED).format(k=right, **slots))
        else:
            pools = (EACH_MORE, EACH_FEWER) if split else (MORE, FEWER)
            number = int(right)
            told.append(_named(draw, draw.frame(pools[operation == "minus"]), a=number, **_agree(number)))
        return told


def _change(draw: Draw, value: int) -> tuple[Item, int]:
    if value > 3 and draw.chance(0.5):
        less = draw.number(1, min(9, value - 1))
        return ("minus", LAST, str(less)), value - less
    more = draw.number(1, 12)
    return ("plus", LAST, str(more)), value + more


def _split_before(items: tuple[Item, ...], index: int) -> bool:
    return any(item[0] == "over" for item in items[:index])


def _agree(number: int) -> dict[str, str]:
    return {"s": "s" if number == 1 else "", "is_": "is" if number == 1 else "are"}


def _named(draw: Draw, frame: str, **slots: object) -> str:
    """The frame filled in, with a new name where it has one."""
    names = {slot: draw.name(NAMES) for slot in ("n", "m") if f"{{{slot}}}" in frame}
    return frame.format(**names, **slots)
