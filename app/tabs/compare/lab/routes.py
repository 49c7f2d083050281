"""What the Wait lab asks the server for: a lab of a trace, its places, forks as they are written. HTTP, JSON lines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.access.admission import Gate, visitor_of
from app.models.registry import EngineRegistry
from app.runs.questions import same_answer
from app.runs.recent_runs import RaceStore, find_in
from app.shell.responses import View
from app.tabs.compare.lab.session import ForkRequest, Lab, LabStore
from s1core import S1Error
from s1core.engines.base import Engine
from s1core.errors import InvalidSetting

MOST_BYTES = 16_384
FRESH = {"cache-control": "no-store"}
Name = Annotated[str, Query(max_length=200)]


def router(registry: EngineRegistry, kept: Sequence[RaceStore], labs: LabStore, gate: Gate) -> APIRouter:
    """Return the routes, all under `/compare/lab/`.

    Args:
        registry: the models.
        kept: where the traces are that can be forked.
        labs: the labs.
        gate: the one of the page.
    """
    routes = APIRouter(prefix="/compare/lab")

    async def places(lab: Lab, number: int) -> View:
        engine = await _engine(registry, lab.asked.model)
        return (await run_in_threadpool(lab.draw, engine, number)).as_view()

    async def opened(request: Request) -> View:
        asked = await _asked(request)
        lane, run = asked.get("lane"), asked.get("run", 0)
        if type(lane) is not int or type(run) is not int:
            raise InvalidSetting("Choose a lane to fork.")
        lab = Lab.of(find_in(kept, str(asked.get("race"))), lane, run, same_answer)
        engine = await _engine(registry, lab.asked.model)
        await run_in_threadpool(lab.draw, engine, 0)
        return lab.whole(labs.keep(lab), engine)

    @routes.post("/open")
    async def open_lab(request: Request) -> Response:
        try:
            return JSONResponse(await opened(request), headers=FRESH)
        except S1Error as error:
            return _refusal(error)

    @routes.get("/places")
    async def places_of(lab: Name, node: int) -> Response:
        try:
            return JSONResponse(await places(labs.find(lab), node), headers=FRESH)
        except S1Error as error:
            return _refusal(error)

    @routes.post("/stop")
    async def stop(request: Request) -> Response:
        try:
            asked = await _asked(request)
            labs.find(asked.get("lab")).node(asked.get("node")).stop.set()
        except S1Error as error:
            return _refusal(error)
        return JSONResponse({}, headers=FRESH)

    @routes.post("/fork")
    async def fork(request: Request) -> Response:
        try:
            asked = await _asked(request)
            lab = labs.find(asked.get("lab"))
            wanted = lab.read(asked)
        except S1Error as error:
            return _refusal(error)
        lines = _lines(registry, gate, visitor_of(request), lab, wanted)
        return StreamingResponse(lines, media_type="application/x-ndjson", headers=FRESH)

    return routes


async def _lines(
    registry: EngineRegistry, gate: Gate, visitor: str, lab: Lab, wanted: ForkRequest
) -> AsyncGenerator[str, None]:
    """Yield what happens to a branch, a line each; of its text only what is new."""
    sent = ""
    try:
        with gate.place(visitor) as place:
            async with aclosing(place.before(registry.load(lab.asked.model))) as steps:
                async for step in steps:
                    if not isinstance(step, str):
                        engine = step
                        break
                    yield _line({"note": step})
                else:
                    return
            async with aclosing(lab.fork(engine, wanted)) as views:
                async for view in views:
                    text: str = view["text"]
                    again = not text.startswith(sent)
                    yield _line(view | {"text": text if again else text[len(sent) :], "again": again or not sent})
                    sent = text
    except S1Error as error:
        yield _line({"error": str(error)})


async def _engine(registry: EngineRegistry, model: str) -> Engine:
    async for step in registry.load(model):
        if not isinstance(step, str):
            return step
        await asyncio.sleep(0)
    raise AssertionError("a load ends with an engine or an error")


async def _asked(request: Request) -> dict[str, Any]:
    # A page of another host can send a form here, but not with this header.
    if request.headers.get("x-requested-with") != "s1-playground":
        raise InvalidSetting("Forks are asked for from the page itself.")
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            raise InvalidSetting("That is more than a fork can ask for. Shorten the word.")
    try:
        asked = json.loads(content)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise InvalidSetting("A fork must be a set of named values; reload the page and try again.")
    return asked


def _line(view: View) -> str:
    return json.dumps(view, ensure_ascii=False, separators=(",", ":")) + "\n"


def _refusal(error: S1Error) -> JSONResponse:
    # Not an HTTP error: the page shows the sentence, and the browser's console has nothing to complain of.
    return JSONResponse({"error": str(error)}, headers=FRESH)
