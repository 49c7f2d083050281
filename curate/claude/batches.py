"""The Message Batches API: for many questions, at half the price, within hours.

Kill-safe at every step: a batch is in the journal before it is made; if its id was never noted, it is looked for on the
server by the nonce in its questions' ids before another one is made.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anthropic

from curate.claude.journal import CapReached, Journal, Plan
from curate.claude.live import PATIENCE, Pace, Unavailable
from curate.claude.prices import ClaudeModel
from curate.claude.requests import Busy, Invalid, Unclear, classify_api_errors, parameters, read_message, worst_usd
from curate.claude.tasks import Ask, Task
from curate.rows import CurateError

MOST_ASKS = 10_000
"""In one batch; the API takes 100,000."""
MOST_BYTES = 200 * 2**20
"""In one batch; the API takes 256 MB."""
POLL_S = 30.0
_CLOCKS_DIFFER_S = 900.0
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Batches:
    """Asks by batches."""

    client: anthropic.Anthropic
    api_key: str = field(repr=False)
    model_name: str
    model: ClaudeModel
    journal: Journal
    pace: Pace = field(default_factory=Pace)
    poll_s: float = POLL_S
    sleep: Callable[[float], None] = time.sleep

    def ask(self, task: Task, about: str, asks: Sequence[Ask], on_progress: Callable[[int], None]) -> None:
        """Ask until every question has an answer that counts; all of them go to the journal.

        Raises:
            CapReached: the cap is reached; the batches under way are waited for.
            Unavailable: too many faults in a row.
            CurateError: key or account are not accepted.
        """
        answered = 0
        while todo := [a for a in asks if (known := self.journal.answer(about, a.key)) is None or not known.final]:
            plans: list[Plan] = []
            reached: CapReached | None = None
            for group in _groups(todo, task):
                try:
                    plans.append(self._make(task, about, group))
                except CapReached as error:
                    reached = error
                    break
            for plan in plans:
                answered += self._bring_in(task, about, plan, lambda done, n=answered: on_progress(n + done))
            # What was reserved at its highest price has been paid at its real one: there may be room again.
            if reached is not None and not plans:
                raise reached

    def bring_in(self, task: Task, about: str, on_progress: Callable[[int], None]) -> None:
        """Wait for the batches that an earlier run left under way, and note their answers."""
        answered = 0
        for plan in self.journal.plans(about):
            answered += self._bring_in(task, about, plan, lambda done, n=answered: on_progress(n + done))

    def _make(self, task: Task, about: str, group: Sequence[Ask]) -> Plan:
        """Make one batch of as many of these as the cap allows."""
        left, chosen, worst = self.journal.left_usd(), list[Ask](), 0.0
        for ask in group:
            price = worst_usd(self.model, task, ask, batch=True)
            if chosen and worst + price > left:
                break
            chosen.append(ask)
            worst += price
        plan = self.journal.plan(about, secrets.token_hex(4), [ask.key for ask in chosen], worst)
        requests: Any = [
            {"custom_id": f"{plan.nonce}-{ask.key}", "params": parameters(self.model_name, self.model, task, ask)}
            for ask in chosen
        ]

        def create() -> str | None:
            return self.client.messages.batches.create(requests=requests).id

        try:
            found = self._patiently(create, after_doubt=lambda: self._find(plan))
        except (Invalid, CurateError):
            # Turned down as a whole: nothing was made, nothing is charged.
            self.journal.over(plan.nonce)
            raise
        assert found is not None
        self.journal.made(plan.nonce, found)
        plan.id = found
        return plan

    def _bring_in(self, task: Task, about: str, plan: Plan, on_progress: Callable[[int], None]) -> int:
        """Wait for a batch and note its answers; one that was never made is crossed out."""
        if plan.id is None:
            found = self._patiently(lambda: self._find(plan))
            if found is None:
                self.journal.over(plan.nonce)
                return 0
            self.journal.made(plan.nonce, found)
            plan.id = found
        batch_id = plan.id
        while True:
            batch = self._patiently(lambda: self.client.messages.batches.retrieve(batch_id))
            counts = batch.request_counts
            on_progress(counts.succeeded + counts.errored + counts.canceled + counts.expired)
            if batch.processing_status == "ended":
                break
            self.sleep(self.poll_s)
        self._patiently(lambda: self._note_results(task, about, plan, batch_id))
        self.journal.over(plan.nonce)
        on_progress(len(plan.keys))
        return len(plan.keys)

    def _note_results(self, task: Task, about: str, plan: Plan, batch_id: str) -> None:
        """Note every answer of an ended batch that is not noted yet."""
        for entry in self.client.messages.batches.results(batch_id):
            nonce, _, key = entry.custom_id.partition("-")
            if nonce == plan.nonce and key not in self.journal.noted(nonce):
                self._note(task, about, plan, key, entry.result)

    def _note(self, task: Task, about: str, plan: Plan, key: str, result: Any) -> None:
        if result.type == "succeeded":
            read = read_message(task, result.message)
            self.journal.answered(
                about,
                key,
                task=task.name,
                outcome=read.outcome,
                value=read.value,
                text=read.text,
                usage=read.usage,
                usd=read.usage.usd(self.model, batch=True),
                nonce=plan.nonce,
            )
            return
        reason = result.error.error if result.type == "errored" else None
        lasting = reason is not None and reason.type == "invalid_request_error"
        text = f"{result.type}: {reason.message}" if reason is not None else result.type
        self.journal.answered(
            about, key, task=task.name, outcome="invalid" if lasting else "failed", text=text, nonce=plan.nonce
        )

    def _find(self, plan: Plan) -> str | None:
        """The id of a planned batch on the server, if it was made after all."""
        for batch in self.client.messages.batches.list(limit=100):
            if batch.created_at.timestamp() < plan.at - _CLOCKS_DIFFER_S:
                return None
            if batch.id in self.journal.known_batches() or batch.archived_at is not None:
                continue
            counts = batch.request_counts
            total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
            if total == len(plan.keys) and self._is(batch.id, plan):
                return batch.id
        return None

    def _is(self, batch_id: str, plan: Plan) -> bool:
        """Whether this batch is the planned one: by its request ids, once it has ended."""
        while self.client.messages.batches.retrieve(batch_id).processing_status != "ended":
            self.sleep(self.poll_s)
        first = next(iter(self.client.messages.batches.results(batch_id)), None)
        return first is not None and first.custom_id.startswith(f"{plan.nonce}-")

    def _patiently(self, call: Callable[[], T], after_doubt: Callable[[], T | None] | None = None) -> T:
        """Call until it works.

        Args:
            call: talks to the server; may be repeated unless it makes something.
            after_doubt: for calls that make something: tells, after a fault that leaves it open, whether it was made.
        """
        last: Exception | None = None
        for faults in range(1, PATIENCE + 1):
            self.pace.wait()
            try:
                with classify_api_errors(self.api_key):
                    return call()
            except Busy as fault:
                self.pace.back_off(faults, fault.wait_s)
                last = fault
            except Unclear as fault:
                self.pace.back_off(faults, None)
                last = fault
                if after_doubt is not None and (made := self._patiently(after_doubt)) is not None:
                    return made
        raise Unavailable(
            f"Claude did not answer after {PATIENCE} tries ({last}); all answers are kept, try again later"
        ) from last


def _groups(asks: Sequence[Ask], task: Task) -> Iterator[list[Ask]]:
    """Cut the questions into batches that the API takes."""
    fixed = len(json.dumps(task.system)) + 500
    group: list[Ask] = []
    size = 0
    for ask in asks:
        more = fixed + len(json.dumps(ask.text))
        if group and (len(group) >= MOST_ASKS or size + more > MOST_BYTES):
            yield group
            group, size = [], 0
        group.append(ask)
        size += more
    if group:
        yield group
