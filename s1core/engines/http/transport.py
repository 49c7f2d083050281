"""Talks to servers: one request to one of a pool, another try where it fails, and no limit but on silence.

What is said to them is the business of a `Continuation`.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import random
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Generator, Iterator
from dataclasses import dataclass, replace

import httpx

from s1core.engines.base import Capabilities, Chunk, Request
from s1core.engines.capabilities import require
from s1core.engines.http.continuation import Continuation, Interrupted, message_of
from s1core.engines.http.health_check import HealthCheck
from s1core.engines.http.pool import Pool, Server
from s1core.errors import EngineFailed, InvalidSetting, QuestionTooLong
from s1core.models import ModelPreset
from s1core.thinking import Codec, ThinkingFormat, thinking_format

CONNECT_S = 5.0
RETRIES = 5
"""Failures in a row, without a token between them, after which a request is given up."""
FIRST_BACKOFF_S = 0.2
LONGEST_BACKOFF_S = 10.0
_WRAPPED = "prompt: the server read more than it was sent; it puts it into a chat template of its own"
TOO_BUSY = (408, 425, 429, 500, 502, 503, 504, 529)


class ServedEngine(ABC):
    """`Engine` whose model runs behind one or more servers."""

    name: str
    model: str
    codec: Codec
    format: ThinkingFormat
    context_length: int
    default_answer_tokens: int
    capabilities: Capabilities

    def __init__(self, pool: Pool, *, api_key: str | None, timeout_s: float | None) -> None:
        """Make the connections; no server is asked yet.

        Args:
            pool: the servers.
            api_key: sent as a bearer token.
            timeout_s: seconds of silence after which a server counts as failed; None: no limit. Nothing limits a whole
                answer; any line of a stream ends a silence, a comment too.
        """
        self.pool = pool
        self.notes: tuple[str, ...] = ()
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout = httpx.Timeout(timeout_s, connect=min(timeout_s or CONNECT_S, CONNECT_S))
        self._client = httpx.Client(timeout=self._timeout, headers=self._headers, limits=_limits(), trust_env=False)
        self._aclients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _OwnedClient] = weakref.WeakKeyDictionary()
        self._closed = False

    def _describe(self, preset: ModelPreset, codec: Codec, *, served_model: str, context_length: int) -> None:
        """Set what follows from the model."""
        self.model, self.codec = preset.name, codec
        self.format = codec.fit(thinking_format(preset.format))
        self._served = served_model
        self._health = HealthCheck(self.pool, self._client, served_model)
        self.context_length = context_length
        self.default_answer_tokens = preset.answer_tokens(context_length)

    def generate(self, request: Request) -> Generator[Chunk, None, None]:
        """Stream the continuation of one request."""
        job = self._begin(request)
        tries = 0
        try:
            if job.done:
                yield Chunk(token_ids=(), finish="length")
            while not job.done:
                before, server = job.written, self._choose(request)
                try:
                    with self._client.stream("POST", f"{server.url}{job.path}", json=job.body()) as response:
                        if response.status_code != 200:
                            response.read()
                            self._refused(server, response)
                        self._check_answer(response)
                        for line in response.iter_lines():
                            yield from self._noted(job.feed(line), server, job)
                            if job.round_over:
                                break
                    for chunk in job.closed():
                        yield chunk
                    self._succeeded(server, job)
                    tries = 0
                except (httpx.HTTPError, Interrupted, RuntimeError) as error:
                    self._check_open(error)
                    for chunk in job.last():
                        yield chunk
                    if job.done:
                        break
                    self._silent(server, error, tries, wrote=job.written > before)
                    tries = self._count_failure(server, error, 0 if job.written > before else tries)
                    time.sleep(_backoff_s(tries))
                finally:
                    self.pool.release(server)
        finally:
            self._left(job)

    async def agenerate(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Stream the continuation of one request on the caller's event loop."""
        job = self._begin(request)
        tries = 0
        try:
            if job.done:
                yield Chunk(token_ids=(), finish="length")
            while not job.done:
                before, server = job.written, self._choose(request)
                try:
                    client = await self._aclient()
                    async with client.stream("POST", f"{server.url}{job.path}", json=job.body()) as response:
                        if response.status_code != 200:
                            await response.aread()
                            self._refused(server, response)
                        self._check_answer(response)
                        async for line in response.aiter_lines():
                            for chunk in self._noted(job.feed(line), server, job):
                                yield chunk
                            if job.round_over:
                                break
                    for chunk in job.closed():
                        yield chunk
                    self._succeeded(server, job)
                    tries = 0
                except (httpx.HTTPError, Interrupted, RuntimeError) as error:
                    self._check_open(error)
                    for chunk in job.last():
                        yield chunk
                    if job.done:
                        break
                    self._silent(server, error, tries, wrote=job.written > before)
                    tries = self._count_failure(server, error, 0 if job.written > before else tries)
                    await asyncio.sleep(_backoff_s(tries))
                finally:
                    self.pool.release(server)
        finally:
            self._left(job)

    def close(self) -> None:
        """Let go of the connections; the servers stay. Running requests fail with `EngineFailed`."""
        self._closed = True
        self._client.close()
        for loop, owned in list(self._aclients.items()):
            if loop.is_running():
                asyncio.run_coroutine_threadsafe(owned.lease.aclose(), loop)
        self._aclients.clear()

    def _check_open(self, error: Exception | None = None) -> None:
        """Distinguish a failure that `close` caused from others, which are raised or borne elsewhere."""
        if self._closed:
            raise EngineFailed("the engine was closed; load it again with load_engine to go on") from None
        if isinstance(error, RuntimeError):
            raise error

    def _begin(self, request: Request) -> Continuation:
        self._check_open()
        if request.logprobs:
            require(self, "logprobs")
        if not request.prompt_ids:
            raise InvalidSetting("the prompt is empty; give at least one token")
        if not self.codec.known_ids.issuperset(request.prompt_ids):
            wrong = next(i for i in request.prompt_ids if i not in self.codec.known_ids)
            raise InvalidSetting(f"prompt token {wrong} is not in the vocabulary of {self.model}")
        room = self.context_length - len(request.prompt_ids)
        if room <= 0:
            raise QuestionTooLong(
                f"the text takes {len(request.prompt_ids)} tokens, but {self.model} has a context of "
                f"{self.context_length}; shorten it by {1 - room}"
            )
        return self._continuation(replace(request, max_tokens=min(request.max_tokens, room)))

    @abstractmethod
    def _continuation(self, request: Request) -> Continuation:
        """Begin a request in the protocol of the servers."""

    def _left(self, job: Continuation) -> None:  # noqa: B027  (most have nothing to do)
        """Take that a request is over, however it ended."""

    def _choose(self, request: Request) -> Server:
        self._health.start()
        return self.pool.acquire(request.prompt_ids)

    async def _aclient(self) -> httpx.AsyncClient:
        """The client of the running event loop; it is closed together with the loop."""
        loop = asyncio.get_running_loop()
        owned = self._aclients.get(loop)
        if owned is None:
            client = httpx.AsyncClient(timeout=self._timeout, headers=self._headers, limits=_limits(), trust_env=False)
            owned = self._aclients[loop] = _OwnedClient(client, _lease(client))
            await anext(owned.lease)
            self._check_open()  # `close` may have come before there was a client to close
        return owned.client

    def _noted(self, chunks: Iterator[Chunk], server: Server, job: Continuation) -> Iterator[Chunk]:
        for chunk in chunks:
            self._check_model(server, job)
            if chunk.finish is not None:
                self._succeeded(server, job)  # before it is given out: whoever has it reads no further
            yield chunk
        self._check_model(server, job)

    @staticmethod
    def _check_model(server: Server, job: Continuation) -> None:
        """Notice a server that was started again with another model."""
        name = job.answered_as
        if name is not None and server.answers_as not in (None, name):
            raise EngineFailed(f"{server.url} now runs {name} in place of {server.answers_as}; load the engine again")
        server.answers_as = name or server.answers_as

    def _succeeded(self, server: Server, job: Continuation) -> None:
        self.pool.succeeded(server)
        if job.wrapped and _WRAPPED not in self.notes:
            self.notes = (*self.notes, _WRAPPED)

    @staticmethod
    def _check_answer(response: httpx.Response) -> None:
        if "html" in response.headers.get("content-type", ""):
            raise Interrupted("a web page instead of an answer")

    def _refused(self, server: Server, response: httpx.Response) -> None:
        """Turn a status into a failure that is worth another try, or one that is not."""
        words = _words(response)
        if response.status_code in TOO_BUSY:
            raise Interrupted(f"status {response.status_code}: {words}")
        if response.status_code in (401, 403):
            raise EngineFailed(f"{server.url} refuses the key; set S1_API_KEY to one that it knows")
        raise EngineFailed(f"{server.url} refuses the request (status {response.status_code}): {words}")

    def _silent(self, server: Server, error: Exception, tries: int, *, wrote: bool) -> None:
        """Give up where no server says a word about a prompt: sent again and again it would only take longer."""
        if not isinstance(error, httpx.ReadTimeout) or wrote or tries + 1 < len(self.pool.servers):
            return
        self.pool.failed(server)
        raise EngineFailed(
            f"{server.url} said nothing for {self._timeout.read:g} seconds; it may be at a long prompt: "
            "wait longer with timeout_s or the environment's S1_TIMEOUT_S, or ask for less"
        ) from error

    def _count_failure(self, server: Server, error: Exception, tries: int) -> int:
        self.pool.failed(server)
        if tries + 1 > RETRIES:
            reason = str(error) or type(error).__name__
            raise EngineFailed(
                f"no server answered after {RETRIES + 1} tries (last: {server.url}, {reason}); "
                "check that it runs, then ask again"
            ) from error
        return tries + 1


@dataclass(frozen=True, slots=True)
class _OwnedClient:
    client: httpx.AsyncClient
    lease: AsyncGenerator[None, None]


async def _lease(client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    """Hold a client until the event loop ends, which closes the generators that it has begun."""
    try:
        yield
    finally:
        await client.aclose()


def _words(response: httpx.Response) -> str:
    try:
        return message_of(response.json())
    except ValueError:
        return message_of(response.text)


def _backoff_s(tries: int) -> float:
    if not tries:
        return 0.0
    return min(FIRST_BACKOFF_S * 2 ** (tries - 1), LONGEST_BACKOFF_S) * random.uniform(0.5, 1.0)


def patience_s() -> float:
    """Read the default of `timeout_s`."""
    said = os.environ.get("S1_TIMEOUT_S") or "60"
    with contextlib.suppress(ValueError):
        if 0 < (patience_s := float(said)) < math.inf:
            return patience_s
    raise InvalidSetting(f"S1_TIMEOUT_S must be a number of seconds above 0, not {said[:40]!r}")


def _limits() -> httpx.Limits:
    return httpx.Limits(max_connections=None, max_keepalive_connections=64)
