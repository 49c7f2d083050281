"""Assembles the page: header, tabs, theme, and the server application around it. Start reading the app here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported

import gradio as gr  # noqa: E402
from fastapi import FastAPI  # noqa: E402

from app import theme  # noqa: E402
from app.components import read_static  # noqa: E402
from app.csp import App, ContentSecurityPolicy  # noqa: E402
from app.curves_routes import router  # noqa: E402
from app.curves_shelf import RunShelf  # noqa: E402
from app.session import LiveRuns  # noqa: E402
from app.shelf import EngineShelf  # noqa: E402
from app.tabs import curves, learn, think  # noqa: E402
from s1core.engines.base import Engine  # noqa: E402

TITLE = "s1 playground"
STYLES = ("base.css", "fields.css", "stage.css", "curves.css", "learn.css")


def build_page(shelf: EngineShelf, runs: LiveRuns, results: RunShelf) -> gr.Blocks:
    """Lay out the whole page."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as page:
        gr.HTML(html_template=read_static("header.html"), js_on_load=None, apply_default_css=False, elem_id="header")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Think", id="think"):
                think.build(shelf, runs)
            with gr.Tab("Curves", id="curves", elem_id="curves-tab"):
                curves.build(shelf, results)
            with gr.Tab("Learn", id="learn"):
                learn.build()
    return page.queue(default_concurrency_limit=think.STREAMS)


def build_app(
    model: str = "s1-nano",
    *,
    engines: Mapping[str, Engine] | None = None,
    engine: str | None = None,
    **options: Any,
) -> App:
    """Build the ASGI application and begin to load its model.

    Args:
        model: what is chosen when the page opens.
        engines: engines that are loaded already, by name; for tests and for embedding.
        engine: the kind of engine for all other models, as in `load_engine`.
        **options: passed on to `load_engine`.

    Raises:
        UnknownModel: there is no such model.
    """
    shelf = EngineShelf(model, engines=engines, engine=engine, **options)
    shelf.warm()
    results = RunShelf()
    results.warm()
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    server.include_router(router(results))
    gr.mount_gradio_app(
        server,
        build_page(shelf, LiveRuns(), results),
        path="/",
        theme=theme.build(),
        css="\n".join(read_static(name) for name in STYLES),
        head=read_static("head.html"),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        show_error=True,
        max_file_size="1mb",  # for Gradio's own uploads, which nothing here uses; Curves takes files by its own route
        favicon_path=str(theme.FAVICON),
    )
    return ContentSecurityPolicy(server)
