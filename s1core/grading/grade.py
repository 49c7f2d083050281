"""Grade a text: extract, compare, and name the rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from s1core.errors import InvalidSetting
from s1core.escapes import with_backslashes
from s1core.grading.choice import (
    choice_in_prose,
    choice_of,
    choices_together,
    gold_choice,
    leading_choice,
    with_cyrillic_options,
)
from s1core.grading.equal import LONGEST_ANSWER, Comparison, equal_integer, equal_math, equal_text
from s1core.grading.extract import extract_answer
from s1core.grading.literal import is_missing

Kind = Literal["math", "integer", "choice", "text"]

_PROSE_TAIL = 2_000
"""Characters at the end of an unmarked text in which an answer is looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether an answer is correct, and why."""

    correct: bool
    answer: str | None
    rule: str
    """What decided: a comparison (`same_text`, `number`, `integer`, `choice`, `same_words`, `math_verify`), a limit
    (`too_long`, `timeout`, `out_of_memory`, `crashed`) or the reason why there was nothing to compare (`empty_answer`,
    `no_answer`, `no_choice_letter`, and `no_gold` where the expected answer is blank or NaN)."""
    found: str = ""
    """What found the answer: `boxed`, `boxed_row`, `final_answer_label`, `answer_phrase`, or `unmarked` when nothing
    marks it."""


def grade(text: str, gold: str, kind: Kind = "math") -> Verdict:
    r"""Judge the final answer of a text; any text is judged, none raises.

    The answer is the last `\boxed{}`, else what follows the last `Final Answer:`, `Answer:` or `the answer is`, in any
    of some sixty languages. A text with none of them (a bare answer, or prose) is still read for the last value that it
    names, or for the option that it chooses; `found` then says `unmarked`.

    Args:
        text: the answer part of a run, or an answer alone.
        gold: the expected answer; for choices the letter, the digit or the option, in any script, and `A, C` or `AC`
            for several.
        kind: math | integer | choice | text. `text` compares words exactly but for case, and integers as integers.
    """
    if kind not in get_args(Kind):
        raise InvalidSetting(f"unknown kind {kind!r} of answer; known: {', '.join(get_args(Kind))}")
    gold = with_backslashes(gold)
    if is_missing(gold):
        return Verdict(correct=False, answer=extract_answer(text).answer, rule="no_gold")
    if kind == "choice":
        return _grade_choice(text, gold)
    extracted = extract_answer(text)
    if extracted.rule == "empty_answer":
        return Verdict(correct=False, answer=None, rule="empty_answer")
    if extracted.answer is None:
        return _grade_unmarked(text.strip("` \t\r\n"), gold, kind)
    outcome = _compare(extracted.answer, gold, kind, extracted.rule)
    return Verdict(correct=outcome.equal, answer=extracted.answer, rule=outcome.rule, found=extracted.rule)


def _compare(answer: str, gold: str, kind: Kind, found: str) -> Comparison:
    if kind == "text":
        return equal_text(answer, gold)
    if kind == "integer":
        return equal_integer(answer, gold, found=found)
    return equal_math(answer, gold, found=found)


def _grade_choice(text: str, gold: str) -> Verdict:
    """A letter where the answer stands, else where the text concludes: s1 models like to answer in a paragraph."""
    text = with_cyrillic_options(text)
    extracted = extract_answer(text)
    answer = extracted.answer or ""
    if len(answer) > LONGEST_ANSWER:
        return Verdict(correct=False, answer=answer, rule="too_long", found=extracted.rule)
    expected, digits = gold_choice(gold)
    read = choice_of if extracted.rule.startswith("boxed") else leading_choice
    letter, found = read(answer, digits=digits), extracted.rule
    if letter is None and expected and "," in expected:
        letter = choices_together(answer or text)
    if letter is None:
        letter, found = choice_in_prose(text, answer, digits=digits), "unmarked"
    if letter is None:
        return Verdict(correct=False, answer=None, rule="no_choice_letter" if text.strip() else "no_answer")
    return Verdict(correct=letter == expected, answer=letter, rule="choice", found=found)


def _grade_unmarked(text: str, gold: str, kind: Kind) -> Verdict:
    if not text:
        return Verdict(correct=False, answer=None, rule="no_answer")
    # A long text without a single blank is an answer, a hostile one; prose is cut to its end.
    searched = text[-_PROSE_TAIL:] if " " in text and kind != "text" else text
    outcome = _compare(searched, gold, kind, found="")
    seen = outcome.seen if outcome.rule == "math_verify" else searched
    if seen is None and not outcome.equal:
        return Verdict(correct=False, answer=None, rule="no_answer")
    return Verdict(correct=outcome.equal, answer=seen, rule=outcome.rule, found="unmarked")
