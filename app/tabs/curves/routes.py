"""What the Curves tab asks the server for beside Gradio's events: results, samples, traces, comparisons, imports.

Plain HTTP and JSON, read with `fetch`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from app.access.limits import is_public
from app.access.owner import is_owner
from app.artifacts.curves.series import hides_texts
from app.artifacts.curves.store import CurveStore
from app.shell import plotly
from app.shell.responses import View, answer, closed_in_public, refusal
from app.tabs.curves.samples import FILTERS, Filter, Point, find_point, paired, sample_list, sample_trace
from app.tabs.curves.upload import ESTIMATED, Importer
from evals.importers.reading import Choice
from s1core import S1Error

Key = Annotated[str, Query(max_length=100)]
Name = Annotated[str, Query(max_length=400)]


def router(store: CurveStore) -> APIRouter:
    """Return the routes, all under `/curves/`."""
    routes = APIRouter(prefix="/curves")
    importer = Importer(store)

    @routes.get(f"/{plotly.PLOTLY}")
    def library(accept_encoding: Annotated[str, Header()] = "") -> Response:
        return plotly.response(accept_encoding)

    @routes.get("/catalogue")
    async def catalogue() -> Response:
        return await answer(store.catalogue)

    @routes.get("/samples")
    async def samples(
        run: Key, setting: Name, shown: Filter = FILTERS[0], start: Annotated[int, Query(ge=0, le=10**7)] = 0
    ) -> Response:
        def found() -> View:
            hidden = hides_texts(store.find(run).benchmark, public=is_public())
            return sample_list(_point(store, run, setting), shown, start, hidden=hidden)

        return await answer(found)

    @routes.get("/trace")
    async def trace(run: Key, setting: Name, sample: Name, index: int = 0) -> Response:
        def found() -> View:
            held = store.find(run)
            hidden = hides_texts(held.benchmark, public=is_public())
            point = find_point(held.config, held.rows(), setting)
            return sample_trace(point, sample, index, hidden=hidden, estimated=held.counted_by == ESTIMATED)

        return await answer(found)

    @routes.get("/compare")
    async def compare(run: Key, setting: Name, other_run: Key, other_setting: Name) -> Response:
        def found() -> View:
            a, b = _point(store, run, setting), _point(store, other_run, other_setting)
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


def _point(store: CurveStore, run: str, setting: str) -> Point:
    found = store.find(run)
    return find_point(found.config, found.rows(), setting)
