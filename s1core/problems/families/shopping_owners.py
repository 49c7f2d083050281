"""Stories of the running count about an owner: in the present, in the past, or as one condition."""

from __future__ import annotations

from s1core.problems.english import agreeing, count, listed, plural, sentence, verb
from s1core.problems.families.shopping_scenes import LINKS
from s1core.problems.problem import Draw
from s1core.problems.subjects import Subject, draw_subject
from s1core.problems.words import FOODS, NAMES, OBJECTS

HAVE = (
    "have {at}",
    "start with {at}",
    "own {at}",
    "begin with {at}",
    "keep {at} in a box",
    "collect {at}",
    "buy {at}",
    "find {at} in a drawer",
    "bring {at} to school",
    "get {at} as a present",
    "carry {at} in a bag",
    "hold {at}",
    "count {at} at home",
)
GAIN = (
    "get {a} more",
    "buy {a} more",
    "find {a} more",
    "receive {a} from {m}",
    "win {a}",
    "pick up {a} more",
    "get {a} from {m}",
    "take {a} more from the shelf",
    "order {a} more",
    "borrow {a} from {m}",
    "add {a}",
    "earn {a}",
    "collect another {a}",
)
LOSE = (
    "give {a} to {m}",
    "lose {a}",
    "give away {a}",
    "sell {a}",
    "hand {a} to {m}",
    "throw away {a}",
    "lend {a} to {m}",
    "drop {a} in the river",
    "leave {a} on the train",
    "donate {a}",
    "return {a} to the shop",
    "put {a} in the trash",
    "trade {a} away",
)
EAT = ("eat {a}", "eat {a} of them", "cook {a}", "use up {a}", "have {a} for breakfast", "finish {a}")
GIVEN = (
    "{m} gives {him} {a} more",
    "{m} hands {him} another {a}",
    "{m} brings {him} {a}",
    "{m} sends {him} {a} more",
    "{a} more come{s} in the mail",
    "{m} passes {him} {a}",
    "{a} more {is_} found under the bed",
)
TAKEN = (
    "{m} takes {a} away",
    "{m} borrows {a}",
    "{a} {is_} stolen",
    "{a} get{s} lost",
    "{m} buys {a} from {him}",
    "{m} asks for {a} and gets {them}",
    "{a} of them {is_} given to {m}",
)
"""What others do; told in the present alone."""
ASKS_NOW = (
    "How many {t} {does} {n} have now?",
    "How many {t} {does} {n} have in the end?",
    "How many {t} {does} {he} have left?",
    "How many {does} {he} have now?",
    "What is the number of {t} that {n} {has} now?",
    "How many {t} does that make?",
    "Count the {t} that {n} {has} at the end.",
    "How many {t} {does} {he} end up with?",
    "Tell me how many {t} {n} {has} at the end.",
    "How many {t} {has} {n} got now?",
    "With how many {t} {does} {n} finish?",
    "How many {t} remain?",
    "How many {t} are left?",
    "So how many {t} {is_} {n} left with?",
    "What is {his} final number of {t}?",
)
ASKS_PAST = (
    "How many {t} did {n} have then?",
    "How many {t} did {n} have in the end?",
    "How many {t} were left?",
    "How many did {he} have at the end?",
    "How many {t} did that leave?",
    "With how many {t} did {he} go home?",
    "How many {t} did {he} have after all that?",
    "How many {t} {does} {n} have now?",
    "What was {his} final number of {t}?",
    "How many {t} did {he} end up with?",
    "How many {t} did {n} still have?",
    "Tell me how many {t} {n} had at the end.",
)
CONDITIONS = (
    "If {story}, how many {t} {does} {n} have?",
    "If {story}, how many {t} {does} {he} have now?",
    "Suppose {story}. How many {t} {does} {he} have?",
    "Say {story}. How many {t} is that?",
    "Imagine {story}. How many {t} are left?",
    "If {story}, how many {t} are left?",
    "How many {t} {does} {n} have if {story}?",
    "If {story}, what is the number of {t} then?",
    "{Story}. How many {t} does that make?",
    "If {story}, how many {t} remain?",
    "Let's say {story}. How many {t} {does} {he} have in the end?",
    "How many {t} are left when {story}?",
    "{Story}: how many {t} {does} {he} have?",
)


def draw_own_story(draw: Draw, start: int, changes: list[int]) -> tuple[list[str], str]:
    """The sentences of a story and its question; a condition is a question alone."""
    subject, edible, form = draw_subject(draw), draw.chance(0.45), draw.rng.random()
    thing = draw.pick(FOODS if edible else OBJECTS)
    slots = {**subject.slots(), "t": plural(thing)}
    have = draw.frame(HAVE).format(at=count(start, thing))
    if form < 0.22 and len(changes) <= 4:
        clauses = [have, *(_own_change(draw, change, edible) for change in changes)]
        story = f"{subject.who} {listed([verb(clause, subject.present) for clause in clauses])}"
        return [], sentence(draw.frame(CONDITIONS).format(story=story, Story=sentence(story), **slots))
    past = form < 0.5
    told = [f"{subject.who} {verb(have, 'past' if past else subject.present)}"]
    chained = False
    for change in changes:
        if not past and draw.chance(0.3):
            told.append(draw.pick(LINKS) + _done_to(draw, subject, change))
            chained = True
            continue
        clause = verb(_own_change(draw, change, edible), "past" if past else subject.present)
        if not chained and len(told) > 1 and draw.chance(0.35):
            told[-1] += f" and {clause}"
            chained = True
        else:
            who = subject.he if draw.chance(0.5) else subject.again
            told.append(f"{draw.pick(LINKS)}{who} {clause}")
            chained = False
    ask = draw.frame(ASKS_PAST if past else ASKS_NOW).format(**slots)
    return [f"{sentence(text)}." for text in told], sentence(ask)


def _own_change(draw: Draw, change: int, edible: bool) -> str:
    """A clause whose first word is a verb in its base form."""
    number = abs(change)
    frame = draw.frame(GAIN if change > 0 else EAT if edible and draw.chance(0.5) else LOSE)
    return frame.format(a=number, m=draw.name(NAMES) if "{m}" in frame else "")


def _done_to(draw: Draw, subject: Subject, change: int) -> str:
    """A whole clause about somebody else."""
    number = abs(change)
    frame = draw.frame(GIVEN if change > 0 else TAKEN)
    other = draw.name(NAMES) if "{m}" in frame else ""
    return frame.format(a=number, m=other, him=subject.him, **agreeing(number))
