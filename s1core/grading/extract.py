"""Extract the final answer from a text. Never judges it; every step takes time linear in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass


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


ANSWER_WORDS = "answer|réponse|respuesta|resposta|risposta|antwort|ответ|答案|答"
"""`Answer` as models write it when they were asked in another language."""

_LABEL = re.compile(rf"(?:Final\s+)?(?:{ANSWER_WORDS})[\s*_]*[:：]", re.IGNORECASE)
_DISPLAY = re.compile(r"\s*(?:\\\[(?P<bracket>.*?)\\\]|\$\$(?P<dollars>.*?)\$\$)", re.DOTALL)
_PREAMBLE = re.compile(r"(?:the\s+)?(?:final\s+)?answer\s+is\s*:?\s*", re.IGNORECASE)
_CLOSING_PHRASE = "I hope it is correct"
_BOX_OPENS = re.compile(r"\\(?:boxed|fbox)\s*\{")
# An escaped character is one token, so that `\{` and `\}` do not count as braces.
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
# What may stand between boxes that are one answer together, as in `\boxed{1}, \boxed{2} and \boxed{3}`.
_BETWEEN_BOXES = re.compile(r"(?:[\s,;$~]|\\[,;:!\[\]()]|\\q?quad\b|\\text\s*\{\s*(?:and|or)\s*\}|\b(?:and|or)\b)*")
_LONGEST_GAP = 60


def extract_answer(text: str) -> Extracted:
    r"""Return the last `\boxed{}`, else what follows the last `Final Answer:` or `Answer:`.

    Boxes in a row, parted by commas, `and` or `or` alone, are one answer: `\boxed{1} and \boxed{2}` gives `1, 2`.

    Args:
        text: the answer part of a run, its injected `Final Answer:` included.
    """
    # Last box wins: models restate intermediate results in boxes.
    boxes = [box for box in find_boxes(text) if box.content.strip()]
    if boxes:
        row = _last_row(text, boxes)
        answer = ", ".join(box.content.strip() for box in row)
        return Extracted(answer=answer, rule="boxed" if len(row) == 1 else "boxed_row")
    label_end = next((label.end() for label in reversed(list(_LABEL.finditer(text)))), None)
    if label_end is None:
        return Extracted(answer=None, rule="no_answer_marker")
    answer = _after_label(text[label_end:])
    if not answer:
        return Extracted(answer=None, rule="empty_answer")
    return Extracted(answer=answer, rule="final_answer_label")


def find_boxes(text: str) -> list[Box]:
    r"""Every complete `\boxed{...}`, braces balanced, in the order of their starts."""
    opening_braces = {match.end() - 1: match.start() for match in _BOX_OPENS.finditer(text)}
    if not opening_braces:
        return []
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
        if not gap or len(gap) > _LONGEST_GAP or not _BETWEEN_BOXES.fullmatch(gap) or not _parts(gap):
            break
        row.insert(0, box)
    return row


def _parts(gap: str) -> bool:
    """Whether the gap parts two items of a list; white space alone does not."""
    return any(mark in gap for mark in (",", ";", "and", "or", "quad"))


def _after_label(rest: str) -> str:
    display = _DISPLAY.match(rest)
    if display is not None:
        line = display["bracket"] or display["dollars"] or ""
    else:
        line = next((part for part in rest.splitlines() if part.strip()), "")
    line = line.strip().lstrip("*_ \t")
    preamble = _PREAMBLE.match(line)
    line = line[preamble.end() :] if preamble is not None else line
    line = line.partition(_CLOSING_PHRASE)[0]
    # Stripped by hand: an anchored pattern would try every position of a long run of dots.
    return line.strip().rstrip(".*_ \t").lstrip("*_ \t")
