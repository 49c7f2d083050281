"""An engine that samples nothing twice: what it has written before, it says again.

With noise that is a function of (seed, question, sample index, step), the token at a place follows from the text before
it and the sampling. So methods that are measured on the same question share their samples, beginnings and probes. What
is recalled takes no time and no prefill: costs in tokens stay exact, seconds do not.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from dataclasses import dataclass, field, replace

from s1core.engines.base import Chunk, Engine, Request, notes_of
from s1core.errors import Unsupported
from s1core.types import Sampling

_Key = tuple[Sampling, int]
"""The sampling, and where step 0 is."""


@dataclass(slots=True)
class _Line:
    """What was sampled after a prompt, token by token."""

    prompt: tuple[int, ...]
    ids: list[int] = field(default_factory=list[int])
    logprobs: list[float] = field(default_factory=list[float])
    """One for each id, or none at all."""
    stop_id: int | None = None
    """What was sampled last, where that ended it."""
    skipped: int = 0
    """Ids at the beginning that were sampled while others were forbidden, and need not be said again."""

    def after(self, text: tuple[int, ...], *, logprobs: bool) -> int | None:
        """Return how many of its ids the text has already; None where it says nothing of what follows."""
        at = len(text) - len(self.prompt)
        if not self.skipped <= at <= len(self.ids) or text[: len(self.prompt)] != self.prompt:
            return None
        told = not logprobs or len(self.logprobs) == len(self.ids)
        more = at < len(self.ids) or self.stop_id is not None
        return at if told and more and list(text[len(self.prompt) :]) == self.ids[:at] else None


class RecallingEngine:
    """Another engine with a memory. Make one for a question: it keeps all that was sampled."""

    def __init__(self, engine: Engine) -> None:
        """Wrap an engine, which is not closed by this one.

        Raises:
            Unsupported: its noise does not depend on the place alone, so that a run would say something else again.
        """
        if engine.capabilities.seeded_noise != "enforced":
            raise Unsupported(f"the {engine.name} engine says something else each time; measure without sharing")
        self._engine = engine
        self.name, self.model = engine.name, engine.model
        self.codec, self.format, self.capabilities = engine.codec, engine.format, engine.capabilities
        self.context_length, self.default_answer_tokens = engine.context_length, engine.default_answer_tokens
        self._tells = engine.capabilities.logprobs == "enforced"
        self._lines: dict[_Key, list[_Line]] = {}
        self.sampled_tokens = 0
        """By the engine below; what was recalled is not among them."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks of the engine below."""
        return notes_of(self._engine)

    def generate(self, request: Request) -> Generator[Chunk, None, None]:
        """Stream the continuation of one request: what is known at once, then what is new."""
        known, rest = self._recalled(request)
        yield from known
        if rest is not None:
            line = self._new_line(rest)
            with closing(self._engine.generate(self._asked(rest))) as chunks:
                for chunk in chunks:
                    yield self._kept(line, chunk)

    async def agenerate(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Do what `generate` does, on the caller's event loop."""
        known, rest = self._recalled(request)
        for chunk in known:
            yield chunk
        if rest is not None:
            line = self._new_line(rest)
            async with aclosing(self._engine.agenerate(self._asked(rest))) as chunks:
                async for chunk in chunks:
                    yield self._kept(line, chunk)

    def close(self) -> None:
        """Nothing to free: the engine below is its owner's."""

    def _recalled(self, request: Request) -> tuple[list[Chunk], Request | None]:
        """Return what is known of the answer, and the request for the rest."""
        chunks: list[Chunk] = []
        while request.max_tokens > 0 and (found := self._find(request)) is not None:
            line, at = found
            ids = tuple(line.ids[at : at + request.max_tokens])
            logprobs = tuple(line.logprobs[at : at + len(ids)]) if request.logprobs else ()
            if len(ids) == request.max_tokens:
                return [*chunks, Chunk(token_ids=ids, logprobs=logprobs, finish="length")], None
            if line.stop_id in request.stop_ids:
                return [*chunks, Chunk(token_ids=ids, logprobs=logprobs, finish="stop", stop_id=line.stop_id)], None
            if not ids:
                break
            chunks.append(Chunk(token_ids=ids, logprobs=logprobs))
            request = replace(
                request,
                prompt_ids=request.prompt_ids + ids,
                max_tokens=request.max_tokens - len(ids),
                first_step=request.first_step + len(ids),
                forbid_first=frozenset(),
            )
        return chunks, request

    def _find(self, request: Request) -> tuple[_Line, int] | None:
        """Return the line that knows most of what follows a prompt, and where in it that is."""
        best: tuple[_Line, int] | None = None
        for line in self._lines.get(_key(request), ()):
            at = line.after(request.prompt_ids, logprobs=request.logprobs)
            if at is None or (line.ids[at] if at < len(line.ids) else line.stop_id) in request.forbid_first:
                continue
            if best is None or len(line.ids) - at > len(best[0].ids) - best[1]:
                best = line, at
        return best

    def _new_line(self, request: Request) -> _Line:
        line = _Line(prompt=request.prompt_ids, skipped=1 if request.forbid_first else 0)
        self._lines.setdefault(_key(request), []).append(line)
        return line

    def _asked(self, request: Request) -> Request:
        """Answers are asked for with their probabilities: another method may want them."""
        return request if request.goes_on or not self._tells else replace(request, logprobs=True)

    def _kept(self, line: _Line, chunk: Chunk) -> Chunk:
        line.ids += chunk.token_ids
        line.logprobs += chunk.logprobs
        line.stop_id = chunk.stop_id
        self.sampled_tokens += len(chunk.token_ids)
        return chunk


def _key(request: Request) -> _Key:
    sampling = request.sampling
    if sampling.temperature == 0:  # there is no noise
        sampling = Sampling(top_p=sampling.top_p, top_k=sampling.top_k, min_p=sampling.min_p)
    return sampling, len(request.prompt_ids) - request.first_step
