"""What a curation will ask of whom, and what it may cost, before anything is spent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from curate.claude.client import Mode, about_of, goes_by_batches
from curate.claude.journal import Journal
from curate.claude.prices import ClaudeModel, Usage
from curate.claude.tasks import DOMAIN, GRADING, Task, about_tokens, domain_text, grading_text
from curate.config import CurateConfig
from curate.rows import CurateError, Row
from curate.sources import MADE, SourceSpec, read

FILE = "estimate.json"
"""Of the run folder."""
ATTEMPT_TOKENS = 600
"""Of an answer that is judged; Qwen2.5's to mathematical questions are about that long."""
THINKING_TOKENS = 4_500
"""Of a trace by a reasoning model; the published ones have 4,700 on average."""
QUESTION_TOKENS, SOLUTION_TOKENS = 120, 370
"""Of a question that was not read yet: 118 and 366 on average in the released s1K, in characters by three."""
_MADE_SAMPLE = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    """What is known of the questions that models will be asked."""

    basis: Literal["rows", "counts"]
    """`counts`: nothing was read; as many questions as the paper took, and as long as the released ones."""
    rows: int
    question_tokens: int
    solution_tokens: int
    keys: frozenset[str] = frozenset()


def pool_of(rows: Iterable[Row]) -> Pool:
    """The questions that are there."""
    held = list(rows)
    return Pool(
        basis="rows",
        rows=len(held),
        question_tokens=sum(about_tokens(domain_text(row.question)) for row in held),
        solution_tokens=sum(about_tokens(domain_text(row.solution)) for row in held),
        keys=frozenset(row.key for row in held),
    )


def pool_by_counts(specs: Sequence[SourceSpec], seed: int) -> Pool:
    """What the sources hold as far as it is known without the network; local files are read.

    Raises:
        CurateError: a file cannot be read, or nobody knows how many questions a source has.
    """
    pools = [_by_count(spec, seed) for spec in specs]
    return Pool(
        basis="counts",
        rows=sum(pool.rows for pool in pools),
        question_tokens=sum(pool.question_tokens for pool in pools),
        solution_tokens=sum(pool.solution_tokens for pool in pools),
    )


