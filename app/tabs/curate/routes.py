"""What the Curate tab reads from the server, as JSON: sets, funnels, rejected and selected rows, comparisons."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.access.owner import is_owner, sees_all
from app.artifacts.curated.rejected import PAGE, rejection_view
from app.artifacts.curated.rows import NoSuchRow
from app.artifacts.curated.sets import CuratedSet, SetStore, compare, example_counts, hidden_sources, hides
from app.shell.responses import View, answer
from app.tabs.curate.jobs import CurateJobs

Name = Annotated[str, Query(max_length=120)]
Words = Annotated[str, Query(max_length=400)]
Start = Annotated[int, Query(ge=0, le=10**7)]


def router(store: SetStore, jobs: CurateJobs) -> APIRouter:
    """Return the routes, all under `/curate/`."""
    routes = APIRouter(prefix="/curate")

    def find(name: str, request: Request) -> CuratedSet:
        return store.find(name, owner=sees_all(request))

    @routes.get("/sets")
    async def sets(request: Request) -> Response:
        return await answer(lambda: store.catalogue(owner=sees_all(request)))

    @routes.get("/set")
    async def one_set(request: Request, set: Name) -> Response:
        return await answer(lambda: store.view(find(set, request)))

    @routes.get("/progress")
    async def progress(request: Request, set: Name) -> Response:
        def found() -> View:
            one = find(set, request)
            counts = one.rejected.counts()
            return {
                "funnel": store.funnel_view(one),
                "rejected": [[stage, rule, n] for (stage, rule), n in counts.items()],
            }

        return await answer(found)

    @routes.get("/job")
    async def job(request: Request, set: Name) -> Response:
        # What it said may name files of this machine.
        return await answer(lambda: jobs.view(set) if is_owner(request) else {"runs": False, "said": ""})

    @routes.get("/rejected")
    async def rejected(request: Request, set: Name, stage: Name, rule: Words, start: Start = 0) -> Response:
        def found() -> View:
            one = find(set, request)
            hidden = hidden_sources(one.manifest())
            entries = one.rejected.page(stage, rule, start)
            here = one.rejected.counts().get((stage, rule), 0)
            return {
                "rows": [rejection_view(entry, hides(entry, hidden)) for entry in entries],
                "here": here,
                "total": example_counts(one.folder).get(f"{stage}/{rule}", here),
                "more": start + PAGE < here,
            }

        return await answer(found)

    @routes.get("/selected")
    async def selected(request: Request, set: Name, words: Words = "", start: Start = 0) -> Response:
        def found() -> View:
            one = find(set, request)
            rows = one.rows()
            if rows is None:
                return {"found": 0, "here": 0, "total": 0, "rows": []}
            return rows.search(words, start, hidden_sources(one.manifest()))

        return await answer(found)

    @routes.get("/question")
    async def question(request: Request, set: Name, key: Name) -> Response:
        def found() -> View:
            one = find(set, request)
            rows = one.rows()
            if rows is None:
                raise NoSuchRow("This set has no selected questions yet.")
            return rows.one(key, hidden_sources(one.manifest()))

        return await answer(found)

    @routes.get("/compare")
    async def compared(request: Request, set: Name, other: Name) -> Response:
        return await answer(lambda: compare(find(set, request), find(other, request)))

    return routes
