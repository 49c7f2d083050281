"""Simple logic: chains of if and then, of all and no, of who lies, and what is left for whom."""

from __future__ import annotations

import random

from s1core.problems.english import a, listed, plural, sentence
from s1core.problems.families.logic_words import (
    BARE,
    CLASS_ASKS,
    EVERY,
    EXCLUDED,
    HAVE_ALL,
    HONEST,
    IF,
    IS_ONE,
    KINDS,
    LEFT_THING_ASKS,
    LEFT_WHO_ASKS,
    LIAR,
    NONE,
    POSSESSIONS,
    RULE_ASKS,
    SAYS_LIES,
    SAYS_TRUE,
    TAKEN,
    TRUTH_ASKS,
    Doing,
)
from s1core.problems.family import Family
from s1core.problems.problem import Draw, Item, Problem
from s1core.problems.words import NAMES

YES, NO = "yes", "no"


class Logic(Family):
    """The state is what is known so far: a sentence, a kind, truth or lie, or the things that are left."""

    name = "logic"
    description = "yes or no by rules, liars, and who is left with what"
    examples = {
        "If Ann sings, Bob dances. If Bob dances, Carl claps. Ann sings. Does Carl clap?": "yes",
        "Ann tells the truth. Ann says that Bob lies. Bob says that Carl lies. Does Carl tell the truth?": "yes",
        "Ann, Bob and Carl have a cat, a dog and a fish. Ann has the dog. Bob does not have the fish. What does Carl have?": "fish",
    }
    fewest, most, glance_upto = 2, 5, 2

    def draw(self, draw: Draw, steps: int) -> Problem:
        kinds = (
            (self._rules, self._classes, self._liars)
            if steps > 3
            else (self._rules, self._classes, self._liars, self._left)
        )
        return draw.pick(kinds)(draw, steps)

    def _rules(self, draw: Draw, steps: int) -> Problem:
        """If one does this, another does that, and so on; some do not."""
        people = draw.names(steps + 1, NAMES)
        doings = draw.some(Doing.all(), steps + 1)
        holds = [draw.chance(0.75)]
        told, items = list[str](), list[Item]()
        for i in range(steps):
            before, after = (people[i], doings[i]), (people[i + 1], doings[i + 1])
            holds.append(holds[-1] if draw.chance(0.65) else not holds[-1])
            told.append(_rule(draw, before, after, holds[i], holds[i + 1]))
            if draw.chance(0.35):  # what would follow otherwise
                told.append(_rule(draw, before, after, not holds[i], not holds[i + 1]))
            items.append(("rule", doings[i + 1].says(people[i + 1], holds[i + 1])))
        fact = doings[0].says(people[0], holds[0])
        if draw.chance(0.5):
            draw.rng.shuffle(told)
        told.insert(draw.pick((0, len(told))), draw.frame(BARE).format(fact=fact))
        ask = draw.frame(RULE_ASKS).format(
            ask=doings[-1].asks(people[-1]), statement=doings[-1].says(people[-1], holds=True)
        )
        return Problem(
            family=self.name,
            question=f"{' '.join(map(sentence, told))} {sentence(ask)}",
            key=f"rules:{' '.join(people)}:{holds}:{' '.join(d.base for d in doings)}",
            frames=tuple(draw.frames),
            start=fact,
            opening=f"{sentence(fact)}.",
            items=tuple(items),
            table={"kind": "rules", "yes": doings[-1].says(people[-1], holds=True)},
        )

    def _classes(self, draw: Draw, steps: int) -> Problem:
        """All of these are those; none of those are such."""
        who, negative = draw.name(NAMES), draw.chance(0.5)
        world, others = draw.pick([kind for kind in KINDS if len(kind[0]) > steps])
        kinds = [world[place] for place in sorted(draw.some(range(len(world)), steps + 1))]
        if negative and others:
            kinds[-1] = draw.pick(others)
        told, items = list[str](), list[Item]()
        for i in range(steps):
            none = negative and i == steps - 1
            frame = draw.frame(NONE if none else EVERY)
            told.append(frame.format(**_kind_slots(kinds[i], kinds[i + 1])))
            items.append(("none" if none else "every", kinds[i], kinds[i + 1]))
        if draw.chance(0.4):
            draw.rng.shuffle(told)
        told.insert(draw.pick((0, len(told))), draw.frame(IS_ONE).format(n=who, ax=a(kinds[0])))
        ask = draw.frame(CLASS_ASKS).format(n=who, ay=a(kinds[-1]))
        return Problem(
            family=self.name,
            question=f"{' '.join(map(sentence, told))} {ask}",
            key=f"classes:{who}:{negative}:{' '.join(kinds)}",
            frames=tuple(draw.frames),
            start=kinds[0],
            opening=f"{who} is {a(kinds[0])}.",
            items=tuple(items),
            table={"kind": "classes"},
        )

    def _liars(self, draw: Draw, steps: int) -> Problem:
        """Each says of the next that he lies or not."""
        people, honest = draw.names(steps + 1, NAMES), draw.chance(0.6)
        told = [draw.frame(HONEST if honest else LIAR).format(x=people[0])]
        items: list[Item] = []
        for x, y in zip(people, people[1:], strict=False):
            says_true = draw.chance(0.4)
            told.append(draw.frame(SAYS_TRUE if says_true else SAYS_LIES).format(x=x, y=y))
            items.append(("says", x, y, "true" if says_true else "lie"))
        ask = draw.frame(TRUTH_ASKS).format(y=people[-1])
        return Problem(
            family=self.name,
            question=f"{' '.join(told)} {ask}",
            key=f"liars:{honest}:{' '.join(people)}:{' '.join(item[3] for item in items)}",
            frames=tuple(draw.frames),
            start="true" if honest else "lie",
            opening=f"{people[0]} {'tells the truth' if honest else 'lies'}.",
            items=tuple(items),
            table={"kind": "liars"},
        )

    def _left(self, draw: Draw, steps: int) -> Problem:
        """Everybody has one thing; one after another is found out."""
        people = draw.names(steps + 1, NAMES)
        things = draw.some(draw.pick(POSSESSIONS), steps + 1)
        told = [
            draw.frame(HAVE_ALL).format(
                people=listed(people), things=listed([a(t) for t in draw.some(things, len(things))])
            )
        ]
        facts, items = list[str](), list[Item]()
        for i in range(steps):
            who, left = people[i], things[i:]
            if i == 0 or (len(left) > 2 and draw.chance(0.5)):
                facts.append(draw.frame(TAKEN).format(x=who, t=left[0]))
            else:
                facts.append(draw.frame(EXCLUDED).format(x=who, t=listed([f"the {t}" for t in left[1:]], "or")))
            items.append(("has", who, left[0]))
        items.append(("has", people[-1], things[-1]))
        told += facts
        by_thing = draw.chance(0.5)
        if by_thing:
            ask = draw.frame(LEFT_WHO_ASKS).format(t=things[-1])
        else:
            ask = draw.frame(LEFT_THING_ASKS).format(x=people[-1])
        return Problem(
            family=self.name,
            question=f"{sentence(' '.join(told))} {ask}",
            key=f"left:{' '.join(people)}:{' '.join(things)}",
            frames=tuple(draw.frames),
            start=" ".join(things),
            opening="",
            items=tuple(items),
            table={"kind": "left", "answer": people[-1] if by_thing else things[-1], "people": " ".join(people)},
        )

    def step(self, problem: Problem, state: str, index: int) -> str:
        kind, *rest = problem.items[index]
        match kind:
            case "rule":
                return rest[0]
            case "every" | "none":
                return rest[1] if kind == "every" else f"not {rest[1]}"
            case "says":
                return "true" if (state == "true") == (rest[2] == "true") else "lie"
            case _:
                return " ".join(thing for thing in state.split() if thing != rest[1]) or "nothing"

    def write(self, problem: Problem, before: str, index: int, after: str) -> str:
        kind, *rest = problem.items[index]
        match kind:
            case "rule":
                return f"So {after}."
            case "every":
                return f"Every {rest[0]} is {a(rest[1])}."
            case "none":
                return f"No {rest[0]} is {a(rest[1])}."
            case "says":
                words = {"true": "tells the truth", "lie": "lies"}
                return f"{rest[0]} {words[before]} and says {rest[1]} {words[rest[2]]}, so {rest[1]} {words[after]}."
            case _:
                left = "" if after == "nothing" else f" Left: {', '.join(after.split())}."
                return f"{rest[0]} has the {rest[1]}.{left}"

    def final(self, problem: Problem, state: str) -> str:
        match problem.table["kind"]:
            case "rules":
                return YES if state == problem.table["yes"] else NO
            case "classes":
                return NO if state.startswith("not ") else YES
            case "liars":
                return YES if state == "true" else NO
            case _:
                return problem.table["answer"]

    def guess(self, rng: random.Random, problem: Problem) -> str:
        if problem.table["kind"] != "left":
            return rng.choice((YES, NO))
        answer = problem.table["answer"]
        people = problem.table["people"].split()
        return rng.choice(people if answer in people else problem.start.split())

    def slips(self, problem: Problem) -> bool:
        return problem.table["kind"] == "liars"

    def slip(self, rng: random.Random, problem: Problem, before: str, index: int) -> str:
        return "lie" if self.step(problem, before, index) == "true" else "true"


def _rule(draw: Draw, before: tuple[str, Doing], after: tuple[str, Doing], if_holds: bool, then_holds: bool) -> str:
    (x, doing), (y, then) = before, after
    return draw.frame(IF).format(if_=doing.says(x, if_holds), then=then.says(y, then_holds))


def _kind_slots(x: str, y: str) -> dict[str, str]:
    return {"x": x, "y": y, "ax": a(x), "ay": a(y), "xs": plural(x), "ys": plural(y)}
