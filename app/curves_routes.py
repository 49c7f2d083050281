"""What the Curves tab asks the server for beside Gradio's events: results, samples, traces, comparisons, imports.

Plain HTTP and JSON, read with `fetch`. Also the drawing library itself, since no page here loads from another host.
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from app.answers import answer, closed_in_public, refusal
from app.curves_samples import FILTERS, Filter, Point, find_point, paired, sample_list, sample_trace
from app.curves_shelf import RunShelf
from app.curves_upload import ESTIMATED, Importer
from app.curves_view import View, hides_texts
from app.owner import is_owner
from app.public import is_public
from evals.importers.reading import Choice
from s1core import S1Error

PLOTLY = f"plotly-{version('plotly')}.min.js"
_FOREVER = "public, max-age=31536000, immutable"
Key = Annotated[str, Query(max_length=100)]
Name = Annotated[str, Query(max_length=400)]


def router(shelf: RunShelf) -> APIRouter:
    """Return the routes, all under `/curves/`."""
    routes = APIRouter(prefix="/curves")
    importer = Importer(shelf)

    @routes.get(f"/{PLOTLY}")
    def plotly(accept_encoding: Annotated[str, Header()] = "") -> Response:
        headers = {"cache-control": _FOREVER, "vary": "accept-encoding"}
        packed = "gzip" in accept_encoding
        headers |= {"content-encoding": "gzip"} if packed else {}
        return Response(_plotly(packed), media_type="text/javascript", headers=headers)

    @routes.get("/catalogue")
    async def catalogue() -> Response:
        return await answer(shelf.catalogue)

    @routes.get("/samples")
    async def samples(
        run: Key, setting: Name, shown: Filter = FILTERS[0], start: Annotated[int, Query(ge=0, le=10**7)] = 0
    ) -> Response:
        def found() -> View:
            hidden = hides_texts(shelf.find(run).benchmark, public=is_public())
            return sample_list(_point(shelf, run, setting), shown, start, hidden=hidden)

        return await answer(found)

    @routes.get("/trace")
    async def trace(run: Key, setting: Name, sample: Name, index: int = 0) -> Response:
        def found() -> View:
            held = shelf.find(run)
            hidden = hides_texts(held.benchmark, public=is_public())
            point = find_point(held.config, held.rows(), setting)
            return sample_trace(point, sample, index, hidden=hidden, estimated=held.counted_by == ESTIMATED)

        return await answer(found)

    @routes.get("/compare")
    async def compare(run: Key, setting: Name, other_run: Key, other_setting: Name) -> Response:
        def found() -> View:
            a, b = _point(shelf, run, setting), _point(shelf, other_run, other_setting)
            return {"pairs": paired(a.rows, b.rows)}

        return await answer(found)

    @routes.post("/import")
    async def take(request: Request, verdict: Name | None = None, regrade: bool = False) -> Response:
        # A page of another host can send a form here, but not with this header.
        if request.headers.get("x-requested-with") != "s1-playground":
            return JSONResponse({"error": "Files are added from the page itself."}, status_code=403)
        if is_public() and not is_owner(request):
            return closed_in_public()
        try:
            return JSONResponse(await importer.take(request, Choice(verdict=verdict, regrade=regrade)))
        except S1Error as error:
            return refusal(error)

    return routes


def _point(shelf: RunShelf, run: str, setting: str) -> Point:
    found = shelf.find(run)
    return find_point(found.config, found.rows(), setting)


@cache
def _plotly(packed: bool) -> bytes:
    content = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    return gzip.compress(content, 6) if packed else content
