"""`/v1`: OpenAI's protocol in front of whatever engine is here, so that existing clients get budget forcing.

Each request is served by one task beside another one that waits for the client to go away. Whichever ends first ends
the other, so a client that leaves frees its place and the engine, whether the reply streams or not.

On a public page a request stands in the same line as the runs of the page, and may ask for no more than they.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Mapping
from contextlib import aclosing

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.access import admission as public_gate
from app.access.admission import Gate, Ticket, visitor_of
from app.access.limits import MOST, is_public
from app.api import bodies
from app.api import openai_schema as wire
from app.api.budgets import EFFORTS
from app.api.choices import begun, check, failed, merged, traces
from app.api.event_stream import EventStream
from app.api.replies import Reply
from app.api.steer import NoSuchStream, Streams, read_steer
from app.api.turns import RUNNING, WAITING, Busy, Turns
from app.models.registry import EngineRegistry
from app.shell.responses import openai_error
from s1core import S1Error
from s1core.engines.base import Engine
from s1core.errors import CommandRefused, EngineFailed, ModelUnavailable, QuestionTooLong, UnknownModel, Unsupported
from s1core.types import Finished

__all__ = ["RUNNING", "WAITING", "Busy", "Turns", "refusal", "routes"]

FRESH = {"cache-control": "no-store"}
_ENDPOINTS = "GET models, POST chat/completions and POST completions, and POST steer under the id of a stream of theirs"


class Completions:
    """One of the two endpoints that run the model, as an ASGI application."""

    def __init__(
        self,
        kind: wire.Kind,
        registry: EngineRegistry,
        turns: Turns,
        gate: Gate,
        efforts: Mapping[str, int],
        streams: Streams,
    ) -> None:
        self._kind: wire.Kind = kind
        self._registry = registry
        self._turns = turns
        self._gate = gate
        self._efforts = efforts
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        try:
            body = await run_in_threadpool(wire.read_body, await bodies.read(request))
            most = MOST.thinking_tokens if is_public() else None
            ask = wire.read_ask(self._kind, body, self._efforts, most_by_effort=most)
            check(ask)
            with self._gate.place(visitor_of(request), ask.choices) as place, self._turns.places(ask.choices):
                serve = self._stream(ask, place, send) if ask.stream else self._answer(ask, place, scope, receive, send)
                await _until_gone(serve, receive)
        except ClientDisconnect:
            return
        except S1Error as error:
            await refusal(error, retry_s=self._turns.retry_s)(scope, receive, send)

    async def _answer(self, ask: wire.Ask, place: Ticket, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            engine = await self._engine(ask, place)
            async with begun(ask, engine, self._turns) as runs:
                done = await traces(runs)
        except S1Error:
            raise
        except Exception as error:
            raise failed(error) from error
        await JSONResponse(_reply(ask, engine).whole(done), headers=FRESH)(scope, receive, send)

    async def _stream(self, ask: wire.Ask, place: Ticket, send: Send) -> None:
        stream = EventStream(send)
        async with stream.alive():
            try:
                await self._chunks(ask, place, stream)
            except Exception as error:
                failure = error if isinstance(error, S1Error) else failed(error)
                if not stream.begun:
                    raise failure from error
                # The status has been sent; clients of this protocol look for an error among the chunks too.
                status, code = _status(failure)
                await stream.say(openai_error(_sentence(failure), status=status, code=code))
            await stream.end()

    async def _chunks(self, ask: wire.Ask, place: Ticket, stream: EventStream) -> None:
        engine = await self._engine(ask, place)
        reply = _reply(ask, engine)
        with self._streams.opened(reply.id, ask.choices) as steerings:
            async with begun(ask, engine, self._turns, steerings) as runs:
                # What cannot be asked of this model has shown by now, before anything is sent.
                for chunk in (part for index in range(len(runs)) for part in reply.first(index)):
                    await stream.say(chunk)
                receipts = dict[int, Finished]()
                async with aclosing(merged(runs)) as events:
                    async for item in events:
                        for chunk in reply.chunks(item.index, item.event):
                            await stream.say(chunk)
                        if isinstance(item.event, Finished):
                            receipts[item.index] = item.event
                if ask.include_usage:
                    await stream.say(reply.spent([receipts[index].receipt for index in sorted(receipts)]))

    async def _engine(self, ask: wire.Ask, place: Ticket) -> Engine:
        if ask.chat and ask.chat.history and not self._registry.takes_turns(ask.model):
            raise Unsupported(
                f"{ask.model} was trained on single questions and makes nothing of earlier turns; "
                "send one message of the role user, after those of the role system."
            )
        await place.turn()
        async for step in self._registry.load(ask.model):
            if not isinstance(step, str):
                return step
        raise AssertionError("a load ends with an engine or an error")


def routes(registry: EngineRegistry, gate: Gate, efforts: Mapping[str, int] = EFFORTS) -> APIRouter:
    """Return the routes, all under `/v1`; beside it those that say so.

    Args:
        registry: the models.
        gate: the one of the page, so that nobody has more runs by asking here too.
        efforts: thinking tokens by `reasoning_effort`.
    """
    router = APIRouter()
    turns, streams = Turns(), Streams()
    kinds: dict[str, wire.Kind] = {"/chat/completions": "chat", "/completions": "text"}
    for path, kind in kinds.items():
        # An ASGI application and not a function: it looks after its own sending and the client's leaving.
        router.routes.append(
            Route(f"/v1{path}", Completions(kind, registry, turns, gate, efforts, streams), methods=["POST"])
        )

    @router.post("/v1/chat/completions/{stream_id}/steer")
    @router.post("/v1/completions/{stream_id}/steer")
    async def steer(stream_id: str, request: Request) -> JSONResponse:
        try:
            asked = read_steer(await run_in_threadpool(wire.read_body, await bodies.read(request)))
            status, reply = await streams.steer(stream_id, asked)
        except S1Error as error:
            return refusal(error)
        return JSONResponse(reply, status_code=status, headers=FRESH)

    @router.get("/v1/models")
    async def models() -> JSONResponse:
        listed = [_model(registry, name) for name in registry.models]
        listed.sort(key=lambda model: model["state"] not in ("ready", "loading"))
        return JSONResponse({"object": "list", "data": listed}, headers=FRESH)

    @router.get("/v1/models/{name:path}")
    async def model(name: str) -> JSONResponse:
        if name not in registry.models:
            return refusal(UnknownModel("There is no such model here; /v1/models lists those that there are."))
        return JSONResponse(_model(registry, name), headers=FRESH)

    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]

    @router.api_route("/v1/{rest:path}", methods=every, include_in_schema=False)
    async def nothing(rest: str) -> JSONResponse:
        return _not_found(f"There is no such endpoint; here are {_ENDPOINTS}, under /v1.")

    async def elsewhere(request: Request) -> JSONResponse:
        here = str(request.base_url).rstrip("/")
        return _not_found(f"The API is under /v1 here: give the client the base URL {here}/v1.")

    for path in ("/chat/completions", "/completions", "/models", "/responses", "/embeddings"):
        router.add_api_route(path, elsewhere, methods=every, include_in_schema=False)

    return router


def refusal(error: S1Error, *, retry_s: int = 60) -> JSONResponse:
    """Answer with one sentence, in OpenAI's shape and with the status that its clients know.

    Args:
        error: what is wrong.
        retry_s: when to come back, where there is no place now.
    """
    status, code = _status(error)
    headers = FRESH | ({"retry-after": str(retry_s)} if status == 429 else {})
    return JSONResponse(openai_error(_sentence(error), status=status, code=code), status_code=status, headers=headers)


def _status(error: S1Error) -> tuple[int, str | None]:
    match error:
        case UnknownModel():
            return 404, "model_not_found"
        case NoSuchStream():
            return 404, None
        case CommandRefused():
            return 409, "command_refused"
        case QuestionTooLong():
            return 400, "context_length_exceeded"
        case bodies.TooLarge():
            return 413, None
        case bodies.NotJson():
            return 415, None
        case bodies.TooSlow():
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
    said = str(error).encode("utf-8", "replace").decode("utf-8")
    return said.replace("max_answer_tokens", "max_tokens").replace("max_thinking_tokens", "thinking_budget")


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


def _reply(ask: wire.Ask, engine: Engine) -> Reply:
    return Reply(
        kind=ask.kind,
        id=f"{'chatcmpl' if ask.kind == 'chat' else 'cmpl'}-{secrets.token_hex(12)}",
        model=ask.model,
        created_s=int(time.time()),
        samples=ask.samples,
        receipt_fields=ask.limits.receipt_fields()
        | {"top_p": ask.sampling.top_p, "top_k": ask.sampling.top_k, "min_p": ask.sampling.min_p},
        raw=ask.raw,
        final_answer_text=ask.closing(engine.format).final_answer_text,
    )


def _not_found(words: str) -> JSONResponse:
    return JSONResponse(openai_error(words, status=404), status_code=404, headers=FRESH)


def _model(registry: EngineRegistry, name: str) -> wire.Json:
    state = registry.state(name)
    said = {"id": name, "object": "model", "created": 0, "owned_by": "s1-playground"}
    return said | {"ready": state == "ready", "state": state}
