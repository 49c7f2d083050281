"""Single calls, several at a time: for a few questions, answered within seconds."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

import anthropic

from curate.claude.journal import Journal
from curate.claude.prices import ClaudeModel
from curate.claude.requests import Busy, Invalid, Unclear, classify_api_errors, parameters, read_message, worst_usd
from curate.claude.tasks import Ask, Task
from curate.rows import CurateError

AT_ONCE = 8
PATIENCE = 8
"""How many faults in a row one question may meet."""
LONGEST_WAIT_S = 120.0


class Unavailable(CurateError):
    """Claude did not answer for as long as it was worth waiting."""


class Pace:
    """Waits that all callers share: when one is turned away, the others do not run into the same wall."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._free_at = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait until it makes sense to ask again."""
        with self._lock:
            left_s = self._free_at - time.monotonic()
        if left_s > 0:
            self._sleep(left_s)

    def back_off(self, faults: int, asked_s: float | None) -> None:
        """Let nobody ask for a while: as long as the server asks for, else longer with every fault."""
        grown_s = min(LONGEST_WAIT_S, 0.5 * 2**faults) * random.uniform(0.75, 1.0)
        wait_s = grown_s if asked_s is None else asked_s
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic() + wait_s)


@dataclass(frozen=True, kw_only=True)
class Live:
    """Asks by single calls."""

    client: anthropic.Anthropic
    api_key: str = field(repr=False)
    model_name: str
    model: ClaudeModel
    journal: Journal
    pace: Pace = field(default_factory=Pace)
    at_once: int = AT_ONCE

    def ask(self, task: Task, about: str, asks: Sequence[Ask], on_progress: Callable[[int], None]) -> None:
        """Ask until every question has an answer that counts; all of them go to the journal.

        Raises:
            CapReached: the cap is reached; the calls under way are waited for.
            Unavailable: too many faults in a row.
            CurateError: key or account are not accepted.
        """
        todo = [ask for ask in asks if (known := self.journal.answer(about, ask.key)) is None or not known.final]
        if not todo:
            return
        # The prompt cache is filled by the first answer; those that start together with it would all pay for it.
        self._ask_one(task, about, todo[0])
        on_progress(1)
        stop = threading.Event()

        def one(ask: Ask) -> None:
            if not stop.is_set():
                self._ask_one(task, about, ask)

        with ThreadPoolExecutor(self.at_once) as pool:
            futures = [pool.submit(one, ask) for ask in todo[1:]]
            try:
                for number, future in enumerate(as_completed(futures), start=2):
                    future.result()
                    on_progress(number)
            except BaseException:
                # Those under way are paid for: they are waited for and noted, no other is begun.
                stop.set()
                raise

    def _ask_one(self, task: Task, about: str, ask: Ask) -> None:
        faults = 0
        while (known := self.journal.answer(about, ask.key)) is None or not known.final:
            self.pace.wait()
            self.journal.ask(about, ask.key, worst_usd(self.model, task, ask, batch=False))
            try:
                with classify_api_errors(self.api_key):
                    message = self.client.messages.create(**parameters(self.model_name, self.model, task, ask))
            except Busy as fault:
                self.journal.unanswered(about, ask.key, str(fault))
                faults = self._count(faults, fault)
                self.pace.back_off(faults, fault.wait_s)
            except Unclear as fault:
                faults = self._count(faults, fault)
                self.pace.back_off(faults, None)
            except Invalid as fault:
                self.journal.answered(about, ask.key, task=task.name, outcome="invalid", text=str(fault))
            except CurateError:
                self.journal.unanswered(about, ask.key, "key or account not accepted")
                raise
            else:
                faults = 0
                read = read_message(task, message)
                self.journal.answered(
                    about,
                    ask.key,
                    task=task.name,
                    outcome=read.outcome,
                    value=read.value,
                    text=read.text,
                    usage=read.usage,
                    usd=read.usage.usd(self.model, batch=False),
                )

    def _count(self, faults: int, fault: Exception) -> int:
        if faults + 1 >= PATIENCE:
            raise Unavailable(
                f"Claude did not answer after {PATIENCE} tries ({fault}); all answers are kept, try again later"
            ) from fault
        return faults + 1
