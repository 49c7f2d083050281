"""One request to a server, over as many answers as it takes. Each protocol says what is sent and how it is read.

No input or output of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, cast

from s1core import noise
from s1core.engines.base import Chunk, Request
from s1core.errors import EngineFailed, Unsupported
from s1core.thinking import Codec

NEVER = -100
"""The lowest bias that OpenAI's protocol allows, and others with it."""
Reason = Literal["stop", "length"]


class Interrupted(Exception):
    """The server stopped answering in the middle; another one can go on."""


class Continuation(ABC):
    """One request: `body` is what to send next, `feed` takes the lines that come.

    What a server wrote before it failed is kept; the next one continues after it, so that no token is lost or counted
    twice. A first token that is forbidden takes an answer of its own, because a protocol's bias is for all tokens.
    """

    path: ClassVar[str]
    """Where it is sent."""

    def __init__(self, request: Request, codec: Codec, model: str) -> None:
        self._request = request
        self._codec = codec
        self._model = model
        self._written: list[int] = []
        self._barred: frozenset[int] = request.forbid_first
        self._ended_round = False
        self._last: Chunk | None = None
        """The end of the text, held back until the server has reported its cached tokens."""
        self.wrapped = False
        """The server has read far more than it was sent."""
        self.answered_as: str | None = None
        """The model, as the answer names it."""
        self.done = request.max_tokens < 1

    @property
    def written(self) -> int:
        """Tokens so far."""
        return len(self._written)

    @property
    def ids(self) -> tuple[int, ...]:
        """The whole text so far, prompt included."""
        return (*self._request.prompt_ids, *self._written)

    @property
    def round_over(self) -> bool:
        """The rest of this answer is of no interest."""
        return self.done or self._ended_round

    def body(self) -> dict[str, Any]:
        """Return what to send for the rest of the text."""
        self._ended_round = False
        return self._body(list(self.ids), 1 if self._barred else self._request.max_tokens - self.written)

    def feed(self, line: str) -> Iterator[Chunk]:
        """Take one line of the answer.

        Raises:
            EngineFailed: the server reports an error.
            Unsupported: the server ignores what was asked.
            Interrupted: what it says cannot be read.
        """
        if self.done:
            return
        try:
            yield from self._read(line)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise Interrupted(f"an answer that cannot be read ({type(error).__name__})") from None

    def last(self) -> Iterator[Chunk]:
        """Give out the end of the text if it is there."""
        if self._last is not None:
            self.done = True
            yield self._last
            self._last = None

    def closed(self) -> Iterator[Chunk]:
        """Tell that the answer is over.

        Raises:
            Interrupted: it broke off.
        """
        yield from self.last()
        if not self.done and not self._ended_round:
            raise Interrupted("the answer broke off")

    @abstractmethod
    def _body(self, prompt: list[int], max_tokens: int) -> dict[str, Any]:
        """Return what to send, so that at most so many tokens follow the prompt."""

    @abstractmethod
    def _read(self, line: str) -> Iterator[Chunk]:
        """Take one line of the answer; whatever a strange server may send is allowed to fail."""

    def _take(
        self,
        ids: Sequence[int],
        *,
        reason: str | None = None,
        stop_id: int | None = None,
        logprobs: Sequence[float] = (),
        hold: bool = False,
    ) -> Iterator[Chunk]:
        """Take tokens as a server reports them.

        Args:
            ids: the tokens.
            reason: `stop` or `length` where the server says that it has ended, and why.
            stop_id: the token that ended it, where the server says so.
            logprobs: of the tokens.
            hold: keep the end of the text back, since the server still has figures to report.
        """
        if self._barred.intersection(ids[:1]):
            raise Unsupported(
                "this server ignores logit_bias, so it cannot be kept from ending its thinking; "
                "give a wait text, or use engine='transformers'"
            )
        keep, finish, ended_by = self._until_stop(ids)
        if ids:
            self._barred = frozenset()
        self._written += keep
        if finish is None and reason == "stop":
            finish, ended_by = "stop", stop_id
        if finish is None and len(self._written) >= self._request.max_tokens:
            finish = "length"
        if finish is None and reason == "length":
            if not keep and not self._written:
                finish = "length"
            self._ended_round = True
        unknown = next((i for i in keep if i not in self._codec.known_ids), None)
        if unknown is not None:
            # A padding row of the vocabulary: the text goes on before it, and it is not drawn again there.
            at = len(self._written) - len(keep) + keep.index(unknown)
            keep = keep[: keep.index(unknown)]
            del self._written[at:]
            self._barred, self._ended_round, finish, ended_by = frozenset({unknown}), True, None, None
        if keep or finish:
            chunk = Chunk(
                token_ids=tuple(keep),
                finish=finish,
                stop_id=ended_by,
                logprobs=tuple(logprobs[: len(keep)]) if len(logprobs) >= len(keep) else (),
            )
            if finish is not None and hold:
                self._last = chunk
                return
            self.done = finish is not None
            yield chunk

    def _until_stop(self, ids: Sequence[int]) -> tuple[list[int], Reason | None, int | None]:
        for n, token_id in enumerate(ids):
            if token_id in self._request.stop_ids:
                return list(ids[:n]), "stop", token_id
        room = self._request.max_tokens - len(self._written)
        return list(ids[:room]), None, None

    def _with_prefill(self, chunk: Chunk, reused: int) -> Chunk:
        """Add to a chunk how much of the prompt was computed, where the server reports so many reused tokens."""
        total = len(self._request.prompt_ids)
        reused = min(reused, total)
        return replace(chunk, prefill_computed=total - reused, prefill_reused=reused)

    def _named(self, event: dict[str, Any]) -> None:
        """Take the model's name of an answer, if it has one."""
        name = event.get("model")
        if isinstance(name, str) and name:
            self.answered_as = name


def noise_seed(request: Request, written: int) -> int:
    """Seed of an answer that begins at this step; no protocol has noise by step."""
    return noise.noise_seed(request.sampling, request.first_step + written) % 2**31


def event_data(line: str) -> str | None:
    """Return the data of one line of an event stream; None for comments and the like."""
    return line[5:].strip() if line.startswith("data:") else None


def raise_error(event: dict[str, Any]) -> None:
    """Raise the error that a server reports in the middle of its answer, if it does.

    Raises:
        EngineFailed: it does.
    """
    if "error" in event:
        raise EngineFailed(f"the server failed: {message_of(event)}")


def message_of(data: object) -> str:
    """Return the first line of a server's own words."""
    error: Any = cast("dict[str, Any]", data).get("error", data) if isinstance(data, dict) else data
    text = str(cast("dict[str, Any]", error).get("message", error) if isinstance(error, dict) else error)
    return next(iter(text.strip().splitlines()), "no reason given")[:300]


def check_text(codec: Codec, request: Request) -> None:
    """Make sure that text says the same as the ids: what a user wrote may not turn into a marker of the model.

    Raises:
        Unsupported: it would.
    """
    prompt = list(request.prompt_ids)
    markers = {i for i in set(prompt) if codec.single_id(codec.decode([i])) == i}
    again = codec.encode_template(codec.decode(prompt))
    if sum(i in markers for i in prompt) != sum(codec.single_id(codec.decode([i])) == i for i in again):
        raise Unsupported(
            "the question contains a control marker of the model and this server takes text only, where it would "
            "act as one; remove it, or use a server that takes token ids such as vLLM"
        )
