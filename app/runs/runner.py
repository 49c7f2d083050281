"""Runs a method on an engine, streams its events and describes its outcome. No Gradio."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from app.runs import render, samples
from app.runs.request import RunRequest
from app.runs.samples import LiveSamples
from s1core import astream
from s1core.engines.base import Engine
from s1core.methods import Controlled, Rejection, Vote, amajority_vote, arejection_sampling
from s1core.solve import CancelFlag
from s1core.types import Event, Receipt, Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a run ended."""

    answer: str | None
    complete: bool
    """There is a final answer to judge: neither a stop nor the answer limit cut it."""
    cancelled: bool = False
    note: str = ""
    """Beside the answer, in a sentence."""
    rows: list[list[str]]
    """The receipt: [what, how much]."""
    trace: Trace | None = None
    """The only run; None for several."""


async def drive(engine: Engine, asked: RunRequest, live: LiveSamples, cancel: CancelFlag) -> Outcome:
    """Run a request and fold its events into `live`; cancelling the task frees the engine.

    Only a single run heeds `cancel`, which leaves it with a receipt.

    Raises:
        S1Error: for the visitor.
    """
    match asked.method:
        case "vote":
            return await _vote(engine, asked, live)
        case "rejection":
            return await _reject(engine, asked, live)
        case _:
            return await _single(engine, asked, live, cancel)


async def _single(engine: Engine, asked: RunRequest, live: LiveSamples, cancel: CancelFlag) -> Outcome:
    events: list[Event] = []
    run = astream(engine, asked.prompt, asked.budget, asked.sampling, cancel=cancel, answer_logprobs=asked.track)
    async with aclosing(run) as stream:
        async for event in stream:
            events.append(event)
            live.take(0, event)
            # An engine that never awaits would block the event loop, and with it every page.
            await asyncio.sleep(0)
    return single_outcome(asked, Trace.from_events(events), stopped=cancel.is_set())


def single_outcome(asked: RunRequest, trace: Trace, *, stopped: bool) -> Outcome:
    """Say what came of one run."""
    receipt, control = trace.receipt, asked.control
    cancelled = receipt.closed_by == "cancelled" or (stopped and not receipt.answer_complete)
    measured = control and Controlled(control=control, trace=trace, measured=control.measure(trace))
    return Outcome(
        answer=trace.answer,
        complete=receipt.answer_complete,
        cancelled=cancelled,
        rows=[*samples.asked_rows(asked, measured), *render.receipt_rows(receipt)],
        trace=trace,
    )


async def _vote(engine: Engine, asked: RunRequest, live: LiveSamples) -> Outcome:
    vote = await amajority_vote(engine, asked.question, asked.count, asked.budget, asked.sampling, on_event=live.take)
    return vote_outcome(vote)


def vote_outcome(vote: Vote) -> Outcome:
    """Say what came of a vote."""
    votes = dict(samples.tally(vote)).get(vote.answer or "", 0)
    note = f"{votes} of {render.count(len(vote.traces), 'sample')} said so" if votes else "No sample gave one."
    return Outcome(answer=vote.answer, complete=True, note=note, rows=samples.vote_rows(vote))


async def _reject(engine: Engine, asked: RunRequest, live: LiveSamples) -> Outcome:
    most = asked.budget.max_thinking_tokens or 0
    rejection = await arejection_sampling(
        engine, asked.question, most, attempts=asked.count, sampling=asked.sampling, on_event=live.take
    )
    return rejection_outcome(asked, rejection, live.receipts)


def rejection_outcome(asked: RunRequest, rejection: Rejection, receipts: list[Receipt]) -> Outcome:
    """Say what came of rejection sampling, given the receipts of all attempts."""
    most = asked.budget.max_thinking_tokens or 0
    attempts = render.count(rejection.attempts, "attempt")
    none = f"None of {attempts} stayed within {render.count(most)}. Raise the budget or the attempts."
    note = f"accepted: attempt {rejection.attempts}" if rejection.trace else none
    rows = samples.rejection_rows(asked, rejection, receipts)
    return Outcome(answer=rejection.answer, complete=rejection.trace is not None, note=note, rows=rows)
