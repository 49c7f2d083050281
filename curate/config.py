"""All that decides a curated set, and the stages that follow from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from curate.claude.client import Claude
from curate.claude.journal import Journal
from curate.claude.prices import DEFAULT_MODEL
from curate.generation import CONCURRENCY, ModelSpec
from curate.grading import ClaudeJudge, Judge, LocalJudge
from curate.rows import CurateError, Row, Stage
from curate.select import LENGTH_RATIO, TARGET, Mode, Select
from curate.sources import SourceSpec
from curate.stages.decontaminate import Decontaminate
from curate.stages.difficulty import Difficulty
from curate.stages.domain import ClaudeLabeller, Domains, Labeller, LocalLabeller
from curate.stages.duplicates import Duplicates
from curate.stages.problems_teacher import ProblemsTeacher
from curate.stages.quality import Quality
from curate.stages.trace import EngineTracer, NanoTeacher, Trace, Tracer
from s1core.models import resolve
from s1core.weights import location_of

Helper = Literal["local", "claude"]
Solver = Literal["nano", "problems"]
STAGES = ("collect", "duplicates", "decontaminate", "trace", "quality", "difficulty", "domain", "select", "render")
"""In order."""


@dataclass(frozen=True, kw_only=True)
class CurateConfig:
    """What to curate, and how."""

    sources: Sequence[SourceSpec]
    evaluation: Sequence[SourceSpec] = ()
    """What must not be trained on."""
    teacher: ModelSpec | None = None
    """None is a solver, without any model."""
    solver: Solver = "nano"
    """Of s1-nano's families, or of the English problems and of worked solutions."""
    weak: Sequence[ModelSpec] = ()
    judge: Helper = "local"
    difficulty_sample: int | None = None
    """Ask the weaker models about so many rows at most, drawn evenly over subjects and phrasings."""
    domains: Helper = "local"
    claude_model: str = DEFAULT_MODEL
    mode: Mode = "published"
    target: int = TARGET
    seed: int = 0
    length_ratio: float = LENGTH_RATIO
    """See `curate.select.select`."""
    max_thinking_tokens: int | None = None
    """Longer traces are rejected."""
    near_threshold: float = 0.8
    shared_texts: tuple[str, ...] = ()
    """Wording of prompts that many questions have in common, which is no contamination."""
    length_tokenizer: str | None = None
    """Counts thinking in another tokenizer than the teacher's: a folder or a hub id."""

    def __post_init__(self) -> None:
        if not self.sources:
            raise CurateError("no source was named; take --source NAME, FILE or nano")
        names = [spec.name for spec in self.sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise CurateError(f"source {', '.join(twice)} is named twice")
        for spec in (*self.weak, *([self.teacher] if self.teacher else [])):
            # Report a misspelt name now, not after an hour of other work.
            resolve(spec.model)
        if self.target < 1:
            raise CurateError(f"the target must be 1 or more, got {self.target}")
        if self.difficulty_sample is not None and self.difficulty_sample < 1:
            raise CurateError(f"--difficulty-sample must be 1 or more, got {self.difficulty_sample}")
        if not 0 < self.length_ratio <= 1:
            raise CurateError(f"--length-ratio must be above 0 and at most 1, got {self.length_ratio}")

    def as_dict(self) -> dict[str, Any]:
        """All that decides the set, JSON-ready."""
        asks_claude = "claude" in (self.judge, self.domains)
        # Named only where they are set: sets that were made without them keep their hash.
        options = {
            "difficulty_sample": self.difficulty_sample,
            "length_ratio": None if self.length_ratio == LENGTH_RATIO else self.length_ratio,
            "max_thinking_tokens": self.max_thinking_tokens,
            "shared_texts": sorted(self.shared_texts) or None,
        }
        return {
            "sources": [spec.as_dict() for spec in self.sources],
            "evaluation": [spec.as_dict() for spec in self.evaluation],
            "teacher": self.tracer.cache_key,
            "weak": [spec.cache_key for spec in self.weak],
            "judge": self.judge,
            "domains": self.domains,
            "claude_model": self.claude_model if asks_claude else None,
            "mode": self.mode,
            "target": self.target,
            "seed": self.seed,
            "near_threshold": self.near_threshold,
            "length_tokenizer": self.length_tokenizer,
            **{name: value for name, value in options.items() if value is not None},
        }

    @property
    def tracer(self) -> Tracer:
        """Whoever thinks."""
        if self.teacher:
            return EngineTracer(spec=self.teacher)
        return (NanoTeacher if self.solver == "nano" else ProblemsTeacher)(seed=self.seed)

    @property
    def needs_difficulty(self) -> bool:
        """The data ablation's other selections do without it, as in the paper."""
        return self.mode == "published"

    @property
    def needs_domains(self) -> bool:
        """Selections that do not draw by domain do without, unless it costs nothing to know."""
        return self.mode in ("published", "diverse") or self.domains == "local"

    @property
    def asks_claude(self) -> bool:
        """Whether anything is spent."""
        judges = self.needs_difficulty and self.judge == "claude"
        return judges or (self.needs_domains and self.domains == "claude")


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a run works with; none of it decides the set."""

    cache: Path
    """Facts that other runs may use as well."""
    journal: Callable[[], Journal] | None = None
    """Opens what is known of Claude's answers."""
    claude: Callable[[Journal], Claude] | None = None
    """Opens the way to Claude when it is first needed; asks for the key if need be."""
    concurrency: int = CONCURRENCY
    shard: str = ""
    """`0/8`: work on this part of the questions only, up to their attempts."""
    skip_missing: bool = False
    _journal: list[Journal] = field(default_factory=list[Journal])
    _claude: list[Claude] = field(default_factory=list[Claude])

    def open_journal(self) -> Journal:
        """What is known of Claude's answers, and what this run has spent."""
        if not self._journal:
            if self.journal is None:
                raise CurateError("this run was started without a journal of Claude's answers")
            self._journal.append(self.journal())
        return self._journal[0]

    def open_claude(self) -> Claude:
        """The way to Claude.

        Raises:
            CurateError: no key.
        """
        if not self._claude:
            if self.claude is None:
                raise CurateError("this run was started without a way to Claude")
            self._claude.append(self.claude(self.open_journal()))
        return self._claude[0]

    def close(self) -> None:
        """Let another process ask Claude with this cache."""
        for journal in self._journal:
            journal.close()
        self._journal.clear()
        self._claude.clear()


def cheap_stages(config: CurateConfig, evaluation: Sequence[Row]) -> list[Stage]:
    """What costs nothing and comes first."""
    stages: list[Stage] = [Duplicates(threshold=config.near_threshold)]
    return [*stages, Decontaminate(evaluation=evaluation, shared=config.shared_texts)] if config.evaluation else stages


def model_stages(config: CurateConfig, means: Means) -> list[Callable[[], Stage]]:
    """What asks models; each is set up when it is its turn."""
    shard = shard_name(means.shard)
    count = _token_counter(config.length_tokenizer) if config.length_tokenizer else None

    def tracer() -> Tracer:
        return EngineTracer(spec=config.teacher, concurrency=means.concurrency) if config.teacher else config.tracer

    def judge() -> Judge:
        return ClaudeJudge(claude=means.open_claude()) if config.judge == "claude" else LocalJudge(cache=means.cache)

    def difficulty() -> Stage:
        return Difficulty(
            weak=config.weak,
            judge=LocalJudge(cache=means.cache) if means.shard else judge(),
            cache=means.cache,
            shard=shard,
            only_attempts=bool(means.shard),
            concurrency=means.concurrency,
            sample=config.difficulty_sample,
            seed=config.seed,
        )

    def domains() -> Stage:
        labeller: Labeller = LocalLabeller()
        if config.domains == "claude":
            labeller = ClaudeLabeller(claude=means.open_claude())
        return Domains(labeller=labeller)

    stages: list[Callable[[], Stage]] = [
        lambda: Trace(tracer=tracer(), cache=means.cache, shard=shard, count_tokens=count),
        lambda: Quality(max_thinking_tokens=config.max_thinking_tokens),
    ]
    if config.needs_difficulty:
        stages.append(difficulty)
    if means.shard:
        return stages
    if config.needs_domains:
        stages.append(domains)
    select = Select(mode=config.mode, target=config.target, seed=config.seed, length_ratio=config.length_ratio)
    return [*stages, lambda: select]


def shard_name(shard: str) -> str:
    """The name of a part of the facts: `0/8` gives `shard-0-of-8`."""
    return f"shard-{shard.replace('/', '-of-')}" if shard else ""


def in_shard(row: Row, shard: str) -> bool:
    """Whether a row is in this part of the work: by its key, so that every machine knows."""
    part, _, parts = shard.partition("/")
    return int(row.key, 16) % int(parts) == int(part)


def check_shard(shard: str) -> str:
    """Check `0/8`.

    Raises:
        CurateError: it is no part of a whole.
    """
    part, _, parts = shard.partition("/")
    if not (re.fullmatch(r"[0-9]{1,9}/[0-9]{1,9}", shard) and int(part) < int(parts)):
        raise CurateError(f"a shard is written as 0/8 (the first of eight), got {shard!r}")
    return shard


def _token_counter(name: str) -> Callable[[str], int]:
    # Imported here: most runs count by their teacher.
    from tokenizers import Tokenizer

    name = location_of(name)
    folder = Path(name)
    try:
        file = folder / "tokenizer.json" if folder.is_dir() else folder
        tokenizer = Tokenizer.from_file(str(file)) if file.exists() else Tokenizer.from_pretrained(name)
    except Exception as error:  # the library raises bare Exceptions
        raise CurateError(f"the tokenizer {name} cannot be loaded: {str(error)[:150]}") from error
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
