"""Difficulty: what a weaker model gets right is too easy. The teacher's own attempt is judged as well.

The second model is asked only what the first one did not solve: the rows that stay are the same, for fewer calls. Of a
pool that would take too long, a part is asked that is drawn evenly over subjects and phrasings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from curate.cache import Fact, Facts
from curate.generation import CONCURRENCY, ModelSpec, ask_all
from curate.grading import NO_GOLD, Judge
from curate.rows import CurateError, OnProgress, Outcome, Rejection, Row
from curate.select import spread

NOT_MEASURED = "not_measured"


@dataclass(frozen=True, kw_only=True)
class Difficulty:
    """Removes what is solved by any of the weaker models."""

    weak: Sequence[ModelSpec]
    judge: Judge
    cache: Path
    shard: str = ""
    only_attempts: bool = False
    """Let the models write and judge nothing: one machine's share of the work."""
    concurrency: int = CONCURRENCY
    sample: int | None = None
    """Ask about so many rows at most; the others are rejected as not measured."""
    seed: int = 0
    """Of the draw of that sample."""
    name: str = "difficulty"
    pure: bool = False

    @property
    def config(self) -> dict[str, Any]:
        """All that decides what it does."""
        sample = {} if self.sample is None else {"sample": self.sample, "seed": self.seed}
        return {"weak": [spec.cache_key for spec in self.weak], **sample, **self.judge.config}

    def run(self, rows: Sequence[Row], on_progress: OnProgress) -> Outcome:
        """Ask the weaker models in turn, then judge the teacher."""
        kept, rejections = self._sampled(rows)
        counts = Counter(rejection.rule for rejection in rejections)
        # Work is measured in judged attempts: one for every model that a row gets to, and one for the teacher's.
        steps = len(self.weak) + 1

        def report(step: int, share: float) -> None:
            on_progress(int(len(rows) * (step + share) / steps), counts)

        for step, spec in enumerate(self.weak):
            attempts = self._attempts(spec, kept, lambda share, s=step: report(s, share / 2))
            if self.only_attempts:
                continue
            cases = [(row, attempt) for row, attempt in zip(kept, attempts, strict=True)]
            total = max(1, len(cases))
            verdicts = self.judge.judge(cases, lambda n, s=step, t=total: report(s, 0.5 + n / t / 2))
            harder: list[Row] = []
            for row, verdict in zip(kept, verdicts, strict=True):
                if verdict.correct is False:
                    harder.append(row)
                    continue
                rule = f"solved_by:{spec.name}" if verdict.correct else f"judge:{verdict.rule}"
                rejections.append(Rejection.of(row, self.name, rule, verdict.rule))
                counts[rule] += 1
            kept = harder
        if not self.only_attempts:
            kept, lost = self._judge_teacher(kept, lambda share: report(steps - 1, share))
            rejections += lost
        return Outcome(rows=kept, rejections=rejections)

    def _sampled(self, rows: Sequence[Row]) -> tuple[list[Row], list[Rejection]]:
        if self.sample is None or len(rows) <= self.sample:
            return list(rows), []
        chosen = spread(rows, self.sample, self.seed)
        left = [row for row in rows if row.uid not in chosen]
        rejections = [Rejection.of(row, self.name, NOT_MEASURED, f"sample of {self.sample:,}") for row in left]
        return [row for row in rows if row.uid in chosen], rejections

    def _attempts(self, spec: ModelSpec, rows: Sequence[Row], report: Any) -> list[str]:
        """What a model answers to each row; what is known is not asked."""
        with Facts(self.cache, "attempt", spec.cache_key, self.shard) as facts:
            missing = [row for row in rows if row.key not in facts]
            done = len(rows) - len(missing)

            def on_result(fact: Fact) -> None:
                nonlocal done
                # The thinking of a weaker model is of no use.
                facts.add({**fact, "thinking": ""})
                done += 1
                report(done / len(rows))

            if missing:
                engine = spec.load(self.concurrency)
                try:
                    ask_all(engine, spec, missing, on_result, concurrency=self.concurrency)
                finally:
                    engine.close()
            wanted = {row.key for row in rows}
            known = {key: fact for key, fact in facts.items() if key in wanted}
        if not any(str(fact["attempt"]).strip() for fact in known.values()):
            # Nothing solved is a finding; nothing answered is a fault.
            reasons = ", ".join(f"{why} {n}" for why, n in Counter(f["failed"] for f in known.values()).most_common(3))
            raise CurateError(f"{spec.name} answered none of {len(rows):,} questions ({reasons}); take another model")
        return [str(known[row.key]["attempt"]) for row in rows]

    def _judge_teacher(self, rows: list[Row], report: Any) -> tuple[list[Row], list[Rejection]]:
        cases = [(row, row.attempt or "") for row in rows]
        verdicts = self.judge.judge(cases, lambda n: report(n / max(1, len(cases))))
        judged: list[Row] = []
        lost: list[Rejection] = []
        for row, verdict in zip(rows, verdicts, strict=True):
            if verdict.correct is None and verdict.rule != NO_GOLD:
                lost.append(Rejection.of(row, self.name, f"judge:{verdict.rule}", "of the teacher's attempt"))
            else:
                judged.append(replace(row, correct=verdict.correct))
        return judged, lost
