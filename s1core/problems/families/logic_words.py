"""Wordings of the logic problems."""

from __future__ import annotations

from dataclasses import dataclass

from s1core.problems.english import each, verb


@dataclass(frozen=True, slots=True)
class Doing:
    """Something that a person does or does not do."""

    base: str

    def says(self, who: str, holds: bool) -> str:
        """`Ann sings`, `Ann does not sing`."""
        return f"{who} {verb(self.base, 'third')}" if holds else f"{who} does not {self.base}"

    def asks(self, who: str) -> str:
        """`does Ann sing?`."""
        return f"does {who} {self.base}?"

    @staticmethod
    def all() -> tuple[Doing, ...]:
        """Everything that people do here."""
        return _DOINGS


_DOINGS = tuple(
    Doing(base)
    for base in (
        *each(
            "sing dance clap laugh cook swim read paint smile jump wave whistle win knit bake hum nod clean shout yawn"
        ),
        "play chess",
        "wear a hat",
        "drink tea",
        "go home",
        "stay late",
        "ride a bike",
        "call a friend",
        "eat lunch",
        "feed the cat",
        "open the door",
    )
)
IF = (
    "If {if_}, {then}.",
    "If {if_}, then {then}.",
    "When {if_}, {then}.",
    "Whenever {if_}, {then}.",
    "{then} if {if_}.",
    "In case {if_}, {then}.",
    "As soon as {if_}, {then}.",
    "{then} whenever {if_}.",
)
BARE = (
    "{fact}.",
    "{fact}.",
    "Today {fact}.",
    "We see that {fact}.",
    "It is true that {fact}.",
    "Now {fact}.",
    "We know that {fact}.",
    "In fact, {fact}.",
)
RULE_ASKS = (
    "{ask}",
    "{ask}",
    "{ask} Yes or no?",
    "So, is it true that {statement}?",
    "Can we say that {statement}?",
    "Is it right that {statement}?",
    "Yes or no: {ask}",
    "Tell me: {ask}",
    "What do you think: {ask}",
    "Does it follow that {statement}?",
    "Would you say that {statement}?",
    "Answer with yes or no: {ask}",
    "Is this so: {statement}?",
)
KINDS = (
    (each("poodle dog mammal animal creature"), ("bird", "fish", "plant", "insect")),
    (each("sparrow bird animal creature"), ("fish", "plant", "mammal", "reptile")),
    (each("kitten cat mammal animal creature"), ("bird", "plant", "insect", "frog")),
    (each("salmon fish animal creature"), ("bird", "mammal", "plant", "insect")),
    (each("pony horse mammal animal creature"), ("reptile", "bird", "plant", "fish")),
    (each("bee insect animal creature"), ("mammal", "plant", "fish", "bird")),
    (each("blip glorp wump snark zorp fleeb"), ()),
    (each("tove rath borogove wabe jub bandersnatch"), ()),
    (each("dax wug blicket toma fep zib"), ()),
    (each("lorp grent quill mard vesk plim"), ()),
    (each("yonk trell osp gazzle mibber frint"), ()),
    (each("nurse singer runner reader painter gardener"), ()),
    (each("baker dancer swimmer climber writer driver"), ()),
    (each("teacher golfer cyclist chess-player hiker drummer"), ()),
)
"""Kinds of which each is one of the next, and what none of them is; some are made up, so that knowledge does not help.
Where nothing stands for the others, the last kind may be denied as well as stated."""
EVERY = (
    "All {xs} are {ys}.",
    "Every {x} is {ay}.",
    "Each {x} is {ay}.",
    "Any {x} is {ay}.",
    "{ax} is always {ay}.",
    "Being {ax} means being {ay}.",
    "Whoever is {ax} is {ay}.",
    "All {xs} are also {ys}.",
)
NONE = (
    "No {x} is {ay}.",
    "No {xs} are {ys}.",
    "{ax} is never {ay}.",
    "Not a single {x} is {ay}.",
    "None of the {xs} is {ay}.",
    "Being {ax} rules out being {ay}.",
    "{xs} are never {ys}.",
)
IS_ONE = (
    "{n} is {ax}.",
    "{n} is {ax}.",
    "We know that {n} is {ax}.",
    "There is {ax} named {n}.",
    "{n} happens to be {ax}.",
    "Here is {n}, {ax}.",
    "Take {n}, who is {ax}.",
)
CLASS_ASKS = (
    "Is {n} {ay}?",
    "Is {n} {ay}?",
    "Is {n} {ay}, yes or no?",
    "So, is {n} {ay}?",
    "Is it true that {n} is {ay}?",
    "Can {n} be {ay}?",
    "Does it follow that {n} is {ay}?",
    "Yes or no: is {n} {ay}?",
    "Would you call {n} {ay}?",
    "Is it right to say that {n} is {ay}?",
    "Tell me whether {n} is {ay}.",
    "Must {n} be {ay}?",
    "What do you think, is {n} {ay}?",
)
HONEST = (
    "{x} always tells the truth.",
    "{x} tells the truth.",
    "{x} never lies.",
    "{x} is honest.",
    "What {x} says is true.",
    "{x} can be trusted.",
)
LIAR = (
    "{x} always lies.",
    "{x} lies.",
    "{x} never tells the truth.",
    "{x} is a liar.",
    "What {x} says is false.",
    "{x} cannot be trusted and always lies.",
)
SAYS_TRUE = (
    "{x} says that {y} tells the truth.",
    "{x} says {y} is honest.",
    "{x} claims that {y} never lies.",
    "{x} tells us that {y} is no liar.",
    "According to {x}, {y} tells the truth.",
    '{x} says: "{y} tells the truth."',
)
SAYS_LIES = (
    "{x} says that {y} lies.",
    "{x} says {y} is a liar.",
    "{x} claims that {y} lies.",
    "{x} tells us that {y} is not honest.",
    "According to {x}, {y} lies.",
    '{x} says: "{y} lies."',
)
TRUTH_ASKS = (
    "Does {y} tell the truth?",
    "Is {y} honest?",
    "Is what {y} says true?",
    "Can we trust {y}?",
    "Does {y} tell the truth, yes or no?",
    "So, is {y} telling the truth?",
    "Is {y} somebody who tells the truth?",
    "Yes or no: is {y} honest?",
    "Should I believe {y}?",
    "Does {y} speak the truth?",
    "Tell me whether {y} is honest.",
    "Is {y} to be believed?",
)
POSSESSIONS = (
    each("cat dog fish hamster parrot rabbit"),
    each("apple pear banana orange plum lemon"),
    each("bike car boat scooter plane train"),
    each("violin piano drum flute guitar harp"),
    each("pen book ruler lamp ball kite"),
    each("pizza soup salad burger sandwich cake"),
)
HAVE_ALL = (
    "{people} have {things}, one each.",
    "{people} each have one thing: {things}.",
    "There are {things} for {people}, and each has one.",
    "{people} share {things}, one for each.",
    "{things}: {people} own one of them each.",
    "Each of {people} has one of these: {things}.",
    "{people} picked {things}, everybody another one.",
    "We gave {things} to {people}, one to each.",
)
TAKEN = (
    "{x} has the {t}.",
    "{x} owns the {t}.",
    "The {t} belongs to {x}.",
    "{x} took the {t}.",
    "It is {x} who has the {t}.",
    "The {t} is {x}'s.",
)
EXCLUDED = (
    "{x} does not have {t}.",
    "{x} has not got {t}.",
    "{x} did not take {t}.",
    "What {x} has is not {t}.",
    "{x} cannot have {t}.",
    "{x} never had {t}.",
)
LEFT_THING_ASKS = (
    "What does {x} have?",
    "What has {x} got?",
    "Which one does {x} have?",
    "What is left for {x}?",
    "Which thing is {x}'s?",
    "So what does {x} own?",
    "Tell me what {x} has.",
    "What belongs to {x}?",
    "What must {x} have?",
    "Which of them is {x}'s?",
)
LEFT_WHO_ASKS = (
    "Who has the {t}?",
    "Who owns the {t}?",
    "Whose is the {t}?",
    "To whom does the {t} belong?",
    "Who must have the {t}?",
    "So who has got the {t}?",
    "Tell me who has the {t}.",
    "Which of them has the {t}?",
    "Who is left with the {t}?",
    "Who took the {t}?",
)