def _by_count(spec: SourceSpec, seed: int) -> Pool:
    if spec.path is not None:
        return pool_of(row for _, row in read(spec, seed=seed) if isinstance(row, Row))
    rows = spec.count or spec.source.published_rows or spec.source.rows
    if rows is None:
        raise CurateError(f"how many questions {spec.name} has is not known before it is read; estimate by --estimate")
    question, solution = QUESTION_TOKENS, SOLUTION_TOKENS
    if spec.name in MADE:
        few = replace(spec, count=min(rows, _MADE_SAMPLE))
        sample = pool_of(row for _, row in read(few, seed=seed) if isinstance(row, Row))
        question, solution = sample.question_tokens / sample.rows, sample.solution_tokens / sample.rows
    return Pool(
        basis="counts", rows=rows, question_tokens=round(rows * question), solution_tokens=round(rows * solution)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """One line of the estimate."""

    stage: str
    who: str
    calls: int
    input_tokens: int
    output_tokens: int
    usd: float = 0.0
    """Without the prompt cache."""
    usd_cached: float = 0.0
    note: str = ""


def estimate(
    config: CurateConfig, pool: Pool, *, model: ClaudeModel, mode: Mode, journal: Journal | None
) -> list[Cost]:
    """What the rest of the run will ask, at most: rows that the next stages reject will not be asked about.

    Args:
        config: what is to be curated.
        pool: what is left after the stages that cost nothing.
        model: Claude's prices.
        mode: single calls or batches.
        journal: what Claude has answered already; it is not asked again.
    """
    asked, rows = pool.question_tokens, pool.rows
    costs: list[Cost] = []
    if config.teacher is not None:
        costs.append(_engine("trace", config.teacher.name, rows, asked, THINKING_TOKENS + ATTEMPT_TOKENS))
    if config.needs_difficulty:
        costs += [_engine("difficulty", spec.name, rows, asked, ATTEMPT_TOKENS) for spec in config.weak]
        if config.judge == "claude":
            known = _known(journal, config, GRADING)
            around = about_tokens(grading_text("", "", "")) + ATTEMPT_TOKENS
            shown = asked + pool.solution_tokens + rows * around
            every = len(config.weak) + 1
            costs.append(_claude(config, GRADING, rows * every, shown * every, known, model, mode))
    if config.needs_domains and config.domains == "claude":
        known = _known(journal, config, DOMAIN) & pool.keys
        costs.append(_claude(config, DOMAIN, rows, asked, known, model, mode))
    return costs


def as_json(costs: Sequence[Cost], pool: Pool, cap_usd: float, spent_usd: float) -> dict[str, Any]:
    """The estimate for other programs."""
    return {
        "basis": pool.basis,
        "rows": pool.rows,
        "costs": [asdict(cost) for cost in costs],
        "usd": sum(cost.usd for cost in costs),
        "usd_cached": sum(cost.usd_cached for cost in costs),
        "cap_usd": cap_usd,
        "spent_usd": spent_usd,
    }


def as_table(costs: Sequence[Cost], cap_usd: float, spent_usd: float) -> str:
    """The estimate in plain text."""
    lines = [f"{'stage':<12}{'asked of':<28}{'calls':>9}{'input':>14}{'output':>13}{'uncached':>11}{'cached':>10}"]
    for cost in costs:
        money = f"{_usd(cost.usd):>11}{_usd(cost.usd_cached):>10}" if cost.usd else f"{'-':>11}{'-':>10}"
        lines.append(
            f"{cost.stage:<12}{cost.who[:27]:<28}{cost.calls:>9,}{cost.input_tokens:>14,}{cost.output_tokens:>13,}{money}"
        )
    usd, cached = sum(cost.usd for cost in costs), sum(cost.usd_cached for cost in costs)
    lines.append(f"{'at most':<12}{'':<28}{'':>9}{'':>14}{'':>13}{_usd(usd):>11}{_usd(cached):>10}")
    lines += [f"{cost.stage}: {cost.note}" for cost in costs if cost.note]
    lines.append("Tokens are estimated from characters; rows that are rejected on the way are not asked about.")
    if usd:
        lines.append(f"Cap {_usd(cap_usd)}, spent by this run so far {_usd(spent_usd)}.")
    if cached > cap_usd - spent_usd:
        lines.append("This may cost more than the cap, at which the run stops; everything that was answered is kept.")
    return "\n".join(lines)


def _engine(stage: str, name: str, calls: int, asked: int, answer_tokens: int) -> Cost:
    return Cost(stage=stage, who=name, calls=calls, input_tokens=asked, output_tokens=calls * answer_tokens)


def _claude(
    config: CurateConfig, task: Task, calls: int, shown: int, known: set[str], model: ClaudeModel, mode: Mode
) -> Cost:
    left = max(0, calls - len(known))
    shown = shown * left // max(1, calls)
    system = about_tokens(task.system)
    batch = goes_by_batches(mode, left)
    output = left * task.expected_tokens
    plain = Usage(input_tokens=shown + left * system, output_tokens=output)
    cacheable = system >= model.cacheable_from and left > 1
    cached = Usage(
        input_tokens=shown, cache_write_tokens=system, cache_read_tokens=(left - 1) * system, output_tokens=output
    )
    notes = [f"{len(known):,} answers are known already"] if known else []
    notes.append("Message Batches, half the price" if batch else "single calls")
    if not cacheable:
        notes.append(f"its prompt of {system:,} tokens is too short for the prompt cache")
    return Cost(
        stage=task.stage,
        who=config.claude_model,
        calls=left,
        input_tokens=plain.input_tokens,
        output_tokens=output,
        usd=plain.usd(model, batch=batch),
        usd_cached=(cached if cacheable else plain).usd(model, batch=batch),
        note="; ".join(notes),
    )


def _known(journal: Journal | None, config: CurateConfig, task: Task) -> set[str]:
    return journal.final_keys(about_of(config.claude_model, task)) if journal else set()


def _usd(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 1 or amount == 0 else f"${amount:.4f}"
