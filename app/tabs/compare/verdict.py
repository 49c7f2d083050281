"""One sentence or two that say what came of a race, made of the lanes' receipts. Pure."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from app.runs.render import plain
from app.runs.request import RunRequest
from app.runs.runner import Outcome
from app.runs.verdicts import more_tokens, short, words
from s1core.grading import canonical
from s1core.types import Receipt

NO_ANSWER = "no answer"


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneEnd:
    """How a lane ended."""

    asked: RunRequest
    outcome: Outcome | None
    """None of a lane that broke off."""
    correct: bool | None

    @property
    def answer(self) -> str:
        """The answer, shortened."""
        found = self.outcome.answer if self.outcome else None
        return NO_ANSWER if found is None else short(found)

    @property
    def key(self) -> str:
        """The same for two spellings of one answer."""
        found = self.outcome.answer if self.outcome else None
        return "" if found is None else canonical(found)

    @property
    def receipt(self) -> Receipt | None:
        """Of a single run."""
        return self.outcome.trace.receipt if self.outcome and self.outcome.trace else None


def race_verdict(lanes: Sequence[LaneEnd], expected: str | None) -> str:
    """Say which lanes agree, which are right, and why, where the receipts show it.

    Args:
        lanes: all of them; empty text is returned while one has no outcome.
        expected: the right answer, where it is known.
    """
    if not lanes or any(lane.outcome is None or lane.outcome.cancelled for lane in lanes):
        return ""
    if len(lanes) == 1:
        return ""
    same = len({lane.key for lane in lanes}) == 1
    return plain(_all_agree(lanes, expected) if same else _differ(lanes, expected))


def _all_agree(lanes: Sequence[LaneEnd], expected: str | None) -> str:
    answer, correct = lanes[0].answer, lanes[0].correct
    difference = _differences(lanes)
    only = next(iter(difference)) if len(difference) == 1 else ""
    who = {"budget": "All budgets", "waits": "All lanes, with or without a Wait,", "word": "All words"}
    judged = {True: ", which is right", False: f", which is wrong: it is {short(expected or '')}", None: ""}[correct]
    lead = f"{who.get(only, 'All lanes')} gave {answer}{judged}."
    stopped = _stopped_at(lanes)
    if stopped is not None and only == "budget":
        remedy = " Add a Wait." if correct is False else ""
        return f"{lead} No lane reached its budget: the model stopped on its own at token {stopped:,}.{remedy}"
    if correct and only == "waits":
        return f"{lead} This question needs no Wait."
    return lead


def _stopped_at(lanes: Sequence[LaneEnd]) -> int | None:
    """The token at which the model stopped on its own in every lane; None where a lane ended otherwise."""
    receipts = [lane.receipt for lane in lanes]
    if any(receipt is None or receipt.closed_by != "model" or receipt.waits_used for receipt in receipts):
        return None
    return max(receipt.thinking_tokens for receipt in receipts if receipt)


def _differ(lanes: Sequence[LaneEnd], expected: str | None) -> str:
    difference = _differences(lanes)
    if expected is None:
        return (
            "The answers differ: " + "; ".join(f"{lane_name(lane, difference)}: {lane.answer}" for lane in lanes) + "."
        )
    if all(lane.correct is False for lane in lanes):
        return f"No lane is right: it is {short(expected)}."
    if difference in ({"waits"}, {"budget"}):
        return _turning_point(lanes, difference)
    right = [lane_name(lane, difference) for lane in lanes if lane.correct]
    wrong = [lane_name(lane, difference) for lane in lanes if not lane.correct]
    return f"Right: {', '.join(right)}. Wrong: {', '.join(wrong)}."


def _turning_point(lanes: Sequence[LaneEnd], difference: Set[str]) -> str:
    """From the last wrong lane before the first right one, and whether a longer one broke it again."""
    order = sorted(lanes, key=lambda lane: _size(lane, difference))
    first = next(place for place, lane in enumerate(order) if lane.correct)
    right, after = order[first], order[first + 1 :]
    said: list[str] = []
    if first:
        before = order[first - 1]
        said.append(f"{_named(before, difference)}: {before.answer}, wrong.")
        said.append(f"{_named(right, difference)}: {right.answer}, right{_cost(before, right)}.")
    else:
        said.append(f"{_named(right, difference)}: {right.answer}, right already.")
    if broken := next((lane for lane in after if not lane.correct), None):
        said.append(f"{_named(broken, difference)} broke it: {broken.answer}.")
    return " ".join(said)


def _cost(before: LaneEnd, after: LaneEnd) -> str:
    if before.receipt is None or after.receipt is None:
        return ""
    more = after.receipt.thinking_tokens - before.receipt.thinking_tokens
    return f", for {more_tokens(more)}" if more > 0 else ""


def _size(lane: LaneEnd, difference: Set[str]) -> int:
    budget = lane.asked.budget
    return budget.waits if "waits" in difference else budget.max_thinking_tokens or 0


def _differences(lanes: Sequence[LaneEnd]) -> Set[str]:
    """What tells the lanes apart, of `method`, `waits`, `word`, `budget` and `model`."""
    seen = {
        "method": {(lane.asked.method, lane.asked.count) for lane in lanes},
        "waits": {lane.asked.budget.waits for lane in lanes},
        "word": {lane.asked.budget.wait_text for lane in lanes if lane.asked.budget.waits},
        "budget": {lane.asked.budget.max_thinking_tokens for lane in lanes},
        "model": {lane.asked.model for lane in lanes},
    }
    return {name for name, values in seen.items() if len(values) > 1}


def lane_name(lane: LaneEnd, difference: Set[str]) -> str:
    """What a lane is called among others: its settings that differ from theirs."""
    asked, budget = lane.asked, lane.asked.budget
    if "method" in difference and asked.method != "forcing":
        return _method_name(asked)
    waits = f"{words(budget.waits)} Wait{'' if budget.waits == 1 else 's'}"
    if "word" in difference:
        waits = f"“{budget.wait_text}”" if budget.wait_text else "nothing"
    limit = "no limit" if budget.max_thinking_tokens is None else f"budget {budget.max_thinking_tokens:,}"
    parts = {
        "waits": waits if budget.waits else "no Wait",
        "budget": limit,
        "model": asked.model,
    }
    told = {"waits" if name in ("word", "method") else name for name in difference}
    return " with ".join(part for name, part in parts.items() if name in told)


def _method_name(asked: RunRequest) -> str:
    match asked.method:
        case "vote":
            return f"majority of {asked.count}"
        case "rejection":
            return f"{asked.count} attempts"
        case "none":
            return "no limit, no Wait"
        case _:
            return "asked in the prompt"


def _named(lane: LaneEnd, difference: Set[str]) -> str:
    name = lane_name(lane, difference)
    return name[:1].upper() + name[1:]
