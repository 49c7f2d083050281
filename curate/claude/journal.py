"""Write-ahead log of requests and costs: a synced line before each request and after each response.

An ask without an answer, the mark of a kill or a timeout, counts at its highest price: the cap holds whatever happened
on the other side. A planned batch is found again by its nonce, so that it is never paid for twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from curate.claude.prices import Usage
from curate.rows import CurateError
from s1core.store import Row as Line
from s1core.store import RunStore

Answered = Literal["ok", "unparseable", "truncated", "refused", "invalid", "failed"]
"""`invalid`: the request itself was turned down; `failed`: a batch expired or broke before it was asked."""

ATTEMPTS = 3
"""How often a question is asked whose answer cannot be read."""
_FINAL = frozenset({"ok", "refused", "invalid"})
_KEPT_TEXT = 2_000


class CapReached(CurateError):
    """The next call might cost more than what is left of the spending cap."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The last answer to a question."""

    outcome: Answered
    value: str | None
    attempts: int

    @property
    def final(self) -> bool:
        """It will not be asked again."""
        return self.outcome in _FINAL or self.attempts >= ATTEMPTS


@dataclass(kw_only=True, slots=True)
class Plan:
    """A batch: planned, then made, then done."""

    nonce: str
    about: str
    keys: tuple[str, ...]
    worst_usd: float
    run: str
    at: float
    id: str | None = None


@dataclass(kw_only=True, slots=True)
class Spending:
    """What one run asked and paid."""

    calls: int = 0
    usd: float = 0.0
    usage: Usage = field(default_factory=Usage)


