"""A real nginx in front of a playground, where one is installed."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAM = shutil.which("nginx") or next((str(p) for p in [Path("/usr/sbin/nginx")] if p.exists()), None)
DOCS = Path(__file__).parents[2] / "docs" / "proxy.md"
_ALL = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off; server_tokens off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; {locations} }}
}}
"""


def documented(language: str) -> str:
    """Return the example of the docs."""
    found = re.search(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"docs/proxy.md has an example for {language}"
    return found[1]


class Nginx:
    """Serves on a free port; stopped at the end of a `with` block."""

    def __init__(self, folder: Path, upstream: str, *more: str) -> None:
        """Write its configuration: the documented locations, and more of them.

        Args:
            folder: for its files.
            upstream: `host:port` of the playground.
            more: locations in nginx's language, with 127.0.0.1:7860 for the playground.
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        locations = "\n".join((documented("nginx"), *more)).replace("127.0.0.1:7860", upstream)
        self._folder, self._file = folder, folder / "nginx.conf"
        self._file.write_text(_ALL.format(folder=folder, port=self.port, locations=locations))

    def __enter__(self) -> Nginx:
        assert PROGRAM
        self._process = subprocess.Popen(
            [PROGRAM, "-p", str(self._folder), "-c", str(self._file)], stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                assert self._process.poll() is None and time.monotonic() < deadline, (
                    self._folder / "error.log"
                ).read_text()
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        if self._process.stderr:
            self._process.stderr.close()
