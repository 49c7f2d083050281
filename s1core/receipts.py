"""The receipt of a run, put together from its parts when it is over."""

from __future__ import annotations

from s1core.answer import Answer
from s1core.budget import Budget, Landing, Limits, Progress
from s1core.commands import CommandLog
from s1core.engines.base import Engine
from s1core.engines.capabilities import not_kept
from s1core.grading.extract import Extracted
from s1core.meter import Meter
from s1core.spill import spill_of
from s1core.transcript import Transcript
from s1core.types import ClosedBy, Receipt, Sampling


def receipt_of(
    engine: Engine,
    budget: Budget,
    sampling: Sampling,
    *,
    limits: Limits,
    progress: Progress,
    log: CommandLog,
    closed_by: ClosedBy | None,
    landing: Landing | None,
    transcript: Transcript,
    answer: Answer,
    found: Extracted,
    prompt_tokens: int,
    meter: Meter,
) -> Receipt:
    """Say what was asked, what was spent, and who decided."""
    spill = spill_of(
        transcript.ids_of("thinking"),
        transcript.ids_of("answer", "model"),
        reopened=answer.reopened,
        complete=answer.complete,
        usual_tokens=engine.default_answer_tokens,
    )
    return Receipt(
        max_thinking_tokens=limits.max_thinking_tokens if log.moved_budget else budget.max_thinking_tokens,
        min_thinking_tokens=budget.min_thinking_tokens,
        waits=budget.waits,
        accounting=budget.accounting,
        thinking_tokens=transcript.thinking_tokens,
        waits_used=progress.waits_used,
        closed_by=closed_by or "cancelled",
        answer_tokens=answer.tokens,
        answered=found.answer is not None,
        answer_rule=found.rule,
        answer_complete=answer.complete,
        prompt_tokens=prompt_tokens,
        engine=engine.name,
        model=engine.model,
        temperature=sampling.temperature,
        seed=sampling.seed,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        min_p=sampling.min_p,
        answer_probability=answer.probability(found.answer),
        unsupported=not_kept(engine, sampling, steered=log.changed_text),
        waits_by_you=progress.waits_by_you,
        landing=landing,
        spill=spill,
        steered=tuple(log),
        **meter.summary(),
    )
