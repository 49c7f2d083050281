"""`/v1`: OpenAI's protocol in front of whatever engine is here, so that existing clients get budget forcing.

Each request is served by one task beside another one that waits for the client to go away. Whichever ends first ends
the other, so a client that leaves frees its place and the engine, whether the reply streams or not.

On a public page a request stands in the same line as the runs of the page, and may ask for no more than they.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.access import admission as public_gate
from app.access.admission import Gate, Place, visitor_of
from app.access.limits import bounded, is_public
from app.api import openai_schema as wire
from app.models.registry import EngineShelf
from app.shell.responses import openai_error
from s1core import S1Error, astream
from s1core.engines.base import Engine
from s1core.errors import EngineFailed, ModelUnavailable, QuestionTooLong, UnknownModel
from s1core.types import Event, Trace

RUNNING, WAITING = 64, 256
"""Requests that run at once, and that wait for their turn."""
IN_PUBLIC_BYTES = 128 * 2**10
"""Of a body that a stranger sends."""
SLOWEST_S = 30.0
"""For a body to arrive."""
FRESH = {"cache-control": "no-store"}
_log = logging.getLogger(__name__)


class Busy(S1Error, RuntimeError):
    """More requests wait than will be served soon."""


class TooLarge(S1Error, ValueError):
    """The body is longer than any request needs."""


class TooSlow(S1Error, TimeoutError):
    """The body does not come to an end."""


class NotJson(S1Error, ValueError):
    """The body is said to be something else."""


class Turns:
    """First come, first served: so many run, so many wait, and the next one is told to come back."""

    def __init__(self, running: int = RUNNING, waiting: int = WAITING) -> None:
        self._running = asyncio.Semaphore(running)
        self._most = running + waiting
        self.here = 0
        """Requests that run or wait."""

    @asynccontextmanager
    async def taken(self) -> AsyncGenerator[None, None]:
        """Wait for a turn and hold it.

        Raises:
            Busy: too many wait already.
        """
        if self.here >= self._most:
            raise Busy(f"{self._most} requests are being served or wait already; try again in a minute.")
        self.here += 1
        try:
            async with self._running:
                yield
        finally:
            self.here -= 1


class Completions:
    """One of the two endpoints that run the model, as an ASGI application."""

    def __init__(self, kind: wire.Kind, shelf: EngineShelf, turns: Turns, gate: Gate) -> None:
        self._kind: wire.Kind = kind
        self._shelf = shelf
        self._turns = turns
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)

        async def refuse(error: S1Error) -> None:
            await refusal(error)(scope, receive, send)

        try:
            content = await _read(request)
            body = await run_in_threadpool(wire.read_body, content)
            ask = wire.read_ask(self._kind, body)
            ask = replace(ask, asked=bounded(ask.asked, system=ask.system or ""))
            with self._gate.place(visitor_of(request)) as place:
                await _until_gone(self._in_turn(place, ask, scope, receive, send), receive)
        except ClientDisconnect:
            return
        except S1Error as error:
            await refuse(error)

    async def _in_turn(self, place: Place, ask: wire.Ask, scope: Scope, receive: Receive, send: Send) -> None:
        await place.turn()
        async with self._turns.taken():
            await self._serve(ask, scope, receive, send)

    async def _serve(self, ask: wire.Ask, scope: Scope, receive: Receive, send: Send) -> None:
        engine = await self._engine(ask.asked.model)
        reply = wire.Reply(
            kind=ask.kind,
            id=f"{'chatcmpl' if ask.kind == 'chat' else 'cmpl'}-{secrets.token_hex(12)}",
            model=ask.asked.model,
            created_s=int(time.time()),
        )
        asked = ask.asked
        async with aclosing(astream(engine, asked.prompt, asked.budget, asked.sampling, system=ask.system)) as events:
            # What cannot be asked of this model shows here, before anything is sent.
            first = await anext(events)
            if ask.stream:
                await _stream(reply, first, events, send, include_usage=ask.include_usage)
                return
            try:
                trace = Trace.from_events([first, *[event async for event in _giving_way(events)]])
            except S1Error:
                raise
            except Exception as error:
                raise _engine_failed(error) from error
        await JSONResponse(reply.whole(trace), headers=FRESH)(scope, receive, send)

    async def _engine(self, model: str) -> Engine:
        async for step in self._shelf.load(model):
            if not isinstance(step, str):
                return step
        raise AssertionError("a load ends with an engine or an error")


def routes(shelf: EngineShelf, gate: Gate) -> APIRouter:
    """Return the routes, all under `/v1`.

    Args:
        shelf: the models.
        gate: the one of the page, so that nobody has more runs by asking here too.
    """
    router = APIRouter(prefix="/v1")
    turns = Turns()
    kinds: dict[str, wire.Kind] = {"/chat/completions": "chat", "/completions": "text"}
    for path, kind in kinds.items():
        # An ASGI application and not a function: it looks after its own sending and the client's leaving.
        router.routes.append(Route(f"/v1{path}", Completions(kind, shelf, turns, gate), methods=["POST"]))

    @router.get("/models")
    async def models() -> JSONResponse:
        return JSONResponse({"object": "list", "data": [_model(name) for name in shelf.models]}, headers=FRESH)

    @router.get("/models/{name:path}")
    async def model(name: str) -> JSONResponse:
        if name not in shelf.models:
            return refusal(UnknownModel("There is no such model here; /v1/models lists those that there are."))
        return JSONResponse(_model(name), headers=FRESH)

    @router.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    async def nothing(rest: str) -> JSONResponse:
        words = "There is no such endpoint; here are GET models, POST chat/completions and POST completions, under /v1."
        return JSONResponse(openai_error(words, status=404), status_code=404, headers=FRESH)

    return router


def refusal(error: S1Error) -> JSONResponse:
    """Answer with one sentence, in OpenAI's shape and with the status that its clients know."""
    status, code = _status(error)
    headers = FRESH | ({"retry-after": "60"} if status == 429 else {})
    return JSONResponse(openai_error(_sentence(error), status=status, code=code), status_code=status, headers=headers)


