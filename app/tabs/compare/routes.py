"""What the Compare tab asks the server for beside Gradio's events: curves, tapes, recordings. Plain HTTP and JSON."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from app.access.limits import is_public
from app.access.owner import is_owner
from app.artifacts.curves.store import CurveStore
from app.runs import render
from app.runs.questions import same_answer
from app.runs.recent_runs import RaceStore, find_in
from app.runs.recording import RecordedRace
from app.shell import qr
from app.shell.responses import View, closed_in_public
from app.tabs.compare import export as compare_export
from app.tabs.compare import import_lm_eval, recording_file
from app.tabs.compare.backdrop import curve
from app.tabs.compare.opening import opening
from app.tabs.compare.tape import tape
from s1core import S1Error

Name = Annotated[str, Query(max_length=200)]
MOST_SHOWN = 120
"""Characters of a question in the list of a log's questions."""
FRESH = {"cache-control": "no-store"}


def router(kept: Sequence[RaceStore], results: CurveStore) -> APIRouter:
    """Return the routes, all under `/compare/`.

    Args:
        kept: where races and other runs are; those that are opened go to the first.
        results: the curves.
    """
    routes = APIRouter(prefix="/compare")

    def taped(race: RecordedRace) -> View:
        series = results.catalogue()["series"]
        models = dict.fromkeys(lane.asked.model for lane in race.lanes)
        curves = [found for model in models if (found := curve(series, model))]
        return tape(race, same_answer, curves[:2])

    def opened(race: RecordedRace) -> View:
        return taped(race) | {"key": kept[0].keep(race)}

    @routes.get("/curve")
    async def model_curve(model: Name) -> Response:
        return await _answer(lambda: {"curve": curve(results.catalogue()["series"], model)})

    @routes.get("/tape")
    async def race_tape(race: Name) -> Response:
        return await _answer(lambda: taped(find_in(kept, race)))

    @routes.get("/bundled")
    async def bundled(name: Name = "") -> Response:
        if not name:
            return await _answer(lambda: {"recordings": recording_file.bundled()})
        return await _answer(lambda: opened(recording_file.read_bundled(name)))

    @routes.get("/opening")
    async def opening_pair(model: Name) -> Response:
        return await _answer(lambda: opening(model, same_answer))

    @routes.get("/code")
    async def code(text: Annotated[str, Query(max_length=qr.MOST_BYTES)]) -> Response:
        try:
            return Response(await run_in_threadpool(qr.svg, text), media_type="image/svg+xml", headers=FRESH)
        except S1Error as error:
            return _refusal(error)

    def opened_file(content: bytes, question: int, tokens_s: float) -> View:
        if not import_lm_eval.is_log(next(_lines(content), "")):
            return opened(recording_file.read(_lines(content)))
        logged = import_lm_eval.read(_lines(content), question=question, tokens_s=tokens_s)
        names = [render.plain(text[:MOST_SHOWN]) for text in logged.questions]
        return opened(logged.race) | {"logged": {"questions": names, "chosen": logged.chosen}}

    @routes.post("/open")
    async def open_file(request: Request, question: int = 0, tokens_s: float = 60.0) -> Response:
        # A page of another host can send a form here, but not with this header.
        if request.headers.get("x-requested-with") != "s1-playground":
            return JSONResponse({"error": "Recordings are opened from the page itself."}, status_code=403)
        if is_public() and not is_owner(request):
            return closed_in_public()
        try:
            content = await _body(request)
        except S1Error as error:
            return _refusal(error)
        return await _answer(lambda: opened_file(content, question, tokens_s))

    @routes.get("/recording")
    async def recording(race: Name) -> Response:
        return await _text(lambda: "".join(recording_file.write(find_in(kept, race))))

    @routes.get("/export")
    async def race_page(race: Name) -> Response:
        return await _text(lambda: compare_export.page(taped(find_in(kept, race))))

    return routes


async def _answer(work: Callable[[], View]) -> Response:
    """Answer with what `work` returns; making a tape takes a moment, so it is done beside the event loop."""
    try:
        return JSONResponse(await run_in_threadpool(work), headers=FRESH)
    except S1Error as error:
        return _refusal(error)


async def _text(work: Callable[[], str]) -> Response:
    """Answer with a text, which the page makes a file of and this host never a document; or with a sentence as JSON."""
    try:
        return Response(await run_in_threadpool(work), media_type="text/plain; charset=utf-8", headers=FRESH)
    except S1Error as error:
        return _refusal(error)


async def _body(request: Request) -> bytes:
    """Read what is sent, however long it claims to be."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > recording_file.MOST_MB * 2**20:
            raise recording_file.BadRecording(f"A recording may have {recording_file.MOST_MB} MB; this one has more.")
    return bytes(content)


def _lines(content: bytes) -> Iterator[str]:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", errors="replace", newline="\n")


def _refusal(error: S1Error) -> JSONResponse:
    # Not an HTTP error: the page shows the sentence, and the browser's console has nothing to complain of.
    return JSONResponse({"error": str(error)}, headers=FRESH)
