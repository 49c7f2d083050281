"""Firefox as Debian ships it, driven by its own protocol (Marionette): Playwright drives only a patched build."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("firefox-esr") or shutil.which("firefox")
_PORT_FILE = "MarionetteActivePort"
_WAIT_S = 60.0


class Firefox:
    """One window with a fresh profile; closed at the end of a `with` block."""

    def __init__(self, profile: Path) -> None:
        """Begin nothing yet; `profile` is an empty folder for its files."""
        self._profile = profile
        (profile / "user.js").write_text('user_pref("marionette.port", 0);\n')
        self._asked = 0

    def __enter__(self) -> Firefox:
        assert PROGRAM
        self._process = subprocess.Popen(
            [PROGRAM, "--headless", "--marionette", "--profile", str(self._profile), "--no-remote"],
            env={**os.environ, "HOME": str(self._profile)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = self._port()
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_WAIT_S)
        self._read()  # it introduces itself
        self.do("NewSession", capabilities={"alwaysMatch": {"timeouts": {"implicit": 20_000}}})
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(_WAIT_S)

    def _port(self) -> int:
        deadline = time.monotonic() + _WAIT_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, "Firefox ended"
            file = self._profile / _PORT_FILE
            if file.exists() and (text := file.read_text().strip()):
                return int(text)
            time.sleep(0.1)
        raise AssertionError(f"Firefox did not listen within {_WAIT_S:.0f} seconds")

    def do(self, command: str, **values: Any) -> Any:
        """Send a WebDriver command and return its value."""
        self._asked += 1
        message = json.dumps([0, self._asked, f"WebDriver:{command}", values]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._read()
        assert error is None, error
        return result.get("value", result) if isinstance(result, dict) else result

    def _read(self) -> Any:
        size = b""
        while not size.endswith(b":"):
            size += self._received(1)
        return json.loads(self._received(int(size[:-1])))

    def _received(self, count: int) -> bytes:
        content = b""
        while len(content) < count:
            part = self._socket.recv(count - len(content))
            assert part, "Firefox closed the connection"
            content += part
        return content

    def find(self, selector: str) -> str:
        """Wait for an element and return its id."""
        (found,) = self.do("FindElement", using="css selector", value=selector).values()
        return found

    def type(self, selector: str, text: str) -> None:
        """Empty a field and type into it."""
        element = self.find(selector)
        self.do("ElementClear", id=element)
        self.do("ElementSendKeys", id=element, text=text)

    def click(self, selector: str) -> None:
        """Click an element; where that leaves the page, the next one has been loaded afterwards."""
        self.do("ElementClick", id=self.find(selector))

    def text(self, selector: str) -> str:
        """Return the visible text of an element."""
        return self.do("GetElementText", id=self.find(selector))
