"""What the Train tab reads from the server, as JSON: runs, their curves, their logs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.access.owner import is_owner, sees_all
from app.shell.responses import View, answer
from app.tabs.train.evals import TrainEvals
from app.tabs.train.exports import TrainSteps
from app.tabs.train.jobs import TrainJobs
from app.tabs.train.metrics import read_metrics
from app.tabs.train.models import TrainedModels
from app.tabs.train.runs import TrainingRunStore, TrainRun

Name = Annotated[str, Query(max_length=160)]
Count = Annotated[int, Query(ge=0, le=10**18)]


def router(
    store: TrainingRunStore, jobs: TrainJobs, models: TrainedModels, sweeps: TrainEvals, steps: TrainSteps
) -> APIRouter:
    """Return the routes, all under `/train/`."""
    routes = APIRouter(prefix="/train")

    def find(name: str, request: Request) -> TrainRun:
        return store.find(name, owner=sees_all(request))

    @routes.get("/runs")
    async def runs(request: Request) -> Response:
        return await answer(lambda: {"runs": [store.line(run) for run in store.all(owner=sees_all(request))]})

    @routes.get("/run")
    async def one_run(request: Request, run: Name, after: Count = 0, file: Count = 0) -> Response:
        def found() -> View:
            one = find(run, request)
            curves = read_metrics(one.folder).curves(after, file)
            owner = is_owner(request)
            work = {"evals": sweeps.view(one.name, owner=owner), "writing": steps.view(one, owner=owner)}
            return {**store.view(one, owner=owner), **work, "curves": curves}

        return await answer(found)

    @routes.get("/log")
    async def log(request: Request, run: Name, offset: Count = 0) -> Response:
        def found() -> View:
            # What it wrote names files of this machine.
            return jobs.log(find(run, request).job if is_owner(request) else None, offset)

        return await answer(found)

    @routes.get("/models")
    async def all_models() -> Response:
        return await answer(lambda: {"models": models.names})

    return routes
