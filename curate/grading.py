"""Whether an attempt is right: by rules and math-verify on this machine, or by Claude."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from curate.cache import Fact, Facts
from curate.claude.client import Claude
from curate.claude.tasks import GRADING, Ask, grading_text
from curate.rows import Row
from s1core.grading import extract_answer, grade

NO_GOLD = "no_gold_answer"
"""There is only a worked solution, without an answer that could be compared by rules."""
_TOGETHER = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """One attempt, judged; `correct` is None where it could not be, and the rule says why."""

    correct: bool | None
    rule: str


class Judge(Protocol):
    """Judges attempts; the same attempt is judged once."""

    @property
    def config(self) -> dict[str, Any]:
        """All that decides its verdicts."""
        ...

    def judge(self, attempts: Sequence[tuple[Row, str]], on_progress: Callable[[int], None]) -> list[Verdict]:
        """A verdict for each (row, attempt), in order."""
        ...


def case_key(row: Row, attempt: str) -> str:
    """What is judged: this attempt at this question, against this solution."""
    judged = hashlib.sha256(attempt.encode() + b"\0" + row.solution.encode()).hexdigest()
    return f"{row.key}-{judged[:12]}"


@dataclass(frozen=True, kw_only=True)
class LocalJudge:
    """Compares with the short answer, which is taken from the end of the solution where the source gives none."""

    cache: Path

    @property
    def config(self) -> dict[str, Any]:
        """The grader is the project's own."""
        return {"judge": "local"}

    def judge(self, attempts: Sequence[tuple[Row, str]], on_progress: Callable[[int], None]) -> list[Verdict]:
        """Judge by rules; what needs computer algebra is kept."""
        verdicts: list[Verdict] = []
        with Facts(self.cache, "verdict", self.config) as facts:
            known = {key: Verdict(correct=f["correct"], rule=f["rule"]) for key, f in facts.items()}
            new: list[Fact] = []
            for number, (row, attempt) in enumerate(attempts, start=1):
                key = case_key(row, attempt)
                verdict = known.get(key) or self._judge_one(row, attempt)
                verdicts.append(verdict)
                if key not in known and row.kind in ("math", "integer"):
                    new.append({"key": key, "correct": verdict.correct, "rule": verdict.rule})
                if len(new) >= _TOGETHER:
                    facts.add(*new)
                    new.clear()
                on_progress(number)
            facts.add(*new)
        return verdicts

    @staticmethod
    def _judge_one(row: Row, attempt: str) -> Verdict:
        gold = row.answer or extract_answer(row.solution).answer
        if not gold:
            return Verdict(correct=None, rule=NO_GOLD)
        verdict = grade(attempt, gold, kind=row.kind)
        return Verdict(correct=verdict.correct, rule=verdict.rule)


@dataclass(frozen=True, kw_only=True)
class ClaudeJudge:
    """Asks Claude, in the paper's words."""

    claude: Claude

    @property
    def config(self) -> dict[str, Any]:
        """Model and prompt."""
        return {"judge": self.claude.model_name, "prompt": GRADING.hash}

    def judge(self, attempts: Sequence[tuple[Row, str]], on_progress: Callable[[int], None]) -> list[Verdict]:
        """Ask about each attempt; an empty one is wrong without asking."""
        keys = [case_key(row, attempt) if attempt.strip() else None for row, attempt in attempts]
        asks = {
            key: Ask(key=key, text=grading_text(row.question, attempt, row.solution))
            for key, (row, attempt) in zip(keys, attempts, strict=True)
            if key is not None
        }
        answers = self.claude.ask(GRADING, list(asks.values()), on_progress)

        def verdict(key: str | None) -> Verdict:
            if key is None:
                return Verdict(correct=False, rule="no_answer")
            answer = answers[key]
            if answer.outcome == "ok":
                return Verdict(correct=answer.value == "yes", rule="claude")
            return Verdict(correct=None, rule=answer.outcome)

        return [verdict(key) for key in keys]
