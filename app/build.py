"""Assembles the page: header, tabs, theme, and the server application around it. Start reading the app here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import app.shell.gradio_compat  # noqa: F401

# isort: split
import gradio as gr
from fastapi import APIRouter, FastAPI, Request, Response

from app.access import gradio_limits, hub_login
from app.access.admission import Gate, Room
from app.access.gradio_allowlist import Closed
from app.access.limits import is_public
from app.access.middleware import Entrance
from app.access.prefix import Prefix, root_path
from app.access.security_headers import App, ContentSecurityPolicy
from app.access.sign_in import Credentials, SignIn
from app.api import mcp as mcp_tools
from app.api import openai as openai_api
from app.api.budgets import EFFORTS
from app.api.tools import require_mcp
from app.artifacts.curated.sets import SetStore
from app.artifacts.curves.store import CurveStore
from app.jobs.registry import Jobs
from app.models.registry import EngineRegistry
from app.models.served import Served
from app.previews import Previews
from app.runs.recent_runs import RaceStore
from app.runs.session import LiveRuns, ThinkRun
from app.shell import fonts, theme
from app.shell.components import read_assets
from app.shell.document import head_of_request
from app.shell.footer import footer
from app.shell.footer import router as footer_router
from app.shell.gradio_compat import refuse_files, search_matplotlib_once, serve_under_any_address
from app.tabs.compare import routes as compare_routes
from app.tabs.compare import tab as compare
from app.tabs.compare.lab import routes as compare_lab_routes
from app.tabs.compare.lab.session import LabStore
from app.tabs.curate import tab as curate
from app.tabs.curate.jobs import CurateJobs
from app.tabs.curate.routes import router as curate_router
from app.tabs.curves import tab as curves
from app.tabs.curves.routes import router
from app.tabs.learn import tab as learn
from app.tabs.think import tab as think
from app.tabs.train import tab as train
from app.tabs.train.evals import TrainEvals
from app.tabs.train.exports import TrainSteps
from app.tabs.train.jobs import TrainJobs
from app.tabs.train.models import TrainedModels
from app.tabs.train.routes import router as train_router
from app.tabs.train.runs import TrainingRunStore, default_root
from s1core.engines.base import Engine
from s1core.weights import default_model

TITLE = "s1 playground"
RUNS = Room(at_once=32, per_visitor=16, waiting=24)
"""Of Think, Compare and `/v1` together, on a public page."""
STYLES = (
    "shell/base.css",
    "shell/fields.css",
    "runs/stage.css",
    "runs/player.css",
    "tabs/think/opening.css",
    "tabs/curves/curves.css",
    "tabs/compare/race.css",
    "tabs/compare/compare.css",
    "tabs/compare/lab/lab.css",
    "shell/board.css",
    "tabs/curate/curate.css",
    "tabs/train/train.css",
    "tabs/learn/learn.css",
)


def build_page(
    registry: EngineRegistry,
    runs: LiveRuns,
    results: CurveStore,
    races: RaceStore,
    thoughts: RaceStore,
    curations: CurateJobs,
    trainings: TrainJobs,
    sets: SetStore,
    models: TrainedModels,
    sweeps: TrainEvals,
    steps: TrainSteps,
    gate: Gate,
    *,
    tools: bool = False,
) -> gr.Blocks:
    """Lay out the whole page, and beside it the tools for agents where they are wanted."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        gr.HTML(
            html_template=read_assets("shell/header.html"), js_on_load=None, apply_default_css=False, elem_id="header"
        )
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Think", id="think", elem_id="think-tab"):
                model = think.build(registry, runs, gate, thoughts)
            with gr.Tab("Compare", id="compare", elem_id="compare-tab"):
                compare.build(registry, races, gate)
            with gr.Tab("Curves", id="curves", elem_id="curves-tab"):
                curves.build(registry, results)
            with gr.Tab("Curate", id="curate", elem_id="curate-tab"):
                curate.build(curations)
            with gr.Tab("Train", id="train", elem_id="train-tab") as train_tab:
                train.build(trainings, sets, models, sweeps, steps, train_tab, model)
            with gr.Tab("Learn", id="learn"):
                learn.build()
        gr.HTML(html_template=footer(registry.default), js_on_load=None, apply_default_css=False, elem_id="footer")
        hub_login.offer()
        if tools:
            mcp_tools.offer(registry, gate)
    refuse_files(page)
    return gradio_limits.bound(page, public=is_public())