def _status(error: S1Error) -> tuple[int, str | None]:
    match error:
        case UnknownModel():
            return 404, "model_not_found"
        case QuestionTooLong():
            return 400, "context_length_exceeded"
        case TooLarge():
            return 413, None
        case NotJson():
            return 415, None
        case TooSlow():
            return 408, None
        case Busy() | public_gate.Busy():
            return 429, "rate_limit_exceeded"
        case ModelUnavailable():
            return 503, "model_unavailable"
        case EngineFailed():
            return 500, "engine_failed"
        case _:
            return 400, None


def _sentence(error: Exception) -> str:
    # A lone surrogate, which JSON can spell, cannot be sent.
    return str(error).encode("utf-8", "replace").decode("utf-8")


async def _read(request: Request) -> bytes:
    """Read what is sent, however long it claims to be."""
    # A page of another host can make a browser send a form or a text here, but not JSON.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise NotJson("Send the body as JSON, with the header Content-Type: application/json.")
    most = IN_PUBLIC_BYTES if is_public() else wire.MOST_BYTES
    content = bytearray()
    try:
        async with asyncio.timeout(SLOWEST_S):
            async for part in request.stream():
                content += part
                if len(content) > most:
                    raise TooLarge(f"The body has more than {most:,} bytes, the most here; shorten the question.")
    except TimeoutError:
        raise TooSlow(f"The body did not arrive within {SLOWEST_S:.0f} seconds; send it again.") from None
    return bytes(content)


async def _until_gone(work: Awaitable[None], receive: Receive) -> None:
    """Do `work`, and stop in the middle of it when the client goes away."""
    serving = asyncio.ensure_future(work)
    gone = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({serving, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (serving, gone):
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
    if not serving.cancelled():
        serving.result()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _giving_way(events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
    async for event in events:
        yield event
        # An engine that never waits would keep everybody else from being served.
        await asyncio.sleep(0)


async def _stream(
    reply: wire.Reply, first: Event, events: AsyncGenerator[Event, None], send: Send, *, include_usage: bool
) -> None:
    say = _sayer(send)
    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": [*headers, (b"x-accel-buffering", b"no")]})
    for chunk in (*reply.first(), *reply.chunks(first, include_usage=include_usage)):
        await say(json.dumps(chunk))
    try:
        async for event in _giving_way(events):
            for chunk in reply.chunks(event, include_usage=include_usage):
                await say(json.dumps(chunk))
    except Exception as error:
        # The status has been sent; clients of this protocol look for an error among the chunks too.
        told = error if isinstance(error, S1Error) else _engine_failed(error)
        status, code = _status(told)
        await say(json.dumps(openai_error(_sentence(told), status=status, code=code)))
    await say("[DONE]")
    await send({"type": "http.response.body", "body": b""})


def _sayer(send: Send) -> Callable[[str], Awaitable[None]]:
    async def say(data: str) -> None:
        await send({"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": True})

    return say


def _engine_failed(error: Exception) -> EngineFailed:
    _log.error("the engine failed in the middle of a run", exc_info=error)
    return EngineFailed(
        f"The engine stopped in the middle of the run ({type(error).__name__}); send the request again."
    )


def _model(name: str) -> wire.Json:
    return {"id": name, "object": "model", "created": 0, "owned_by": "s1-playground"}
