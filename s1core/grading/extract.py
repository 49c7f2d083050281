"""Extract the final answer from a text. Never judges it; every step takes time linear in the text."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from s1core.grading.bounds import is_bounded
from s1core.grading.denials import WRONG
from s1core.grading.labels import ANSWER_WORDS, RESULT_WORDS
from s1core.grading.symbols import NAMES
from s1core.grading.words import is_prose


@dataclass(frozen=True, kw_only=True, slots=True)
class Extracted:
    """An answer and the rule that found it; without an answer, the rule says why."""

    answer: str | None
    rule: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    r"""One complete `\boxed{...}`: where it starts and ends in the text, and what it holds."""

    start: int
    end: int
    content: str


# Where words are parted by blanks, what a letter stands before is another word.
_WORD = rf"(?<![A-Za-z\u00c0-\u052f])(?:{'|'.join(ANSWER_WORDS)})"
_RESULT = rf"(?<![A-Za-z\u00c0-\u052f])(?:{'|'.join(RESULT_WORDS)})"
_LETTERS = r"[^\s\d:：.,;!?()\[\]{}$\\*#]"
# An ending and up to three words, as in `답은`, `respuesta correcta es`; possessive: a long match costs one try.
_GAP = rf"{_LETTERS}{{0,10}}+(?:\s{_LETTERS}{{1,14}}+){{0,3}}?"
_LABEL = re.compile(
    rf"(?P<final>final\s+)?(?:answers?(?:\s+(?:is|are))?|{_RESULT}|(?!answer){_WORD}{_GAP})[\s*_]*(?:[:：]|ঃ)"
    r"|^[ \t]*####(?!#)|<answer>",
    re.IGNORECASE | re.MULTILINE,
)
_PHRASE = re.compile(
    r"(?<![A-Za-z])answers?\s+(?P<gap>(?:is|are|equals|must be|should be|would be|will be)(?:\s+(?:then|thus|therefore|"
    r"simply|just|equal to|exactly))?\b|(?=\$|\\[(\[]))\s*"
    rf"|(?!answer){_WORD}(?P<other>{_GAP})[\s*:：]*(?=[\d$+\-−(]|\\[a-z(\[])",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:no|not|não|non|pas|nicht|kein\w*|не|nie|ne|inte|ikke|niet|nu|değil)\b|不|没|ない", re.IGNORECASE
)
_STEPS = re.compile(
    r"step|schritt|\bpaso|étape|\bpasso|\bkrok|hatua|\bsteg\b|\bstap|ステップ|逐步|ধাপে|దశ|ขั้นตอน|adım|bước|langkah",
    re.IGNORECASE,
)
# `Wrong answer: 5` and `Respuesta incorrecta: 5` label none.
_WRONG_BEFORE = re.compile(rf"(?:{'|'.join(WRONG)})\w{{0,4}}\s*的?$", re.IGNORECASE)
_WRONG_WITHIN = re.compile(rf"(?<!\w)(?:{'|'.join(WRONG)})", re.IGNORECASE)
_LINE_REACH = 300
"""Characters before a label in which the parenthesis that it is quoted in opens."""
_MOST_PHRASES = 20
"""Phrases at the end of a text that are tried as conclusions."""
_STEPS_REACH = 24
"""Characters before a label, in its line, where `Step-by-Step` may stand."""
_LONGEST_CONCLUSION = 400
_MARKED = re.compile(
    r"(?:\$\$[^$]+\$\$|\$[^$\n]+\$|\\\((?:(?!\\\)).)+\\\)|\\\[(?:(?!\\\]).)+\\\])"
    r"(?:\s*(?:,|,?\s*and|,?\s*or)\s*(?:\$[^$\n]+\$|\\\((?:(?!\\\)).)+\\\)))*",
    re.DOTALL,
)
# A point ends a sentence, but not a number; so does a reason.
_SENTENCE = re.compile(
    r"(?:(?!(?<!\bRs)\.(?=\s|$|\*)|[!?。।](?=\s|$)|[\n。।]|\*\*(?!\w|\(|-)|,\s+(?!and|or)[^\W\d_]{3,}"
    r"|\s(?:because|since|so that|which|where|as\s+[a-z]|from)\b).)+"
)
# `24 (4 + 20)`, `24 euros (see above)`: what follows a number in parentheses is no factor.
_ASIDE = re.compile(r"(?<=[\d%])((?:\s[^\W\d_]{3,})?)\s+\(.*")
# The ending that Turkish gives a number, but not `5'ten fazla`, more than 5.
_ENDING = re.compile(r"(?<=\d)['’][^\W\d_]+(?!\w|\s+(?:daha|fazla|az|çok|büyük|küçük|değil))")
_NUMBER = re.compile(r"[\s$+\-−(\\\[*]*(?P<digits>\d[\d.,/]*(?<![.,]))")
_PROPER_NAME = re.compile(r"[A-Z][\w'-]*(?:\s[A-Z][\w.'-]*){0,3}")
_NAMES = "|".join(sorted(NAMES, key=len, reverse=True))
_FORMULA_RUN = re.compile(rf"(?:\\[a-zA-Z]+|(?<![A-Za-z])(?:{_NAMES}|[A-Za-z])(?![A-Za-z])|[^\w]|[\d_²³¹⁰-⁹])+")
_DISPLAY = re.compile(r"\s*(?:\\\[(?P<bracket>.*?)\\\]|\$\$(?P<dollars>.*?)\$\$)", re.DOTALL)
_PREAMBLE = re.compile(r"(?:the\s+)?(?:final\s+)?answer\s+is\s*:?\s*", re.IGNORECASE)
_CLOSING_PHRASE = "I hope it is correct"
_BOX_OPENS = re.compile(r"\\(?:boxed|fbox|framebox)\s*\{")
_BARE_BOX = re.compile(r"\\boxed\s*([^\s{}$.,;\\]+)")
# An escaped character is one token, so that `\{` and `\}` do not count as braces.
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
# What may stand between boxes that are one answer together, as in `\boxed{1}, \boxed{2} and \boxed{3}`.
_BETWEEN_BOXES = re.compile(
    r"(?:[\s,;$~]|\\[,;:!\[\]()]|\\q?quad\b|\\text\s*\{\s*(?:and|or)\s*\}|\b(?:and|or)\b|[A-Za-z](?:_\w)?\s*=)*"
)
_NAMED_BOX = re.compile(r"(?:^|[\s$(,])([A-Za-z](?:_\w)?)\s*=\s*$")
_ASSIGNMENT = re.compile(r"\s*([A-Za-z](?:_\w)?)\s*=")
_LONGEST_GAP = 60


def extract_answer(text: str) -> Extracted:
    r"""Return the last `\boxed{}`, else what follows the last `Final Answer:`, `Answer:` or `the answer is`.

    `Answer` may be in any of some sixty languages; GSM8K's `####` and the tag `<answer>` are labels too. Boxes in a
    row, parted by commas, `and` or `or` alone, are one answer: `\boxed{1} and \boxed{2}` gives `1, 2`.

    Args:
        text: the answer part of a run, its injected `Final Answer:` included.
    """
    # Last box wins: models restate intermediate results in boxes.
    boxes = [box for box in find_boxes(text) if box.content.strip()]
    if boxes:
        row = _last_row(text, boxes)
        answer = ", ".join(_named_content(text, box) for box in row) if len(row) > 1 else row[0].content.strip()
        return Extracted(answer=answer, rule="boxed" if len(row) == 1 else "boxed_row")
    label = _last_label(text)
    labelled = None if label is None else _after_label(text[label.end() :])
    concluded = _after_phrase(text, 0 if label is None else label.end())
    if concluded is not None and (label is None or not labelled or concluded.after_line or is_prose(labelled)):
        return Extracted(answer=concluded.answer, rule="answer_phrase")
    if label is None:
        return Extracted(answer=None, rule="no_answer_marker")
    if not labelled:
        return Extracted(answer=None, rule="empty_answer")
    return Extracted(answer=labelled, rule="final_answer_label")


def find_boxes(text: str) -> list[Box]:
    r"""Every complete `\boxed{...}`, braces balanced, in the order of their starts."""
    opening_braces = {match.end() - 1: match.start() for match in _BOX_OPENS.finditer(text)}
    if not opening_braces:
        return [Box(start=b.start(), end=b.end(), content=b[1]) for b in _BARE_BOX.finditer(text)]
    boxes: list[Box] = []
    unclosed: list[int] = []
    for token in _BRACE.finditer(text):
        if token[0] == "{":
            unclosed.append(token.start())
        elif token[0] == "}" and unclosed:
            brace = unclosed.pop()
            if brace in opening_braces:
                # Only the brackets are kept here: copying every nested content would take quadratic time.
                boxes.append(Box(start=opening_braces[brace], end=token.end(), content=""))
    return _innermost(text, sorted(boxes, key=lambda box: box.start))


def _innermost(text: str, boxes: list[Box]) -> list[Box]:
    """Fill in the contents of the boxes that hold no other box: the others restate them."""
    kept: list[Box] = []
    for box, after in zip(boxes, [*boxes[1:], None], strict=False):
        if after is None or after.start >= box.end:
            content = text[text.index("{", box.start) + 1 : box.end - 1]
            kept.append(Box(start=box.start, end=box.end, content=content))
    return kept


def _last_row(text: str, boxes: list[Box]) -> list[Box]:
    """The last box, with the boxes before it that belong to the same answer."""
    row = [boxes[-1]]
    for box in reversed(boxes[:-1]):
        gap = text[box.end : row[0].start]
        if not gap or len(gap) > _LONGEST_GAP or not _BETWEEN_BOXES.fullmatch(gap):
            break
        if not _parts(gap) and not _other_name(box.content, row[0].content):
            break
        row.insert(0, box)
    return row


def _other_name(first: str, second: str) -> bool:
    """Whether two boxes give values to different unknowns."""
    names = [_ASSIGNMENT.match(content) for content in (first, second)]
    return names[0] is not None and names[1] is not None and names[0][1] != names[1][1]


def _named_content(text: str, box: Box) -> str:
    r"""What a box holds, with the name before it: `x = \boxed{2}`."""
    name = _NAMED_BOX.search(text[max(0, box.start - 12) : box.start])
    return f"{name[1]} = {box.content.strip()}" if name else box.content.strip()


def _parts(gap: str) -> bool:
    """Whether the gap parts two items of a list; white space alone does not."""
    return any(mark in gap for mark in (",", ";", "and", "or", "quad"))


def _last_label(text: str) -> re.Match[str] | None:
    """The last label; none that introduces steps, that is quoted in parentheses, or that follows a final one."""
    last: re.Match[str] | None = None
    for label in _LABEL.finditer(text):
        start = max(0, label.start() - _LINE_REACH)
        line = text[max(start, text.rfind("\n", start, label.start()) + 1) : label.start()]
        if _STEPS.search(line[-_STEPS_REACH:] + label[0]) or line.count("(") > line.count(")"):
            continue
        if _WRONG_BEFORE.search(line[-_STEPS_REACH:]) or _WRONG_WITHIN.search(label[0]):
            continue
        if last is not None and last["final"] and not label["final"] and "\n" not in text[last.end() : label.start()]:
            continue
        last = label
    return last


def _after_label(rest: str) -> str:
    display = _DISPLAY.match(rest)
    if display is not None:
        line = display["bracket"] or display["dollars"] or ""
    else:
        line = next((part for part in rest.splitlines() if part.strip()), "")
    line = line.strip().lstrip("*_} \t")
    preamble = _PREAMBLE.match(line)
    line = line[preamble.end() :] if preamble is not None else line
    line = line.partition(_CLOSING_PHRASE)[0].partition("</answer>")[0]
    # Stripped by hand: an anchored pattern would try every position of a long run of dots.
    line = line.strip().strip("`?")
    line = line[:-1] if line.endswith(")") and "(" not in line and "[" not in line else line
    return _without_aside((line if line.endswith("...") else line.rstrip(".*_ \t")).lstrip("*_ \t"))


def _without_aside(line: str) -> str:
    """The line without what follows a number in parentheses, and without the ending that Turkish gives a number."""
    return _ENDING.sub("", _ASIDE.sub(r"\1", line) if line[:1] in "+-−$" or line[:1].isdecimal() else line)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Conclusion:
    answer: str
    after_line: bool
    """Whether it stands below the line that was searched from."""


def _after_phrase(text: str, start: int) -> _Conclusion | None:
    """What the last `the answer is` says after `start`."""
    phrases = deque(_PHRASE.finditer(text, start), maxlen=_MOST_PHRASES)
    for phrase in reversed(phrases):
        gap = phrase["gap"] or phrase["other"] or ""
        number = _NUMBER.match(text, phrase.end())
        bounded = number is not None and is_bounded(text, number.start("digits"), number.end())
        denied = _WRONG_BEFORE.search(text[max(0, phrase.start() - _STEPS_REACH) : phrase.start()])
        denied = denied or _WRONG_WITHIN.search(gap) or _NEGATION.search(gap)
        if bounded or denied or _STEPS.search(phrase[0]):
            continue
        answer = leading_formula(text[phrase.end() : phrase.end() + _LONGEST_CONCLUSION])
        if answer:
            return _Conclusion(answer=answer, after_line="\n" in text[start : phrase.start()].lstrip())
    return None


def leading_formula(text: str) -> str | None:
    r"""The formula or the few words that a text begins with: `24` of `24, since 4 + 20 = 24`; None for other prose."""
    text = text.lstrip(" \t\n*_:}")
    if marked := _MARKED.match(text):
        return marked[0]
    sentence = _SENTENCE.match(text)
    line = _without_aside(sentence[0].strip().rstrip("*_ ")) if sentence else ""
    if line and not line.startswith(("not ", "that ")) and (not is_prose(line) or _PROPER_NAME.fullmatch(line)):
        return line
    run = _FORMULA_RUN.match(line)
    formula = run[0].strip().rstrip("(,=+*/-[ ") if run else ""
    while formula.count("(") > formula.count(")"):
        formula = formula[: formula.rindex("(")].rstrip()
    return formula if any(char.isdecimal() or char == "\\" for char in formula) else None
