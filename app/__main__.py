"""`python -m app`: open the playground."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import logging
import socket
import sys
from typing import Any

from app.access.limits import go_public
from app.access.sign_in import Credentials, take_credentials
from app.api.budgets import read_efforts
from app.api.tools import MCP_PATH, require_mcp
from app.models import zerogpu
from s1core import S1Error
from s1core.engines import ENGINES
from s1core.engines.http.pool import checked_url
from s1core.errors import InvalidSetting
from s1core.models import PRESETS, resolve
from s1core.weights import default_model

SHUTDOWN_S = 1
"""Open pages hold a stream; they get this long before the server leaves."""
_M_ARENA_MAX = -8
"""Of glibc's `malloc.h`."""


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="Open the s1 playground: give a model a thinking budget, force it to Wait, and watch the answer.",
        epilog="Examples:\n"
        "  python -m app                          the bundled s1-135M, on the CPU\n"
        "  python -m app --model s1.1-1.5B        a model from the hub, if this machine can hold it\n"
        "  python -m app --host 0.0.0.0           let others on the network in\n"
        "  python -m app --host 0.0.0.0 --public  public: no jobs, and limits for every visitor\n\n"
        f"Known models: {', '.join(PRESETS)}; a local folder or a hub id works too.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=7860, help="port to listen on (default: %(default)s)")
    parser.add_argument(
        "--model", help=f"model that is chosen at first (default: the first one of --endpoint, else {default_model()})"
    )
    parser.add_argument("--engine", choices=ENGINES, help="what runs the models (default: what fits)")
    parser.add_argument(
        "--endpoint",
        action="append",
        default=[],
        metavar="URL",
        help="server whose models the page offers: llama.cpp, Ollama, LM Studio, SGLang, vLLM; may be given several times",
    )
    parser.add_argument("--served-model", metavar="NAME", help="what the endpoint calls the model that --model names")
    parser.add_argument(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="silence after which that server counts as failed (default: 60)",
    )
    parser.add_argument(
        "--effort",
        action="append",
        default=[],
        metavar="LEVEL=TOKENS",
        help="thinking tokens of a reasoning_effort in /v1, such as low=512 (docs/api.md)",
    )
    parser.add_argument("--public", action="store_true", help="limit visitors, as on a Space (docs/security.md)")
    parser.add_argument("--auth", action="store_true", help="let the owner sign in, by S1_AUTH=user:password")
    parser.add_argument("--mcp", action="store_true", help="offer solve, sweep and probe to agents (docs/api.md)")
    return parser.parse_args(argv)


def listen(host: str, port: int) -> socket.socket:
    """Take the port now, so that a port in use is known before anything is loaded.

    Raises:
        OSError: it is taken, or not allowed, or the host is not this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, and not left to be the default: asyncio sends without delay only where it reads this protocol.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        taken.listen(2048)
    except (OSError, OverflowError):
        taken.close()
        raise
    return taken


def main(argv: list[str] | None = None) -> int:
    """Run the server until it is interrupted; return the exit status."""
    asked = parse(argv)
    if asked.public:
        go_public()
    try:
        owner = credentials(asked.auth)
        if asked.model is not None:
            resolve(asked.model)
        asked.endpoint = [checked_url(url) for given in asked.endpoint for url in given.split(",")]
        asked.efforts = read_efforts(asked.effort)
        if asked.mcp:
            require_mcp()
        bound = listen(asked.host, asked.port)
    except S1Error as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"cannot listen on {asked.host}:{asked.port} ({reason}); choose another one with --port", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    serve(asked, bound, owner)
    return 0


def credentials(wanted: bool) -> Credentials | None:
    """Return what the owner signs in with. It leaves the environment in any case, so that no job inherits it.

    Raises:
        InvalidSetting: it is wanted, and not there.
    """
    found = take_credentials()
    if wanted and found is None:
        raise InvalidSetting("--auth needs the environment variable S1_AUTH=user:password; set it and start again")
    return found if wanted else None


def share_heaps() -> None:
    """Have the many threads of a server take memory from two heaps, as glibc can.

    By default each of up to eight a core keeps what it freed to itself; over hours that looks like a leak.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def serve(asked: argparse.Namespace, bound: socket.socket, owner: Credentials | None = None) -> None:
    """Serve on a bound socket until the process gets a signal to stop."""
    share_heaps()
    # Imported late: the command line answers at once, and errors of use need no server.
    import uvicorn

    from app.build import build_app
    from app.models.served import served_models

    served = served_models(asked.endpoint)
    options: dict[str, Any] = {"engine": asked.engine}
    if asked.endpoint and asked.model is not None and asked.model not in served:
        options = {"engine": "http", "url": asked.endpoint, "served_model": asked.served_model}
    model = asked.model or next(iter(served), default_model())
    app = build_app(model, served=served, owner=owner, mcp=asked.mcp, efforts=asked.efforts, **options)
    zerogpu.announce()
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=SHUTDOWN_S)
    host, port = bound.getsockname()[:2]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
    print(f"s1 playground: {address}  (Ctrl-C stops it)", flush=True)
    if asked.mcp:
        print(f"tools for agents: {address}{MCP_PATH}", flush=True)
    uvicorn.Server(config).run(sockets=[bound])


if __name__ == "__main__":
    sys.exit(main())
