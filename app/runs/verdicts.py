"""One sentence that says what came of a run, made of its receipt: every number in it can be checked there. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from app.runs.render import count, plain
from app.runs.request import RunRequest
from app.runs.runner import Outcome
from s1core.probe import WaitEffect
from s1core.types import Receipt, Trace

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")


def run_verdict(
    asked: RunRequest,
    outcome: Outcome,
    *,
    expected: str | None,
    correct: bool | None,
    room: int | None = None,
    waits: Sequence[WaitEffect] = (),
) -> str:
    """Say in a sentence how a run ended, and in another what to change where it ended wrong.

    Args:
        asked: the request.
        outcome: how it ended.
        expected: the right answer, where it is known.
        correct: whether the answer is right; None where that cannot be said.
        room: thinking tokens that the context left, if that is known.
        waits: what each forced Wait did, where the answer track knows.
    """
    if outcome.cancelled:
        return _stopped(outcome)
    lead = _of_samples(outcome) if outcome.trace is None else _lead(asked, outcome.trace, outcome.answer, waits)
    receipt = outcome.trace.receipt if outcome.trace else None
    judged = _judged(expected, correct) if outcome.answer is not None else "."
    parts = [lead + judged, _remedy(receipt, correct), _clipped(asked, room)]
    return plain(" ".join(part for part in parts if part))


def words(number: int) -> str:
    """A small number in words, a larger one in digits."""
    return NUMBERS[number] if number < len(NUMBERS) else f"{number:,}"


def times(number: int) -> str:
    """`once`, `twice`, `three times`."""
    return {1: "once", 2: "twice"}.get(number) or f"{words(number)} times"


def answered(answer: str | None) -> str:
    """The predicate of an answer."""
    return "gave no answer" if answer is None else f"answered {short(answer)}"


def short(answer: str) -> str:
    """An answer that fits into a sentence."""
    line = " ".join(answer.split())
    return line if len(line) <= 40 else f"{line[:39]}…"


def _stopped(outcome: Outcome) -> str:
    if outcome.trace is None:
        return "You stopped it before there was an answer."
    return f"You stopped it after {count(outcome.trace.receipt.thinking_tokens)} of thinking."


def _lead(asked: RunRequest, trace: Trace, answer: str | None, waits: Sequence[WaitEffect]) -> str:
    receipt = trace.receipt
    if receipt.waits_used:
        return _after_waits(asked, trace, answer, waits)
    spent = receipt.thinking_tokens
    if receipt.closed_by == "budget" and spent == 0:
        return f"Without thinking it {answered(answer)}"
    if receipt.closed_by == "model":
        return f"It stopped on its own at token {spent:,} and {answered(answer)}"
    what = "The budget" if receipt.closed_by == "budget" else "The context"
    return f"{what} ended its thinking at token {spent:,}, and it {answered(answer)}"


def _after_waits(asked: RunRequest, trace: Trace, answer: str | None, waits: Sequence[WaitEffect]) -> str:
    receipt = trace.receipt
    more = receipt.thinking_tokens - before_first_wait(trace)
    effect = next((wait for wait in waits if wait.changed), None)
    if effect and effect.before is not None and answer is not None and len(waits) == 1:
        what = "One word" if len(asked.budget.wait_text.split()) == 1 else "One Wait"
        return f"{what}, {more:,} more tokens, and the answer changed from {short(effect.before)} to {short(answer)}"
    if waits and effect is None and answer is not None:
        made = times(receipt.waits_used)
        return f"Made to wait {made}, it thought {more_tokens(more)} and still answered {short(answer)}"
    return f"Made to wait {times(receipt.waits_used)}, it thought {more_tokens(more)} and {answered(answer)}"


def before_first_wait(trace: Trace) -> int:
    """Return the thinking tokens after which the model first tried to stop and was made to go on."""
    spent = 0
    for segment in trace.segments:
        if segment.source == "wait":
            break
        spent += len(segment.token_ids) if segment.phase == "thinking" else 0
    return spent


def more_tokens(number: int) -> str:
    """`1 more token`, `2 more tokens`."""
    return f"{number:,} more token{'' if number == 1 else 's'}"


def _of_samples(outcome: Outcome) -> str:
    said = outcome.note[:1].upper() + outcome.note[1:]
    return said.rstrip(".") if outcome.answer is None else f"{said.rstrip('.')}: {short(outcome.answer)}"


def _judged(expected: str | None, correct: bool | None) -> str:
    if correct is None:
        return "."
    return ", which is right." if correct else f", which is wrong: it is {short(expected or '')}."


def _remedy(receipt: Receipt | None, correct: bool | None) -> str:
    """What to try, where a run by itself shows what was missing."""
    if receipt is None or correct is not False or receipt.waits_used:
        return ""
    return "Add a Wait." if receipt.closed_by == "model" else "Raise the budget."


def _clipped(asked: RunRequest, room: int | None) -> str:
    most = asked.budget.max_thinking_tokens
    if most is None or room is None or room >= most:
        return ""
    return f"The context left room for {room:,} of the {count(most)} asked for."
