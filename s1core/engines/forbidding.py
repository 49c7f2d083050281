"""An engine that keeps words out of the thinking, over any engine that can keep an id from being the first.

A word is found in the text, however the tokenizer splits it. It is taken back with all after it, and the place is asked
again without the token that began it. Of a word that is one token, this draws what a mask on its logit would draw: the
noise of a step is the same, and what remains is the best of the others.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass, replace

from s1core.engines.base import Chunk, Engine, Request, notes_of
from s1core.errors import InvalidSetting, Unsupported
from s1core.thinking import TextDecoder

_CONTEXT_IDS = 16
"""Ids before a place that its text is decoded with: joins and the beginnings of words depend on them."""


class ForbiddingEngine:
    """Another engine, whose thinking has none of some words. Use one for one run: it counts what was taken back."""

    def __init__(self, engine: Engine, words: Sequence[str]) -> None:
        """Wrap an engine.

        Args:
            engine: any; it is not closed by this one.
            words: in any case; longer words that begin with one are kept out too.

        Raises:
            InvalidSetting: no words, or an empty one.
            Unsupported: the engine cannot keep an id from being sampled.
        """
        self._words = ForbiddenWords(words)
        if engine.capabilities.forbid_first == "unsupported":
            raise Unsupported(f"the {engine.name} engine cannot forbid words; use engine='transformers'")
        self._engine = engine
        self.name, self.model = engine.name, engine.model
        self.codec, self.format, self.capabilities = engine.codec, engine.format, engine.capabilities
        self.context_length, self.default_answer_tokens = engine.context_length, engine.default_answer_tokens
        self.discarded_tokens = 0
        """Tokens that were taken back so far."""
        self.times = 0
        """How many times a word was taken back."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks of the engine below."""
        return notes_of(self._engine)

    def generate(self, request: Request) -> Generator[Chunk, None, None]:
        """Stream the continuation of one request; only thinking, which a continuation follows, has no such words."""
        job = _Job(self._words, self._engine, request)
        while not job.done:
            asked = job.request
            with closing(self._engine.generate(asked)) as chunks:
                for chunk in chunks:
                    yield from self._fed(job, chunk)
                    if job.request is not asked or job.done:
                        break
                else:
                    return  # it stopped short, which the run reports

    async def agenerate(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Do what `generate` does, on the caller's event loop."""
        job = _Job(self._words, self._engine, request)
        while not job.done:
            asked = job.request
            async with aclosing(self._engine.agenerate(asked)) as chunks:
                async for chunk in chunks:
                    for each in self._fed(job, chunk):
                        yield each
                    if job.request is not asked or job.done:
                        break
                else:
                    return

    def close(self) -> None:
        """Nothing to free: the engine below is its owner's."""

    def _fed(self, job: _Job, chunk: Chunk) -> list[Chunk]:
        before = job.discarded_tokens
        chunks = job.feed(chunk)
        self.times += job.discarded_tokens > before
        self.discarded_tokens += job.discarded_tokens - before
        return chunks


class ForbiddenWords:
    """Finds words in a text that grows, and tells how much of its end may still become one. Pure."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = tuple(word.strip().lower() for word in words)
        if not self._words or not all(self._words):
            raise InvalidSetting(
                "name the words to forbid, for instance Wait, Hmm and Alternatively; none may be empty"
            )
        # Scripts without capitals have no spaces between words either.
        each = (rf"{_AT_A_START if _is_cased(word) else ''}{re.escape(word)}" for word in self._words)
        # Looking ahead finds words that overlap too.
        self._pattern = re.compile(f"(?=({'|'.join(each)}))", re.IGNORECASE)
        self.longest = max(map(len, self._words))

    def find(self, text: str, after: int) -> int | None:
        """Return where the first of the words begins that ends after a place."""
        return next((found.start() for found in self._pattern.finditer(text) if found.end(1) > after), None)

    def begins_at(self, text: str) -> int:
        """Return where an end of the text begins that may become a word; its length if there is none."""
        for start in range(max(0, len(text) - self.longest + 1), len(text)):
            end = text[start:].lower()
            inside = start > 0 and text[start - 1].isalpha()
            if any(_grows(end, word) and not (inside and _is_cased(word)) for word in self._words):
                return start
        return len(text)


_AT_A_START = r"(?<![^\W\d_])"


def _grows(end: str, word: str) -> bool:
    return len(end) < len(word) and word.startswith(end)


def _is_cased(word: str) -> bool:
    return word[0].lower() != word[0].upper()


@dataclass(frozen=True, slots=True)
class _Piece:
    """The fewest ids that make up whole characters."""

    ids: tuple[int, ...]
    text: str


class _Job:
    """One request, over as many as it takes: `request` is what to send next, `feed` takes its chunks."""

    def __init__(self, words: ForbiddenWords, engine: Engine, request: Request) -> None:
        self._words, self._codec, self._asked = words, engine.codec, request
        self._opening = engine.format.open.strip()
        self._kept: list[int] = []
        self._refused: set[int] = set()
        """Ids that began a word at the place where the request in work begins."""
        self.request = request
        self.discarded_tokens = 0
        self.done = False
        self._listen()

    def _listen(self) -> None:
        """Decode from here on, after what is kept."""
        self._held: list[_Piece] = []
        self._partial: tuple[int, ...] = ()
        self._decoder = TextDecoder(self._codec)
        before = self.request.prompt_ids[-_CONTEXT_IDS:]
        text = "".join(self._decoder.feed((token_id,)) for token_id in before)
        # The name of a marker is no part of a word.
        self._before = "" if self._opening and text.endswith(self._opening) else text[-self._words.longest :]

    def feed(self, chunk: Chunk) -> list[Chunk]:
        """Take a chunk; return what is certain by now."""
        if not self._asked.goes_on:
            self.done = chunk.finish is not None
            return [chunk]
        released: tuple[int, ...] = ()
        for token_id in chunk.token_ids:
            self._partial += (token_id,)
            if not (text := self._decoder.feed((token_id,))):
                continue
            self._held.append(_Piece(self._partial, text))
            self._partial = ()
            start = self._words.find(self._text(), len(self._before))
            if start is not None:
                released += self._take(start)
                self._again(released)
                return [replace(chunk, token_ids=released, logprobs=(), finish=None, stop_id=None)]
            released += self._take(self._words.begins_at(self._text()))
        if chunk.finish is not None:
            self.done = True
            released += (*(i for piece in self._held for i in piece.ids), *self._partial)
        self._kept += released
        # Log probabilities are told of answers, which pass through above.
        return [replace(chunk, token_ids=released, logprobs=())]

    def _text(self) -> str:
        return self._before + "".join(piece.text for piece in self._held)

    def _take(self, end: int) -> tuple[int, ...]:
        """Release the pieces before a place of the text."""
        taken: list[int] = []
        while self._held and len(self._before) + len(self._held[0].text) <= end:
            piece = self._held.pop(0)
            taken += piece.ids
            gone = (self._before + piece.text)[-self._words.longest :]
            end -= len(self._before) + len(piece.text) - len(gone)
            self._before = gone
        return tuple(taken)

    def _again(self, released: tuple[int, ...]) -> None:
        """Take the word back and ask its place again. What came after it in its chunk depends on the moment."""
        word = [i for piece in self._held for i in piece.ids]
        self.discarded_tokens += len(word)
        before, self._kept = len(self.request.prompt_ids), [*self._kept, *released]
        prompt = (*self._asked.prompt_ids, *self._kept)
        self._refused = {word[0], *(self._refused if len(prompt) == before else ())}
        self.request = replace(
            self._asked,
            prompt_ids=prompt,
            max_tokens=self._asked.max_tokens - len(self._kept),
            forbid_first=self._refused | (frozenset() if self._kept else self._asked.forbid_first),
            first_step=self._asked.first_step + len(self._kept),
        )
        self._listen()
