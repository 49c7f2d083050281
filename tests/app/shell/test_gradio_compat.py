"""Gradio's private parts are where the app expects them; each failure names the part and what it breaks."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from app.shell import gradio_compat
from app.shell.gradio_compat import GradioChanged, gradio, search_matplotlib_once

TEMPLATES = Path(inspect.getfile(gradio)).parent / "templates"


def page() -> Any:
    with gradio.Blocks() as blocks:
        gradio.Textbox()
    return blocks


def queue_of(blocks: Any) -> Any:
    return blocks._queue


def itself(blocks: Any) -> Any:
    return blocks


def bound(blocks: Any) -> None:
    gradio_compat.bound_queue(blocks, unread_sessions=2, poll_s=0.005)


def size(blocks: Any) -> None:
    gradio_compat.size(blocks, sessions=3, events_at_once=4)


def restrict(blocks: Any) -> None:
    gradio_compat.restrict_tools(blocks, {}, RuntimeError("no"))


def test_gradio_is_imported_whole_and_python_is_left_as_it_was() -> None:
    assert inspect.getfile.__module__ != "app.shell.gradio_compat"
    assert inspect.getfile(gradio.Textbox).endswith("textbox.py") and callable(gradio.Textbox().submit)


@pytest.mark.parametrize(
    ("owner", "name", "use"),
    [
        (queue_of, "pending_messages_per_session", bound),
        (queue_of, "sleep_when_free", bound),
        (itself, "_queue", bound),
        (itself, "state_session_capacity", size),
        (itself, "max_threads", size),
        (itself, "mcp_server_obj", restrict),
    ],
)
def test_a_missing_private_name_is_named(owner: Callable[[Any], Any], name: str, use: Callable[[Any], None]) -> None:
    blocks = page()
    assert hasattr(owner(blocks), name), f"Gradio {gradio.__version__} has no {name} any more"
    delattr(owner(blocks), name)
    with pytest.raises(GradioChanged, match=rf"\.{name}, which is needed to"):
        use(blocks)


@pytest.mark.parametrize("name", ["move_resource_to_block_cache", "async_move_resource_to_block_cache"])
def test_files_are_refused_by_every_component(name: str) -> None:
    blocks = page()
    gradio_compat.refuse_files(blocks)
    assert any(name in vars(kind) for kind in gradio.Textbox.__mro__), f"Gradio's components have no {name} any more"
    for block in blocks.blocks.values():
        with pytest.raises(gradio.Error, match="send text"):
            found = getattr(block, name)("https://example.org/secret")
            asyncio.run(found)


@pytest.mark.parametrize("name", ["tool_prefix", "tool_to_endpoint", "_get_or_create_client"])
def test_the_mcp_server_has_the_names_that_are_replaced(name: str) -> None:
    pytest.importorskip("mcp")
    from gradio.mcp import GradioMCPServer

    assert name in inspect.getsource(GradioMCPServer), f"Gradio's MCP server has no {name} any more"


def test_the_page_under_construction_is_found() -> None:
    with gradio.Blocks() as blocks:
        assert gradio_compat.current_page() is blocks


def test_messages_of_the_oldest_session_are_evicted() -> None:
    blocks = page()
    bound(blocks)
    messages = blocks._queue.pending_messages_per_session
    for session in ("a", "b", "c"):
        messages[session] = session
    assert dict(messages) == {"b": "b", "c": "c"}
    assert messages["a"].empty() and "a" not in messages


def test_a_missing_matplotlib_is_noted_and_no_more() -> None:
    there = find_spec("matplotlib") is not None
    search_matplotlib_once()
    assert (find_spec("matplotlib") is not None) == there
    assert there or sys.modules["matplotlib"] is None


@pytest.mark.parametrize("before", [before for before, _ in gradio_compat._ANYWHERE])
def test_a_changed_template_is_named(before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradio import routes
    from jinja2 import DictLoader, FileSystemLoader

    usual = FileSystemLoader(TEMPLATES)
    source = usual.get_source(routes.templates.env, gradio_compat._TEMPLATE)[0]
    assert source.count(before) >= 1, f"Gradio's page has no {before} any more"
    changed = DictLoader({gradio_compat._TEMPLATE: source.replace(before, "")})
    monkeypatch.setattr(routes.templates.env, "loader", changed)
    with pytest.raises(GradioChanged, match="needed to serve the page behind proxies"):
        gradio_compat.serve_under_any_address()


def test_the_template_is_changed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from gradio import routes
    from jinja2 import FileSystemLoader

    monkeypatch.setattr(routes.templates.env, "loader", FileSystemLoader(TEMPLATES))
    gradio_compat.serve_under_any_address()
    loader = routes.templates.env.loader
    gradio_compat.serve_under_any_address()
    assert routes.templates.env.loader is loader
