"""The teacher of s1-135M: solves the project's English problems, and rewrites worked solutions in the same form."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from curate.cache import Fact
from curate.rows import Row
from curate.sources import PROBLEMS
from s1core import problems
from s1core.problems import Lesson, TraceMix, assistant_turn, find_problem, teach, teach_worked

_TOGETHER = 500
LARGEST = 999
"""Of a number in a worked solution: the base of s1-135M was taught sums of up to three digits."""
_CALCULATOR = re.compile(r"<<(.*?)>>")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
_ANSWER = re.compile(r"-?\d+")
_NEAR = (-10, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 10)


class CannotTeach(ValueError):
    """There is no trace for a question; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProblemsTeacher:
    """Thinks as the families' teacher does; of other questions it needs a worked solution that ends in `#### N`."""

    seed: int = 0
    mix: TraceMix = field(default_factory=TraceMix)

    @property
    def cache_key(self) -> dict[str, Any]:
        """The code of the families counts as well: another version of it makes other traces."""
        return {"model": "problems-teacher", "code": _code(), "mix": asdict(self.mix), "seed": self.seed}

    def trace(self, rows: Sequence[Row], on_result: Callable[..., None]) -> None:
        """Solve what can be solved; the facts of the rest say why not."""
        for start in range(0, len(rows), _TOGETHER):
            on_result(*(self._fact(row) for row in rows[start : start + _TOGETHER]))

    def _fact(self, row: Row) -> Fact:
        try:
            lesson = self._lesson(row)
        except CannotTeach as error:
            return _fact(row, failed=str(error))
        answer = f"Final Answer: {lesson.answer}"
        return {**_fact(row, thinking=lesson.text, attempt=answer), **assistant_turn(lesson)}

    def _lesson(self, row: Row) -> Lesson:
        rng = random.Random(f"{self.seed}/{row.uid}")
        if row.source != PROBLEMS.name:
            solution, answer = worked(row.solution)
            wrong = str(max(0, int(answer) + rng.choice(_NEAR)))
            return teach_worked(solution, answer, str(int(answer) + 1) if wrong == answer else wrong, rng, self.mix)
        try:
            problem = find_problem(row.id)
        except ValueError as error:
            raise CannotTeach(str(error)) from None
        if problem.question != row.question:
            raise CannotTeach("another version of the families made this problem")
        return teach(problem, rng, self.mix)


def worked(solution: str) -> tuple[str, str]:
    """The sentences of a worked solution, without the marks of its calculator, and its answer.

    Raises:
        CannotTeach: it ends in no whole number, shows no calculation, or calculates with what the base does not know.
    """
    text, mark, answer = solution.rpartition("####")
    answer = answer.strip().replace(",", "")
    if not mark or not _ANSWER.fullmatch(answer):
        raise CannotTeach("no worked solution that ends in #### and a whole number")
    calculations = _CALCULATOR.findall(text)
    if not calculations:
        raise CannotTeach("the solution shows no calculation")
    numbers = [number.replace(",", "") for each in (*calculations, answer) for number in _NUMBER.findall(each)]
    if any("." in number or int(number) > LARGEST for number in numbers):
        raise CannotTeach(f"it calculates with decimals, or beyond {LARGEST}")
    lines = (" ".join(line.split()) for line in _CALCULATOR.sub("", text).splitlines())
    return " ".join(line if line[-1] in ".!?:" else f"{line}." for line in lines if line), answer


@cache
def _code() -> str:
    """Hash of everything that the families' problems and their traces are made by."""
    folder = Path(problems.__file__).parent
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".txt"))
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _fact(row: Row, *, thinking: str = "", attempt: str = "", failed: str | None = None) -> Fact:
    # Counted in words; a run that needs tokens names their tokenizer.
    counts = {"thinking_tokens": len(thinking.split()), "answer_tokens": len(attempt.split())}
    return {"key": row.key, "thinking": thinking, "attempt": attempt, **counts, "failed": failed}
