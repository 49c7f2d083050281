"""A foreign run read twice: once to learn what all of it holds, once to make its rows; what is unknown is reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from evals.importers.foreign import ForeignRun
from evals.importers.lines import Notes, Question
from evals.importers.rows import Judged, Sample, judge
from evals.importers.tokens import CountTokens
from evals.importers.verdicts import Survey
from s1core.store import Row

_SHOWN = 6
"""Verdicts that a sentence lists."""
_OTHERS_SHOW = "other samples show theirs, and it shows none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Which verdicts of a log count."""

    verdict: str | None = None
    """The name of one that was chosen; None leaves it to the log, else to `ranked`."""
    regrade: bool = False
    """Judge with our own grader instead."""


@dataclass(slots=True)
class _Found:
    """What was met while the rows of one run were made."""

    samples: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    empty: int = 0
    """Without an answer in the log, and not right."""
    graded_here: int = 0
    own_right: int = 0
    changed: int = 0
    recorded: int = 0

    def take(self, sample: Sample, judged: Judged) -> None:
        self.samples += 1
        self.empty += sample.empty and not judged.row["correct"]
        self.recorded += judged.recorded is not None
        self.graded_here += judged.recorded is None
        self.own_right += bool(judged.own)
        self.changed += None not in (judged.own, judged.recorded) and judged.own != judged.recorded
        if judged.unknown is not None:
            self.unknown[judged.unknown] += 1


def survey(run: ForeignRun) -> Survey:
    """Read all samples of a run once and learn what they hold."""
    found = Survey()
    for sample in run.samples(Notes()):
        found.take(sample.scores)
        found.marked = found.marked or sample.parts.marked or bool(sample.thinking_tokens)
        if sample.receipt is not None:
            found.budgets.add(sample.receipt.get("max_thinking_tokens"))
        found.counts = found.counts or (sample.thinking_tokens is None and bool(sample.parts.thinking))
    return found


def with_verdict_choice(run: ForeignRun, held: Survey) -> ForeignRun:
    """The same run with the budget in all of its receipts, where its options name none but an effort."""
    if run.asked.max_thinking_tokens is not None or len(held.budgets) != 1:
        return run
    (budget,) = held.budgets
    return replace(run, asked=replace(run.asked, max_thinking_tokens=budget))


def rows_of(run: ForeignRun, held: Survey, count: CountTokens, choice: Choice, notes: Notes) -> Iterator[Row]:
    """Make the rows of a run; then report what is unknown, and ask which of several verdicts counts.

    Args:
        run: what was found.
        held: what all of it holds.
        count: counts the tokens of a text.
        choice: which verdicts count.
        notes: takes what could not be read, what is not known, and what is asked.
    """
    verdict = _chosen(run, held, choice, notes)
    all_wrong = verdict is not None and not held.tallies[verdict].right
    found, seen = _Found(), set[str]()
    for sample in run.samples(notes):
        if held.marked and sample.hidden is None and sample.parts.answer:
            sample = replace(sample, hidden=_OTHERS_SHOW)
        judged = judge(sample, run.asked.label, count, verdict, regrade=choice.regrade, compare=all_wrong)
        found.take(sample, judged)
        seen.add(sample.id)
        yield judged.row
    if run.expected is not None and len(seen) < run.expected:
        notes.add(f"{run.path} gave {len(seen)} of the {run.expected} questions that it announces")
    _note(run, held, verdict, found, choice, notes)


def _chosen(run: ForeignRun, held: Survey, choice: Choice, notes: Notes) -> str | None:
    usable = held.usable
    if choice.verdict in usable:
        return choice.verdict
    first = run.headline if run.headline in usable else next(iter(usable), None)
    if choice.verdict is not None and first is not None:
        names = ", ".join(usable[:_SHOWN])
        notes.add(f"{run.path} has no verdict {choice.verdict[:80]!r}, but {names}; {first} counts")
    return first


def _note(run: ForeignRun, held: Survey, verdict: str | None, found: _Found, choice: Choice, notes: Notes) -> None:
    path, n = run.path, found.samples
    for reason, count in found.unknown.most_common():
        notes.add(f"{path}: the thinking tokens of {count} of {n} samples are unknown: {reason}")
    if found.empty:
        notes.add(f"{path}: {found.empty} of {n} samples have no answer in the log; they count as wrong")
    if choice.regrade:
        if found.recorded:
            notes.add(f"{path} was graded again: {found.changed} of {found.recorded} recorded verdicts changed")
        return
    if held.tallies and found.graded_here:
        why = _why_unread(held, verdict)
        notes.add(f"{path}: {found.graded_here} of {n} samples were graded here, since {why}")
    if verdict is None:
        return
    tally = held.tallies[verdict]
    if tally.partial:
        notes.add(f"{path}: {tally.partial} of {n} samples have partial credit under {verdict}, which counts as wrong")
    asked = _asked(str(path), held, verdict, found, choice)
    if asked is not None:
        notes.ask(asked)


def _asked(path: str, held: Survey, verdict: str, found: _Found, choice: Choice) -> Question | None:
    """What the log leaves to its reader: verdicts that are all wrong, or that disagree."""
    others = [name for name in held.usable if name != verdict]
    names = tuple([verdict, *others][:_SHOWN]) if held.disagree else ()
    if not held.tallies[verdict].right and found.own_right:
        right = f"{found.own_right} of {found.samples} answers agree with their targets here"
        sentence = f"{path}: every recorded verdict ({verdict}) is wrong, although {right}; shall they be graded again?"
        return Question(sentence=sentence, verdicts=names, regrade=True)
    if not held.disagree or choice.verdict is not None:
        return None
    shares = [f"{name} ({held.tallies[name].percent:.1f} %)" for name in others[:_SHOWN]]
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    sentence = (
        f"{path} holds several verdicts that disagree on {held.disagree} of {held.samples} samples: {verdict} "
        f"({held.tallies[verdict].percent:.1f} % right) counts, not {', '.join(shares)}{more}; which one is meant?"
    )
    return Question(sentence=sentence, verdicts=names, regrade=True)


def _why_unread(held: Survey, verdict: str | None) -> str:
    if verdict is not None:
        return f"{verdict} holds no verdict on them"
    scaled = [name for name, tally in sorted(held.tallies.items()) if tally.scaled]
    if scaled:
        return f"{', '.join(scaled[:_SHOWN])} is on a scale that the log does not tell"
    return f"{', '.join(sorted(held.tallies)[:_SHOWN])} holds nothing that says right or wrong"