class Journal:
    """All questions to Claude of one cache, open for writing by one process. Safe to share between threads."""

    def __init__(self, folder: Path, run: str, cap_usd: float) -> None:
        """Open it.

        Args:
            folder: where it is kept.
            run: name of the run that pays now.
            cap_usd: what this run may spend in all, over every time that it was started.

        Raises:
            CurateError: the cap is none.
            StoreError: another process asks Claude with this cache, or the disk refuses.
        """
        if not cap_usd >= 0:
            # Not even "not a number", which no spending would ever exceed.
            raise CurateError(f"the spending cap must be 0 dollars or more, got {cap_usd}")
        self.run, self.cap_usd = run, cap_usd
        self._lock = threading.RLock()
        self._answers: dict[tuple[str, str], Answer] = {}
        self._pending: dict[tuple[str, str], list[float]] = {}
        """Asked by this run and not known to be free of charge."""
        self._plans: dict[str, Plan] = {}
        self._made: set[str] = set()
        self._noted: dict[str, set[str]] = {}
        self._spending: dict[str, Spending] = {}
        self._store = RunStore(folder, {"stage": "claude", "version": 1})
        try:
            self._take_all(self._store.rows())
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            # The spending is only known from an undamaged journal.
            self._store.close()
            raise CurateError(f"the journal of Claude's answers in {folder} is damaged; move it away") from error

    def answer(self, about: str, key: str) -> Answer | None:
        """The last answer to a question, if there is one."""
        return self._answers.get((about, key))

    def final_keys(self, about: str) -> set[str]:
        """The questions of a task that will not be asked again."""
        return {key for (task, key), answer in self._answers.items() if task == about and answer.final}

    def spending(self) -> dict[str, Spending]:
        """What this run asked and paid, by task; what may have been charged without an answer is not in it."""
        return self._spending

    @property
    def spent_usd(self) -> float:
        """What this run has spent at most: its answers, and every open ask at its highest price."""
        with self._lock:
            asks = sum(sum(worst) for worst in self._pending.values())
            plans = sum(plan.worst_usd for plan in self._plans.values() if plan.run == self.run)
            return sum(s.usd for s in self._spending.values()) + asks + plans

    def left_usd(self) -> float:
        """What this run may still spend."""
        return self.cap_usd - self.spent_usd

    def ask(self, about: str, key: str, worst_usd: float) -> None:
        """Note that a question is about to be asked.

        Raises:
            CapReached: it might go over the cap; nothing is noted.
        """
        with self._lock:
            self.check(worst_usd)
            self._write({"do": "ask", "about": about, "key": key, "run": self.run, "worst": worst_usd})

    def check(self, worst_usd: float) -> None:
        """Raise `CapReached` if a call of this price might go over the cap."""
        spent = self.spent_usd
        if spent + worst_usd > self.cap_usd:
            raise CapReached(
                f"the spending cap of ${self.cap_usd:.2f} is reached: ${spent:.4f} are spent or on their way, and the "
                f"next call may cost ${worst_usd:.4f}; all answers are kept, raise --max-usd to go on"
            )

    def unanswered(self, about: str, key: str, why: str) -> None:
        """Note that the last ask was turned away and cost nothing."""
        self._write({"do": "unanswered", "about": about, "key": key, "run": self.run, "why": why})

    def answered(
        self,
        about: str,
        key: str,
        *,
        task: str,
        outcome: Answered,
        value: str | None = None,
        text: str = "",
        usage: Usage | None = None,
        usd: float = 0.0,
        nonce: str | None = None,
    ) -> None:
        """Note an answer, of a single call or (with its nonce) of a batch."""
        plan = self._plans.get(nonce) if nonce else None
        line: Line = {
            "do": "answer",
            "about": about,
            "key": key,
            # A batch is paid for by the run that made it, whoever brings it in.
            "run": plan.run if plan else self.run,
            "task": task,
            "outcome": outcome,
            "value": value,
            "text": text[:_KEPT_TEXT],
            "usage": asdict(usage or Usage()),
            "usd": usd,
        }
        self._write(line | ({"nonce": nonce} if nonce else {}))

    def plan(self, about: str, nonce: str, keys: Sequence[str], worst_usd: float) -> Plan:
        """Note that a batch is about to be made.

        Raises:
            CapReached: it might go over the cap; nothing is noted.
        """
        with self._lock:
            self.check(worst_usd)
            line: Line = {"do": "plan", "about": about, "nonce": nonce, "keys": list(keys), "run": self.run}
            self._write(line | {"worst": worst_usd, "at": time.time()})
            return self._plans[nonce]

    def made(self, nonce: str, batch_id: str) -> None:
        """Note the id of a batch that was made."""
        self._write({"do": "made", "nonce": nonce, "id": batch_id})

    def over(self, nonce: str) -> None:
        """Note that a batch is dealt with, or was never made."""
        self._write({"do": "over", "nonce": nonce})

    def plans(self, about: str) -> list[Plan]:
        """Batches of a task that are not dealt with."""
        return [plan for plan in self._plans.values() if plan.about == about]

    def noted(self, nonce: str) -> set[str]:
        """Keys of a batch whose answers are noted."""
        return self._noted.get(nonce, set())

    def known_batches(self) -> set[str]:
        """Ids of all batches that were ever noted."""
        return self._made

    def close(self) -> None:
        """Let another process ask."""
        self._store.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, *lines: Line) -> None:
        with self._lock:
            self._store.append(*lines)
            self._take_all(lines)

    def _take_all(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._take(line)

    def _take(self, line: Line) -> None:
        match line["do"]:
            case "ask":
                if line["run"] == self.run:
                    self._pending.setdefault((line["about"], line["key"]), []).append(_dollars(line["worst"]))
            case "unanswered":
                self._settle(line)
            case "answer":
                self._take_answer(line)
            case "plan":
                self._plans[line["nonce"]] = Plan(
                    nonce=line["nonce"],
                    about=line["about"],
                    keys=tuple(line["keys"]),
                    worst_usd=_dollars(line["worst"]),
                    run=line["run"],
                    at=line["at"],
                )
            case "made":
                self._made.add(line["id"])
                if (plan := self._plans.get(line["nonce"])) is not None:
                    plan.id = line["id"]
            case "over":
                self._plans.pop(line["nonce"], None)
            case other:
                raise CurateError(f"the journal of Claude's answers holds an unknown line ({other}); move it away")

    def _settle(self, line: Line) -> None:
        if line["run"] == self.run and (open_asks := self._pending.get((line["about"], line["key"]))):
            open_asks.pop()

    def _take_answer(self, line: Line) -> None:
        place = (line["about"], line["key"])
        before = self._answers.get(place)
        self._answers[place] = Answer(
            outcome=line["outcome"], value=line["value"], attempts=1 + (before.attempts if before else 0)
        )
        if "nonce" in line:
            self._noted.setdefault(line["nonce"], set()).add(line["key"])
        else:
            self._settle(line)
        if line["run"] == self.run:
            total = self._spending.setdefault(line["task"], Spending())
            total.calls += 1
            total.usd += _dollars(line["usd"])
            total.usage += Usage(**line["usage"])


def _dollars(value: Any) -> float:
    """Check an amount: what is no number would never reach the cap."""
    if not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise TypeError("no amount of dollars")
    return float(value)


def as_figures(spending: dict[str, Spending]) -> dict[str, Any]:
    """Spending for a manifest, JSON-ready."""
    return {task: {"calls": s.calls, "usd": round(s.usd, 6), **asdict(s.usage)} for task, s in sorted(spending.items())}
