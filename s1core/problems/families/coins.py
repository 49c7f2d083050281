"""Prices: so many things at a price each, the sum of them, the change."""

from __future__ import annotations

from s1core.problems.arithmetic import Arithmetic
from s1core.problems.english import a, count, each, listed, plural, sentence
from s1core.problems.problem import Draw, Item, Problem
from s1core.problems.words import NAMES

GOODS = each(
    "pen book cup ball cake hat ticket toy apple notebook sandwich lamp scarf mug pizza magazine cap rose kite "
    "poster candle brush ruler balloon muffin egg onion umbrella"
)
PRICES = (
    "{A} costs {p} dollars.",
    "One {g} costs {p} dollars.",
    "{A} is {p} dollars.",
    "The price of {a} is {p} dollars.",
    "{P} cost {p} dollars each.",
    "For {a} you pay {p} dollars.",
    "Each {g} is {p} dollars.",
    "{A} sells for {p} dollars.",
    "They ask {p} dollars for {a}.",
    "The shop sells {ps} at {p} dollars each.",
    "You can get {a} for {p} dollars.",
    "{P} are {p} dollars apiece.",
)
ASKS = (
    "How much do {list} cost?",
    "What is the price of {list}?",
    "How many dollars do {list} cost?",
    "{n} buys {list}. How much does {n} pay?",
    "What do {list} cost together?",
    "How much are {list}?",
    "{n} wants {list}. How many dollars does {n} need?",
    "What must {n} pay for {list}?",
    "How much money do I need for {list}?",
    "If you buy {list}, what is the total?",
    "{n} takes {list}. What does it come to?",
    "Find the cost of {list}.",
    "{n} orders {list}. How much is that in dollars?",
    "What does {n} spend on {list}?",
)
CHANGE_ASKS = (
    "{n} buys {list} and pays with {m} dollars. How much change does {n} get?",
    "{n} has {m} dollars and buys {list}. How many dollars are left?",
    "How much is left of {m} dollars after buying {list}?",
    "{n} hands over {m} dollars for {list}. How many dollars come back?",
    "You pay {m} dollars for {list}. What is the change?",
    "From {m} dollars {n} buys {list}. How much money remains?",
    "What change does {n} get from {m} dollars for {list}?",
    "{n} takes {list} to the till with {m} dollars. How much does {n} keep?",
    "I had {m} dollars and bought {list}. How much do I have now?",
    "{n} spends part of {m} dollars on {list}. How much is not spent?",
    "If {list} are bought with {m} dollars, what is the change?",
    "With {m} dollars in the purse, {n} buys {list}. What is left in the purse?",
)


class Coins(Arithmetic):
    """One to three kinds of goods; steps are products, sums and at times the change."""

    name = "coins"
    description = "what goods cost together, and the change"
    examples = (
        "A pen costs 3 dollars. How much do 4 pens cost?",
        "A pen costs 3 dollars. A cup costs 5 dollars. How much do 4 pens and 2 cups cost?",
    )
    fewest, most, glance_upto = 1, 6, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        kinds, change = (steps + 1) // 2, steps % 2 == 0
        goods = draw.some(GOODS, kinds)
        prices = [draw.number(2, 12) for _ in goods]
        counts = [draw.number(2, 12 if kinds == 1 else 6) for _ in goods]
        items: list[Item] = []
        total = ""
        for i, (number, price) in enumerate(zip(counts, prices, strict=True)):
            items.append(("times", str(number), str(price)))
            if i:
                items.append(("plus", total, "@"))
            total = f"@{len(items) - 1}"
        sum_ = sum(number * price for number, price in zip(counts, prices, strict=True))
        paid = 0
        if change:
            paid = max(sum_ + draw.number(1, 9), draw.pick((10, 20, 50, 100)) if sum_ < 100 else 0)
            items.append(("minus", str(paid), total))
        buyer = draw.name(NAMES)
        told = [
            draw.frame(PRICES).format(p=price, **_good_slots(good)) for good, price in zip(goods, prices, strict=True)
        ]
        bought = listed([count(number, good) for number, good in zip(counts, goods, strict=True)])
        ask = draw.frame(CHANGE_ASKS if change else ASKS).format(list=bought, n=buyer, m=paid)
        return Problem(
            family=self.name,
            question=f"{' '.join(map(sentence, told))} {sentence(ask)}",
            key=f"{'+'.join(f'{n}x{p}' for n, p in zip(counts, prices, strict=True))}<{paid}",
            frames=tuple(draw.frames),
            start="",
            opening="",
            items=tuple(items),
        )


def _good_slots(good: str) -> dict[str, str]:
    return {"g": good, "a": a(good), "A": sentence(a(good)), "ps": plural(good), "P": sentence(plural(good))}