def _pictures(previews: Previews) -> APIRouter:
    """The routes of typefaces and of the pictures of links."""
    routes = APIRouter()

    @routes.get("/fonts/{version}/{name}")
    def font(version: str, name: str) -> Response:
        return fonts.response(name)

    @routes.get("/card.png")
    def picture(request: Request) -> Response:
        headers = {"cache-control": "public, max-age=3600"}
        return Response(previews.picture(request.query_params), media_type="image/png", headers=headers)

    return routes


def build_app(
    model: str | None = None,
    *,
    engines: Mapping[str, Engine] | None = None,
    served: Mapping[str, Served] | None = None,
    engine: str | None = None,
    owner: Credentials | None = None,
    mcp: bool = False,
    efforts: Mapping[str, int] = EFFORTS,
    **options: Any,
) -> App:
    """Build the ASGI application and begin to load its model.

    Args:
        model: what is chosen when the page opens; by default the bundled one.
        engines: engines that are loaded already, by name; for tests and for embedding.
        served: models of servers that already run, by the names under which they are offered.
        engine: the kind of engine for all other models, as in `load_engine`.
        owner: what the owner signs in with, if he may do so from elsewhere.
        mcp: offer solve, sweep and probe to agents.
        efforts: thinking tokens by `reasoning_effort` of `/v1`.
        **options: passed on to `load_engine`.

    Raises:
        UnknownModel: there is no such model.
        InvalidSetting: tools are wanted, and a package for them is missing.
    """
    if mcp:
        require_mcp()
    search_matplotlib_once()
    registry = EngineRegistry(model or default_model(), engines=engines, served=served, engine=engine, **options)
    registry.warm()
    results = CurveStore(default_root() / "evals")
    results.warm()
    previews = Previews(registry.default, results)
    serve_under_any_address(head_of_request(previews.of))
    races, thoughts = RaceStore(), RaceStore()  # apart, so that runs of Think do not crowd out races
    gate = Gate(RUNS)
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    server.include_router(_pictures(previews))
    server.include_router(footer_router(registry.default))
    server.include_router(router(results))
    server.include_router(compare_routes.router((races, thoughts), results))
    server.include_router(compare_lab_routes.router(registry, (races, thoughts), LabStore(), gate))
    server.include_router(openai_api.routes(registry, gate, efforts))
    sets = SetStore()
    jobs = Jobs()
    curations = CurateJobs(sets.root, jobs)
    server.include_router(curate_router(sets, curations))
    trainings = TrainJobs(default_root() / "sft", jobs)
    trained = TrainingRunStore(trainings, sets)
    models = TrainedModels(registry, trained)
    sweeps, steps = TrainEvals(default_root() / "evals", jobs), TrainSteps(jobs)
    server.include_router(train_router(trained, trainings, models, sweeps, steps))
    sign_in = SignIn(owner) if owner else None
    if sign_in:
        server.include_router(sign_in.router())
    runs = LiveRuns[ThinkRun]()
    page = build_page(
        registry, runs, results, races, thoughts, curations, trainings, sets, models, sweeps, steps, gate, tools=mcp
    )
    gr.mount_gradio_app(
        server,
        page,
        path="/",
        root_path=root_path(),
        theme=theme.build(),
        css=read_assets(*STYLES),
        head=read_assets("shell/head.html"),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        show_error=True,
        max_file_size="1mb",  # for Gradio's own uploads, which nothing here uses; Curves takes files by its own route
        favicon_path=str(theme.FAVICON),
        mcp_server=mcp,  # False and not None, which would ask the environment
    )
    if mcp:
        mcp_tools.keep_to_the_tools(page)
    inside = sign_in.around(server) if sign_in else server
    return ContentSecurityPolicy(Prefix(Entrance(Closed(inside, tools=mcp))))
