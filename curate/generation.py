"""Ask a model many questions at once, on any engine of s1core, and keep each answer as it comes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from curate.cache import Fact
from curate.rows import Row
from s1core import Budget, Sampling, Trace, astream, load_engine
from s1core.engines.base import Engine, Request
from s1core.errors import EngineFailed, QuestionTooLong
from s1core.models import PRESETS
from s1core.thinking import ThinkingFormat
from s1core.types import Message

CONCURRENCY = 48
_END_BYTES = 2**20
_PLAIN = ThinkingFormat(
    name="plain",
    open="",
    ends=(),
    close_by_model="",
    close_by_budget="",
    drop_newline_after_newline=False,
    answer_ends=(),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec:
    """A model, how to run it, and how it is asked."""

    model: str
    engine: str | None = None
    url: str | None = None
    """Of a server, or several parted by commas: a pool."""
    dtype: str | None = None
    style: Literal["think", "answer"] = "think"
    """`answer` asks a model that has no thinking block, as Qwen2.5-Instruct."""
    max_tokens: int | None = None
    """Thinking tokens, or without a thinking block those of the answer; None leaves it to the context."""
    max_answer_tokens: int | None = None
    """Of the answer after thinking; None takes the model's default."""
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    @property
    def name(self) -> str:
        """For people: the last part of the model's name."""
        return self.model.rstrip("/").rpartition("/")[2]

    @property
    def cache_key(self) -> dict[str, Any]:
        """All that decides what it writes. Where it runs does not; of a local folder the weights do, not its place."""
        answer = {} if self.max_answer_tokens is None else {"max_answer_tokens": self.max_answer_tokens}
        cache_key: dict[str, Any] = {
            "model": _identity(self.model),
            "style": self.style,
            "max_tokens": self.max_tokens,
            **answer,
            "temperature": self.temperature,
            "seed": self.seed,
        }
        if self.temperature > 0:
            # Greedy answers that were kept under the former key are still right.
            cache_key |= {"top_p": self.top_p, "noise": "seed, question, step"}
        return cache_key

    def sampling(self, row: Row) -> Sampling:
        """How the answer to a question is drawn: its key is part of the noise, so that questions err independently."""
        return Sampling(temperature=self.temperature, top_p=self.top_p, seed=self.seed, question_id=row.key)

    def load(self, concurrency: int = CONCURRENCY) -> Engine:
        """Load it, for so many questions at a time.

        Raises:
            S1Error: unknown, or not to be loaded here.
        """
        options: dict[str, Any] = {k: v for k, v in (("url", self.url), ("dtype", self.dtype)) if v is not None}
        if self.engine in (None, "transformers"):
            # The others size themselves.
            options["max_live"] = concurrency
        return load_engine(self.model, engine=self.engine, **options)


@cache
def _identity(model: str) -> str:
    """A local folder by its weights; a preset that is an adapter on a base by those of both."""
    preset = PRESETS.get(model)
    if preset is not None and preset.base is not None:
        return f"{model}@{_digest(Path(preset.location))} on {_identity(preset.base)}"
    folder = Path(model)
    digest = _digest(folder) if folder.is_dir() else None
    return model if digest is None else f"{folder.resolve().name}@{digest}"


def _digest(folder: Path) -> str | None:
    """Of sizes, and both ends of every file, where the names and the last layers are; None without weights."""
    weights = sorted(folder.glob("*.safetensors"))
    digest = hashlib.sha256()
    for path in weights:
        size = path.stat().st_size
        with path.open("rb") as file:
            digest.update(f"{path.name} {size} ".encode() + file.read(_END_BYTES))
            file.seek(max(0, size - _END_BYTES))
            digest.update(file.read())
    return digest.hexdigest()[:12] if weights else None


def ask_all(
    engine: Engine,
    spec: ModelSpec,
    rows: Sequence[Row],
    on_result: Callable[[Fact], None],
    *,
    concurrency: int = CONCURRENCY,
) -> None:
    """Ask every question once and pass each answer to `on_result` as it arrives.

    A fact holds `key`, `thinking`, `attempt`, `thinking_tokens`, `answer_tokens` and `failed`: why there is no usable
    answer, or None.

    Raises:
        S1Error: the engine stopped. What `on_result` was given is done.
    """
    left = iter(rows)

    async def worker() -> None:
        for row in left:
            on_result(await _ask(engine, spec, row))

    async def everyone() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(rows))):
                group.create_task(worker())

    try:
        asyncio.run(everyone())
    except ExceptionGroup as failed:
        # One cause stops all workers; the others only repeat it.
        raise failed.exceptions[0] from None


async def _ask(engine: Engine, spec: ModelSpec, row: Row) -> Fact:
    try:
        return await (_think(engine, spec, row) if spec.style == "think" else _answer(engine, spec, row))
    except QuestionTooLong:
        return _fact(row, "", "", 0, 0, "question_too_long")


async def _think(engine: Engine, spec: ModelSpec, row: Row) -> Fact:
    budget = Budget(max_thinking_tokens=spec.max_tokens, max_answer_tokens=spec.max_answer_tokens)
    async with aclosing(astream(engine, row.question, budget, spec.sampling(row))) as stream:
        trace = Trace.from_events([event async for event in stream])
    receipt = trace.receipt
    # A trace that was cut is no example to learn from, even where an answer was forced or given before the cut.
    failed = None
    if receipt.closed_by != "model":
        failed = f"closed by {receipt.closed_by}"
    elif not receipt.answer_complete:
        failed = "answer cut"
    elif not receipt.answered:
        failed = "no answer"
    return _fact(row, trace.thinking_text, trace.answer_text, receipt.thinking_tokens, receipt.answer_tokens, failed)


async def _answer(engine: Engine, spec: ModelSpec, row: Row) -> Fact:
    prompt = engine.codec.render_prompt([Message(role="user", content=row.question)], _PLAIN)
    room = engine.context_length - len(prompt)
    if room < 1:
        return _fact(row, "", "", 0, 0, "question_too_long")
    request = Request(
        prompt_ids=prompt,
        max_tokens=min(room, spec.max_tokens or room),
        stop_ids=engine.codec.eos_ids,
        sampling=spec.sampling(row),
    )
    ids = await _all_ids(engine, request)
    text = engine.codec.decode(ids)
    return _fact(row, "", text, 0, len(ids), None if text.strip() else "no answer")


async def _all_ids(engine: Engine, request: Request) -> list[int]:
    async with aclosing(engine.agenerate(request)) as stream:
        chunks = [chunk async for chunk in stream]
    if not chunks or chunks[-1].finish is None:
        raise EngineFailed(f"the {engine.name} engine stopped in the middle of a text without saying why; ask again")
    return [token for chunk in chunks for token in chunk.token_ids]


def _fact(row: Row, thinking: str, attempt: str, thinking_tokens: int, answer_tokens: int, failed: str | None) -> Fact:
    return {
        "key": row.key,
        "thinking": thinking,
        "attempt": attempt,
        "thinking_tokens": thinking_tokens,
        "answer_tokens": answer_tokens,
        "failed": failed,
    }


def with_trace(row: Row, fact: Fact) -> Row:
    """The row with what is known of its trace, but for the thinking itself."""
    return replace(row, attempt=fact["attempt"], thinking_tokens=fact["thinking_tokens"], failed=fact["failed"])
