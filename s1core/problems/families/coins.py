"""Prices and coins: so many things at a price each, the sum of them, the change."""

from __future__ import annotations

from s1core.problems.arithmetic import LAST, Arithmetic
from s1core.problems.english import a, count, each, listed, plural, sentence
from s1core.problems.problem import Draw, Item, Problem
from s1core.problems.subjects import draw_subject

GOODS = each(
    "pen book cup ball cake hat ticket toy apple notebook sandwich lamp scarf mug pizza magazine cap rose kite "
    "poster candle brush ruler balloon muffin egg onion umbrella"
)
COINS = (
    ("nickel", 5),
    ("dime", 10),
    ("5-cent coin", 5),
    ("10-cent coin", 10),
    ("2-cent coin", 2),
    ("20-cent coin", 20),
)
PRICES = (
    "{A} costs {p}.",
    "One {g} costs {p}.",
    "{A} is {p}.",
    "The price of {a} is {p}.",
    "{P} cost {p} each.",
    "For {a} you pay {p}.",
    "Each {g} is {p}.",
    "{A} sells for {p}.",
    "They ask {p} for {a}.",
    "The shop sells {ps} at {p} each.",
    "You can get {a} for {p}.",
    "{P} are {p} apiece.",
)
ASKS = (
    "How much do {list} cost?",
    "What is the price of {list}?",
    "How many {d} do {list} cost?",
    "{N} {buys} {list}. How much {does} {n} pay?",
    "What do {list} cost together?",
    "How much are {list}?",
    "{N} {wants} {list}. How many {d} {does} {n} need?",
    "What must {n} pay for {list}?",
    "How much money do I need for {list}?",
    "If you buy {list}, what is the total?",
    "{N} {takes} {list}. What does it come to?",
    "Find the cost of {list}.",
    "{N} {orders} {list}. How much is that in {d}?",
    "What {does} {n} spend on {list}?",
)
CHANGE_ASKS = (
    "{N} {buys} {list} with {m}. How much change {does} {n} get?",
    "{N} {has} {m} and {buys} {list}. How many {d} are left?",
    "How much is left of {m} after buying {list}?",
    "{N} {hands} over {m} for {list}. How many {d} come back?",
    "You pay {m} for {list}. What is the change?",
    "From {m} {n} {buys} {list}. How much money remains?",
    "What change {does} {n} get from {m} for {list}?",
    "{N} {takes} {list} to the till with {m}. How much {does} {n} keep?",
    "I had {m} and bought {list}. How much do I have now?",
    "{N} {spends} part of {m} on {list}. How much is not spent?",
    "If {list} are bought with {m}, what is the change?",
    "With {m} in the purse, {n} {buys} {list}. What is left in the purse?",
)
ONE_LINE = (
    "How much do {c} cost at {p} each?",
    "What do {c} cost if one is {p}?",
    "{c} at {p} each: how much is that?",
    "If one {g} costs {p}, how much do {c} cost?",
    "{N} {buys} {c} for {p} each. How much {does} {n} pay?",
    "What is the price of {c} when each costs {p}?",
    "At {p} per {g}, how much are {c}?",
    "How many {d} do you pay for {c} at {p} apiece?",
    "{N} {pays} {p} for each of {c}. How much is that in all?",
    "What is the total for {c} at {p} a piece?",
    "{N} {sells} {c} for {p} each. How many {d} {does} {n} get?",
    "With {p} for one {g}, what do {c} come to?",
)
PURSE_ASKS = (
    "{N} {has} {list}. How many cents is that?",
    "How many cents are {list}?",
    "What are {list} worth in cents?",
    "In the purse there are {list}. How many cents are in it?",
    "{N} {finds} {list}. How many cents {does} {n} have?",
    "What is the value of {list} in cents?",
    "{N} {pays} with {list}. How many cents {does} {n} pay?",
    "How much money, in cents, are {list}?",
    "There are {list} on the table. How many cents are they together?",
    "A jar holds {list}. What is that in cents?",
    "{N} {counts} {list}. What is the sum in cents?",
    "Add up {list}. How many cents do you get?",
)
_VERBS = each("buy want take order hand spend pay sell find count")


class Coins(Arithmetic):
    """One to three kinds of goods or coins; steps are products, sums and at times the change."""

    name = "coins"
    description = "what goods cost together, the change, and what coins are worth"
    examples = {
        "A pen costs 3 dollars. How much do 4 pens cost?": "12",
        "A pen costs 3 dollars. A cup costs 5 dollars. How much do 4 pens and 2 cups cost?": "22",
    }
    fewest, most, glance_upto = 1, 6, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        kinds, change = (steps + 1) // 2, steps % 2 == 0
        coins = not change and draw.chance(0.2)
        priced = draw.some(COINS, kinds) if coins else [(good, draw.number(2, 12)) for good in draw.some(GOODS, kinds)]
        counts = [draw.number(2, 12) if kinds == 1 else draw.number(1, 6) for _ in priced]
        items, total = list[Item](), ""
        for i, (number, (_, price)) in enumerate(zip(counts, priced, strict=True)):
            items.append(("times", str(number), str(price)))
            if i:
                items.append(("plus", total, LAST))
            total = f"@{len(items) - 1}"
        due, paid = sum(number * price for number, (_, price) in zip(counts, priced, strict=True)), 0
        if change:
            round_sums = [note for note in (10, 20, 50, 100) if note > due]
            paid = round_sums[0] if round_sums and draw.chance(0.5) else due + draw.number(1, 20)
            items.append(("minus", str(paid), total))
        return Problem(
            family=self.name,
            question=self._question(draw, counts, priced, paid, coins=coins),
            key=f"{coins} {'+'.join(f'{n}x{p}' for n, (_, p) in zip(counts, priced, strict=True))}<{paid}",
            frames=tuple(draw.frames),
            start="",
            opening="",
            items=tuple(items),
        )

    def _question(self, draw: Draw, counts: list[int], priced: list[tuple[str, int]], paid: int, *, coins: bool) -> str:
        subject = draw_subject(draw)
        third = subject.present == "third"
        slots = {f"{verb}s": f"{verb}s" if third else verb for verb in _VERBS}
        slots |= subject.slots() | {"N": sentence(subject.who)}
        bought = [count(number, thing) for number, (thing, _) in zip(counts, priced, strict=True)]
        if coins:
            return sentence(draw.frame(PURSE_ASKS).format(list=listed(bought), **slots))
        unit = draw.pick(("dollar", "dollar", "euro", "coin"))
        sign = unit == "dollar" and draw.chance(0.3)
        money = {n: f"${n}" if sign else count(n, unit) for n in (paid, *(price for _, price in priced))}
        slots["d"] = plural(unit)
        if len(priced) == 1 and not paid and draw.chance(0.4):
            good, price = priced[0]
            return sentence(draw.frame(ONE_LINE).format(c=bought[0], p=money[price], g=good, **slots))
        told = [draw.frame(PRICES).format(p=money[price], **_good_slots(good)) for good, price in priced]
        ask = draw.frame(CHANGE_ASKS if paid else ASKS).format(list=listed(bought), m=money[paid], **slots)
        return f"{' '.join(map(sentence, told))} {sentence(ask)}"


def _good_slots(good: str) -> dict[str, str]:
    return {"g": good, "a": a(good), "A": sentence(a(good)), "ps": plural(good), "P": sentence(plural(good))}
