"""Everything that reaches into Gradio's private parts. Import it before anything else that needs Gradio.

A name that a new version of Gradio lacks is a `GradioChanged` that says which feature of the app it breaks; the tests
of this module fail by that name.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from asyncio import Queue
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, NoReturn

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported
# Otherwise pandas summarises the last 10,000 events after every event, which nothing here reads.
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")


@contextmanager
def _without_stubs() -> Generator[None, None, None]:
    """Keep Gradio from writing a stub file for every component, which takes a third of the time of its import.

    It writes none for a class without a source file, so `gradio.component_meta` is given no file.
    """
    file_of = inspect.getfile

    def getfile(thing: Any) -> str:
        if sys._getframe(1).f_globals.get("__name__") == "gradio.component_meta":
            raise OSError("no stub is wanted")
        return file_of(thing)

    inspect.getfile = getfile
    try:
        yield
    finally:
        inspect.getfile = file_of


with _without_stubs():
    import gradio

from s1core.errors import InvalidSetting  # noqa: E402  # nothing may import gradio before


class GradioChanged(RuntimeError):
    """This version of Gradio has no such private name; the message says what the app needs it for."""


def _need(owner: Any, name: str, use: str) -> Any:
    """Return a private attribute.

    Raises:
        GradioChanged: it is gone.
    """
    if not hasattr(owner, name):
        kind = owner.__name__ if isinstance(owner, type) else type(owner).__name__
        raise GradioChanged(
            f"Gradio {gradio.__version__} has no {kind}.{name}, which is needed to {use}; install the version that "
            "requirements.txt names, or mend app/shell/gradio_compat.py"
        )
    return getattr(owner, name)


def _replace(owner: Any, name: str, value: Any, use: str) -> None:
    """Set a private attribute that is there already; a new name would change nothing in silence."""
    _need(owner, name, use)
    setattr(owner, name, value)


def current_page() -> gradio.Blocks:
    """Return the page that is being laid out."""
    from gradio.context import Context

    page = _need(Context, "root_block", "wire events of the page from inside a tab")
    assert page is not None, "tabs are built inside the page"
    return page


def size(page: gradio.Blocks, *, sessions: int, events_at_once: int) -> None:
    """Set how many sessions Gradio remembers, and how many events it works on at a time.

    `launch` takes both; a page that is mounted into another server has no other way to them.
    """
    _replace(page, "state_session_capacity", sessions, "bound the memory of sessions")
    _replace(page, "max_threads", events_at_once, "work on more than 40 events at once")


class _Messages(OrderedDict[str, Any]):
    """Queues by session, the oldest evicted. What is sent to an evicted session is lost, and nothing else."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, session: str, messages: Any) -> None:
        super().__setitem__(session, messages)
        self.move_to_end(session)
        while len(self) > self._most:
            self.popitem(last=False)

    def __missing__(self, session: str) -> Any:
        """Return a queue that nobody reads; an error would end Gradio's event loop for all sessions."""
        return Queue()


def bound_queue(page: gradio.Blocks, *, unread_sessions: int, poll_s: float) -> None:
    """Bound what Gradio's queue keeps for sessions that do not read, and how often it polls for events.

    Args:
        page: whose queue is set up.
        unread_sessions: sessions whose messages are kept until they are fetched; the oldest are evicted.
        poll_s: seconds between two looks at an empty queue.
    """
    queue = _need(page, "_queue", "bound the event queue")
    use = "bound the messages of sessions that do not read"
    _replace(queue, "pending_messages_per_session", _Messages(unread_sessions), use)
    _replace(queue, "sleep_when_free", poll_s, "poll the event queue less often")


def refuse_files(page: gradio.Blocks) -> None:
    """Let no component fetch an address or copy a file that an input names."""

    def refuse(url_or_file_path: Any) -> NoReturn:
        raise gradio.Error("Neither files nor addresses are taken here; send text.")

    async def refuse_later(url_or_file_path: Any) -> NoReturn:
        refuse(url_or_file_path)

    use = "refuse files and addresses in inputs"
    for block in page.blocks.values():
        _replace(block, "move_resource_to_block_cache", refuse, use)
        _replace(block, "async_move_resource_to_block_cache", refuse_later, use)


