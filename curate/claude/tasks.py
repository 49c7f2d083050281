"""The prompts for Claude and the parsers of its answers. A task's hash covers everything that is sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from curate.claude.classes import CLASSES, rubric

PROMPTS = Path(__file__).parents[1] / "prompts"
CHARACTERS_PER_TOKEN = 3.0
"""Of mathematical text under the current tokenizer; an estimate, and called one wherever it is shown."""
LONGEST_PART = 60_000
"""Characters of a question, an attempt or a solution that are shown to Claude; beyond, the middle is left out."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One kind of question to Claude."""

    name: str
    stage: str
    """The stage that asks it."""
    system: str
    """The same for every question of the task, so that it is cached."""
    max_tokens: int
    expected_tokens: int
    """How long an answer is as a rule, for the estimate."""
    read: Callable[[str], str | None]
    """The answer in a text; None if there is none."""

    @cached_property
    def hash(self) -> str:
        """Short hash of everything that is sent."""
        return hashlib.sha256(f"{self.name}\n{self.system}\n{self.max_tokens}".encode()).hexdigest()[:12]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One question of a task."""

    key: str
    """Unique within the task, letters, digits, `-` and `_`; the same key is never asked again."""
    text: str


def about_tokens(text: str) -> int:
    """About how many tokens a text has."""
    return round(len(text) / CHARACTERS_PER_TOKEN)


def read_verdict(text: str) -> str | None:
    """`yes` or `no` from the last line that says anything."""
    last = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    found = re.fullmatch(r"[\s*\"'`.]*(yes|no)[\s*\"'`.]*", last, re.IGNORECASE)
    return found[1].lower() if found else None


def read_class(text: str) -> str | None:
    """The code of a class; a sentence around it is forgiven if it names only one."""
    plain = text.strip().strip("*`\"'. ")
    if plain.upper() in CLASSES:
        return plain.upper()
    named = {code for code in re.findall(r"\b(?:[0-9]{2}|[A-Z]{3})\b", text) if code in CLASSES}
    return named.pop() if len(named) == 1 else None


def _prompt(name: str) -> str:
    return (PROMPTS / f"{name}.md").read_text(encoding="utf-8").strip()


GRADING = Task(
    name="grading",
    stage="difficulty",
    system=_prompt("grading"),
    max_tokens=1024,
    expected_tokens=180,
    read=read_verdict,
)
DOMAIN = Task(
    name="domain",
    stage="domain",
    system=_prompt("domain").replace("{classes}", rubric()),
    max_tokens=256,
    expected_tokens=8,
    read=read_class,
)
TASKS = (GRADING, DOMAIN)


def grading_text(question: str, attempt: str, solution: str) -> str:
    """The user's message of the grading task, as in the paper's Figure 8."""
    parts = (_shown(question), _shown(attempt), _shown(solution))
    return "# Problem\n\n{}\n\n## Attempt\n\n{}\n\n## Correct answer\n\n{}".format(*parts)


def domain_text(question: str) -> str:
    """The user's message of the domain task."""
    return _shown(question)


def _shown(text: str) -> str:
    if len(text) <= LONGEST_PART:
        return text
    half = LONGEST_PART // 2
    return f"{text[:half]}\n[...]\n{text[-half:]}"
