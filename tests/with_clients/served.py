"""A real server of the app on s1-nano, in the app's own environment, for clients that live in another one."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
APP_PYTHON = os.environ.get("S1_APP_PYTHON", str(ROOT / ".venv/bin/python"))
STARTS_WITHIN_S = 600


@contextlib.contextmanager
def served(*words: str) -> Iterator[str]:
    """Serve for the length of a block; yields the address, without a slash at its end."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [APP_PYTHON, "-m", "app", "--port", str(port), *words],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        try:
            if not _is_ready(url, process):
                log.seek(0)
                raise RuntimeError(f"the server did not start: {log.read().decode(errors='replace')[-2000:]}")
            yield url
        finally:
            process.terminate()
            process.wait(30)


def _is_ready(url: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/v1/models/s1-nano") as answer:
            if json.load(answer)["state"] == "ready":
                return True
        time.sleep(0.2)
    return False


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
