"""Plays recorded runs again, token by token at their own pace, from their file and the tokenizer; no weights are read.

It is an engine like any other: the state machine above it asks, and what was recorded answers, whatever combination of
budget and Waits led there. What was not recorded is refused with one sentence, never made up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from s1core.budget import Budget
from s1core.commands import Steered
from s1core.engines.base import Capabilities, Chunk, Request
from s1core.errors import EngineFailed, InvalidSetting
from s1core.models import ModelPreset
from s1core.recording import RecordedRun, read_runs
from s1core.thinking import Codec, thinking_format
from s1core.types import Message

_ENDS_BY_ITSELF = ("wait", "close:model")


@dataclass(frozen=True, slots=True)
class _Timed:
    after_s: float
    """Seconds since the request, at the recorded pace."""
    chunk: Chunk


class ReplayEngine:
    """Recorded runs as an engine."""

    name = "replay"
    capabilities = Capabilities(
        seeded_noise="unsupported", filters="unsupported", prefix_cache="unsupported", steering="unsupported"
    )

    def __init__(
        self,
        runs: Iterable[RecordedRun],
        *,
        codec: Codec,
        format: str,
        model: str,
        context_length: int,
        default_answer_tokens: int,
        speed: float = 1.0,
    ) -> None:
        """Set up.

        Args:
            runs: what was recorded.
            codec: of the model that was recorded.
            format: its thinking format.
            model: its name.
            context_length: in tokens.
            default_answer_tokens: of an answer, where none are asked for.
            speed: 1 is the recorded pace, 8 eight times as fast, infinity without any pause.

        Raises:
            InvalidSetting: the speed is none.
        """
        if not speed > 0:
            raise InvalidSetting(f"speed must be above 0, got {speed:g}; 1 is the recorded pace")
        self.codec = codec
        self.format = codec.fit(thinking_format(format))
        self.model = model
        self.context_length = context_length
        self.default_answer_tokens = default_answer_tokens
        self._speed = speed
        self._runs = [(self._whole(run), run) for run in runs]
        self._questions = list(dict.fromkeys(run.question for _, run in self._runs))

    @classmethod
    def load(cls, preset: ModelPreset, *, recording: str | Path, speed: float = 1.0) -> ReplayEngine:
        """Read a recording as the Compare tab saves it (JSON lines), and the tokenizer of the model that it is of.

        Raises:
            InvalidSetting: the speed is none.
            ModelUnavailable: the file is missing, damaged, or holds no run of this model.
        """
        runs = read_runs(Path(recording), preset.name)
        from s1core.engines.hf.loading import DEFAULT_CONTEXT, load_codec

        codec, context = load_codec(preset)
        room = preset.context_length or context or DEFAULT_CONTEXT
        return cls(
            runs,
            codec=codec,
            format=preset.format,
            model=preset.name,
            context_length=room,
            default_answer_tokens=preset.answer_tokens(room),
            speed=speed,
        )

    def generate(self, request: Request) -> Generator[Chunk, None, None]:
        """Stream what was recorded after these ids."""
        begun = time.monotonic()
        for timed in self._timed(request):
            time.sleep(max(0.0, timed.after_s / self._speed - (time.monotonic() - begun)))
            yield timed.chunk

    async def agenerate(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Stream what was recorded after these ids, on the caller's event loop."""
        begun = time.monotonic()
        for timed in self._timed(request):
            await asyncio.sleep(max(0.0, timed.after_s / self._speed - (time.monotonic() - begun)))
            yield timed.chunk

    def close(self) -> None:
        """Nothing to free."""

    def script(self, question: str, budget: Budget) -> tuple[Steered, ...]:
        """Return what a person asked while a run of this question and budget was recorded, for `Steering(script=)`."""
        return next((run.steered for _, run in self._runs if run.was_asked(question, budget)), ())

    def _whole(self, run: RecordedRun) -> tuple[int, ...]:
        prompt = self.codec.render_prompt([Message(role="user", content=run.question)], self.format)
        return prompt + tuple(i for part in run.parts for i in part.token_ids)

    def _timed(self, request: Request) -> Iterator[_Timed]:
        given = request.prompt_ids
        found = [(whole, run) for whole, run in self._runs if whole[: len(given)] == given]
        if not found:
            asked = " | ".join(question[:60] for question in self._questions[:4])
            raise EngineFailed(f"this was not recorded; ask as it was: {asked}, with a budget and Waits of its runs")
        # The run that goes on for longest knows most of what the model would say.
        plays = [_Play.of(whole, run, len(given), request.max_tokens) for whole, run in found]
        best = max(plays, key=lambda play: (play.finish is not None, play.tokens))
        too_short = EngineFailed(
            f"the recording goes on for {best.tokens} tokens here, not for {request.max_tokens}; ask for a smaller "
            "budget, or record a longer run"
        )
        if best.finish is None and not best.steered:
            raise too_short
        for after_s, ids in best.parts:
            yield _Timed(after_s, Chunk(token_ids=ids))
        if best.finish is None:  # a command that is obeyed again asks for something else before this
            raise too_short
        last_s = best.parts[-1][0] if best.parts else 0.0
        yield _Timed(last_s, Chunk(token_ids=(), finish=best.finish))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Play:
    """What one run has to say after a number of ids."""

    parts: list[tuple[float, tuple[int, ...]]]
    finish: Literal["stop", "length"] | None
    """None where the recording has no continuation."""
    steered: bool
    """The recorded run was steered, so that its text may go on otherwise than the model would have gone on."""

    @property
    def tokens(self) -> int:
        return sum(len(ids) for _, ids in self.parts)

    @classmethod
    def of(cls, whole: tuple[int, ...], run: RecordedRun, start: int, max_tokens: int) -> _Play:
        """Read a run from its id number `start`, prompt included, for at most `max_tokens`."""
        place = len(whole) - sum(len(part.token_ids) for part in run.parts)
        before_s, room = 0.0, max_tokens
        parts: list[tuple[float, tuple[int, ...]]] = []
        for part in run.parts:
            ids = part.token_ids[max(0, start - place) :]
            place += len(part.token_ids)
            if place <= start and not ids and (part.token_ids or not parts):
                before_s = part.at_s
                continue
            if part.author != "model":
                ended: Literal["stop"] | None = "stop" if part.author in _ENDS_BY_ITSELF else None
                return cls(parts=parts, finish=ended if room else "length", steered=bool(run.steered))
            if ids:
                parts.append((max(0.0, part.at_s - before_s), ids[:room]))
                room -= len(ids[:room])
            if not room:
                return cls(parts=parts, finish="length", steered=bool(run.steered))
        return cls(parts=parts, finish="stop" if run.complete else None, steered=bool(run.steered))
