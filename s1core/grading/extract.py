"""Extract the final answer from a text. Never judges it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Extracted:
    """An answer and the rule that found it; without an answer, the rule says why."""

    answer: str | None
    rule: str


_LABEL = re.compile(r"(?:Final\s+)?Answer\s*:", re.IGNORECASE)
_TRAILING = re.compile(r"[\s.*_]+$")
_LEADING = re.compile(r"^[\s*_]+")


def extract_answer(text: str) -> Extracted:
    r"""Return the last `\boxed{}`, else what follows the last `Final Answer:` or `Answer:`.

    Args:
        text: the answer part of a run, its injected `Final Answer:` included.
    """
    # Last box wins: models restate intermediate results in boxes.
    boxed = last_boxed(text)
    if boxed is not None and boxed.strip():
        return Extracted(answer=boxed.strip(), rule="boxed")
    labels = list(_LABEL.finditer(text))
    if not labels:
        return Extracted(answer=None, rule="no_answer_marker")
    line = next((part for part in text[labels[-1].end() :].splitlines() if part.strip()), "")
    answer = _TRAILING.sub("", _LEADING.sub("", line))
    if not answer:
        return Extracted(answer=None, rule="empty_answer")
    return Extracted(answer=answer, rule="final_answer_label")


def last_boxed(text: str) -> str | None:
    r"""Return the content of the last complete `\boxed{...}`, braces balanced, or None."""
    start = text.rfind("\\boxed{")
    while start >= 0:
        content = _balanced(text, start + len("\\boxed{"))
        if content is not None:
            return content
        start = text.rfind("\\boxed{", 0, start)
    return None


def _balanced(text: str, start: int) -> str | None:
    depth = 1
    for position in range(start, len(text)):
        if text[position] in "{}":
            depth += 1 if text[position] == "{" else -1
        if depth == 0:
            return text[start:position]
    return None
