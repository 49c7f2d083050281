"""Whether an answer equals the expected one, and by which rule."""

from __future__ import annotations

from dataclasses import dataclass

from s1core.grading import pool
from s1core.grading.literal import parse_integer, parse_number, plain, same_number, tidy

LONGEST_ANSWER = 2_000
"""Characters; a longer answer is not compared. The longest expected answer of MATH500 has 55."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The outcome of one comparison."""

    equal: bool
    rule: str
    seen: str | None = None
    """What was read as the answer, when the comparison had to look for it in a longer text."""


def equal_text(answer: str, gold: str) -> Comparison:
    """Integers as integers, anything else by the same words in whatever case."""
    if len(answer) > LONGEST_ANSWER:
        return Comparison(equal=False, rule="too_long")
    ours, theirs = parse_integer(answer), parse_integer(gold)
    if ours is not None and theirs is not None:
        return Comparison(equal=ours == theirs, rule="integer")
    return Comparison(equal=plain(answer).casefold() == plain(gold).casefold(), rule="same_words")


def equal_integer(answer: str, gold: str, *, found: str = "") -> Comparison:
    """As integers when both are written as such (023 = 23); else as mathematics, so that 2^4 = 16."""
    ours, theirs = parse_integer(answer), parse_integer(gold)
    if ours is not None and theirs is not None:
        return Comparison(equal=ours == theirs, rule="integer")
    number = parse_number(answer) or parse_number(answer.rpartition("=")[2])
    if theirs is not None and number is not None and (number.value.denominator > 1 or number.percent):
        # 1023.9999999 is not 1024, though to six places it would be.
        return Comparison(equal=number.percent and theirs in (number.value, number.value / 100), rule="integer")
    return equal_math(answer, gold, found=found)


def equal_math(answer: str, gold: str, *, found: str = "") -> Comparison:
    """Cheap rules first; what they leave open goes to math-verify, in a process that is stopped when it takes too long.

    Args:
        answer: an extracted answer, or the end of a text in which to look for one.
        gold: the expected answer.
        found: the rule by which the answer was found. Of the prose after a label the first expression counts, of a text
            without one the last.
    """
    if len(answer) > LONGEST_ANSWER:
        return Comparison(equal=False, rule="too_long")
    if tidy(answer) == tidy(gold) or plain(answer) == plain(gold) != "":
        return Comparison(equal=True, rule="same_text")
    ours, theirs = parse_number(answer), parse_number(gold)
    if ours is not None and theirs is not None:
        return Comparison(equal=same_number(ours, theirs), rule="number")
    reply = pool.compare(answer, gold, found=found)
    return Comparison(equal=reply.equal, rule=reply.rule, seen=reply.seen)


def canonical(answer: str) -> str:
    """One spelling for answers that are literally the same, so that votes can be counted: 023 and 23, 0.5 and 1/2."""
    number = parse_number(answer)
    return tidy(answer) if number is None else f"{number.value}{'%' if number.percent else ''}"