def restrict_tools(page: gradio.Blocks, tools: Mapping[str, str], refusal: Exception) -> None:
    """Let the page's MCP server offer these tools alone and make no request of its own.

    Args:
        page: mounted with `mcp_server=True`.
        tools: the endpoint of each tool, by the tool's name.
        refusal: raised where Gradio would call an endpoint over HTTP.

    Raises:
        RuntimeError: Gradio could not start the server.
    """
    server = _need(page, "mcp_server_obj", "offer tools by MCP")
    if server is None:
        raise RuntimeError(_need(page, "mcp_error", "report why MCP failed") or "Gradio started no MCP server")

    def no_client(*_: Any) -> NoReturn:
        raise refusal

    use = "restrict what agents may call"
    _replace(server, "tool_prefix", "", use)
    _replace(server, "tool_to_endpoint", dict(tools), use)
    _replace(server, "_get_or_create_client", no_client, use)
    _name_every_argument(server, tools)


def _name_every_argument(server: Any, tools: Mapping[str, str]) -> None:
    """Have the schemas show all defaults, 0 too, and refuse an unknown argument in words of this app."""
    use = "describe the arguments of tools"
    schema_of, prepare = _need(server, "get_input_schema", use), _need(server, "_prepare_tool_call_args", use)
    endpoints = _need(server, "api_info", use)["named_endpoints"]

    def with_defaults(tool: str, parameters: dict[str, str] | None = None) -> Any:
        schema, files = schema_of(tool, parameters)
        for parameter in endpoints[tools[tool]]["parameters"]:
            if parameter.get("parameter_has_default"):
                schema["properties"][parameter["parameter_name"]]["default"] = parameter["parameter_default"]
        return schema, files

    def checked(tool: str, arguments: dict[str, Any]) -> Any:
        if tool in tools:
            known = schema_of(tool)[0]["properties"]
            if unknown := next((name for name in arguments if name not in known), None):
                raise InvalidSetting(f"{tool} has no argument {unknown[:60]!r}; it takes {', '.join(known)}.")
        return prepare(tool, arguments)

    _replace(server, "get_input_schema", with_defaults, use)
    _replace(server, "_prepare_tool_call_args", checked, use)


def search_matplotlib_once() -> None:
    """Let Gradio's import of matplotlib, twice for all that it sends a page, fail at once where there is none."""
    if "matplotlib" not in sys.modules and find_spec("matplotlib") is None:
        sys.modules["matplotlib"] = None  # type: ignore[assignment]  # how Python notes what cannot be imported


_TEMPLATE = "frontend/index.html"
_SLASH = """<script>
if (!location.pathname.endsWith("/")) location.replace(`${location.pathname}/${location.search}${location.hash}`);
</script>"""
_ROOT = """<script>window.gradio_config.root = new URL(".", location.href).href.replace(/\\/$/, "");</script>"""
_HEAD = "{{ s1_head(request) | safe }}"
_ANYWHERE = (
    ("<head>", f"<head>\n{_SLASH}\n{_HEAD}"),
    ("<script data-gradio-mode>", f"{_ROOT}\n\t\t<script data-gradio-mode>"),
    ("const root = {{ config.get('root', '') | toorjson }};", "const root = window.gradio_config.root;"),
    (
        '<link rel="manifest" href="/manifest.json" />',
        '<link rel="icon" href="./favicon.ico" /><link rel="manifest" href="./manifest.json" />',
    ),
)
"""What stands in the template, and what takes its place."""
_ABOUT = re.compile(r"""<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*""")


def serve_under_any_address(head: Callable[[Any], str] = lambda request: "") -> None:
    """Have the page ask for everything beside its own address, whatever a proxy tells or does not tell this server.

    An address without its last slash, beside which other things lie, is left for the one with it.

    Args:
        head: given a request, returns the markup of title, description and card, which take the place of Gradio's.
    """
    from gradio import routes
    from jinja2 import ChoiceLoader, DictLoader

    use = "serve the page behind proxies"
    environment = _need(_need(routes, "templates", use), "env", use)
    environment.globals["s1_head"] = head
    source = environment.loader.get_source(environment, _TEMPLATE)[0]
    if _SLASH in source:
        return
    if not _ABOUT.search(source):
        raise GradioChanged(
            f"Gradio {gradio.__version__} has no og: tags in {_TEMPLATE}; look where it describes pages"
        )
    source = _ABOUT.sub("", source)
    for before, after in _ANYWHERE:
        if before not in source:
            raise GradioChanged(
                f"Gradio {gradio.__version__} has no {before!r} in {_TEMPLATE}, which is needed to {use}; install the "
                "version that requirements.txt names, or mend app/shell/gradio_compat.py"
            )
        source = source.replace(before, after, 1)
    environment.loader = ChoiceLoader([DictLoader({_TEMPLATE: source}), environment.loader])
