"""Starts the process that runs llama.cpp, and ends it.."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
import threading
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from s1core.errors import ModelUnavailable

_CHILD = Path(__file__).with_name("child.py")
"""Needs nothing of this project."""
_KEPT_LINES = 50
_ENDS_WITHIN_S = 10.0
_AN_ERROR = re.compile(r"^\S+ E +(?:[\w ]+: *)?(?P<said>.+)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What llama.cpp is started with."""

    model: str
    adapters: tuple[str, ...]
    """LoRA adapters in GGUF files, all of them in use."""
    context_length: int
    """Tokens of one slot."""
    slots: int
    """Requests that run at once."""
    threads: int
    """Of one operation; -1 leaves it to llama.cpp: one a core."""
    gpu_layers: int
    """Layers on the GPU; -1: all that fit, where the package was built for one."""
    key: str = ""


class LlamaProcess:
    """A running llama.cpp. Ends with `stop`, and by itself when this process ends, however that happens."""

    def __init__(self, settings: Settings) -> None:
        """Start it and wait until the model is loaded.

        Raises:
            ModelUnavailable: it did not start; `reason` of the message is llama.cpp's own.
        """
        self.key = secrets.token_urlsafe(24)
        """Without it no other program of this machine is served."""
        self._log: deque[str] = deque(maxlen=_KEPT_LINES)
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # Ctrl-C in a terminal is for the parent to handle, which then ends this one.
            start_new_session=True,
        )
        assert self._process.stdin and self._process.stdout
        self._reader = threading.Thread(target=self._read_log, name="s1-llamacpp log", daemon=True)
        self._reader.start()
        try:
            self._process.stdin.write(json.dumps(asdict(settings) | {"key": self.key}) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except OSError:  # it ended before it had read its settings
            answer = ""
        found: dict[str, Any] = json.loads(answer) if answer.startswith("{") else {}
        if "url" not in found:
            self.stop()
            raise ModelUnavailable(self.reason or str(found.get("error") or "it ended without a word"))
        self.url: str = found["url"]

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def ends(self, *, within_s: float) -> bool:
        """Whether it is over, or is so within that time: its connections break a moment before it is."""
        try:
            self._process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def reason(self) -> str:
        """The first error that llama.cpp has reported, or how the process ended."""
        self._reader.join(timeout=1.0 if self._process.poll() is not None else 0.0)
        said = (found["said"] for line in self._log if (found := _AN_ERROR.match(line)))
        code = self._process.poll()
        return next(said, "" if code in (None, 0, 1) else f"its process ended with {code}")

    def stop(self) -> None:
        """End it now."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.close()
            self._process.wait(timeout=_ENDS_WITHIN_S)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _read_log(self) -> None:
        assert self._process.stderr
        with self._process.stderr as lines:
            for line in lines:
                self._log.append(line.rstrip())
