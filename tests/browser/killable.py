"""A playground in a process of its own, which can be killed and started again on the same address."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import uvicorn

from app.build import build_app
from tests.browser.playground import scripted_engines

ROOT = Path(__file__).parents[2]


class KillablePlayground:
    """Scripted engines, as `Playground` serves them."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return once it answers."""
        self._process = subprocess.Popen([sys.executable, "-m", "tests.browser.killable", str(self._port)], cwd=ROOT)
        ends_s = time.monotonic() + 60
        while time.monotonic() < ends_s:
            try:
                if httpx.get(f"{self.url}config", trust_env=False).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise TimeoutError("the server did not start within 60 s")

    def kill(self) -> None:
        """Kill it without warning."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


if __name__ == "__main__":
    uvicorn.run(build_app("paced", engines=scripted_engines()), port=int(sys.argv[1]), log_level="warning")
