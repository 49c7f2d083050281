"""The process that runs llama.cpp, started by `process.py`. Imports nothing of this project.

It reads its settings as one line of JSON, loads the model with llama.cpp's own server inside, writes one line with the
server's address, and ends when its standard input does, which also happens when its parent is killed.
A process of its own, since llama.cpp ends the process that it runs in when it fails, and takes over its signals.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any, TextIO

HTTP_THREADS = 256
"""Each waits for one request, and one that waits for a slot must not keep the tokenizer from answering."""
PING_S = 10
"""Seconds between signs of life of a stream that has nothing to say."""
ERRORS_ONLY = 1


def parameters(library: Any, settings: Mapping[str, Any]) -> Any:
    """Return llama.cpp's parameters for settings of `process.Settings`."""
    params = library.CommonParams()
    params.model.path = settings["model"]
    params.n_ctx = settings["context_length"] * settings["slots"]
    params.n_parallel = settings["slots"]
    params.n_gpu_layers = settings["gpu_layers"]
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads"]
    params.n_threads_http = HTTP_THREADS
    params.sse_ping_interval = PING_S
    params.api_keys = [settings["key"]]
    params.hostnames, params.port, params.ui = ["127.0.0.1"], 0, False
    params.verbosity = ERRORS_ONLY
    # Names of control tokens become text, so that a stop string is found where the token is sampled.
    params.special = True
    # A slot keeps what it read last, and nothing moves between slots and main memory behind our back.
    params.cache_ram_mib, params.cache_idle_slots, params.ctx_shift = 0, False, False
    # The context is what was asked for, or the load fails and says so.
    params.fit_params = False
    adapters = [library.CommonAdapterLoraInfo() for _ in settings["adapters"]]
    for adapter, path in zip(adapters, settings["adapters"], strict=True):
        adapter.path, adapter.scale = path, 1.0
    params.lora_adapters = adapters
    return params


def main() -> None:
    """Serve until standard input ends."""
    settings: dict[str, Any] = json.loads(sys.stdin.readline())
    # Whatever llama.cpp prints belongs to its log.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        library: Any = importlib.import_module("xllamacpp")
        server = library.Server(parameters(library, settings))
    except Exception as error:
        _say(answers, {"error": str(error) or type(error).__name__})
        raise SystemExit(1) from error
    # llama.cpp has put its own handlers there, which wait for the work at hand.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _say(answers, {"url": server.listening_address})
    sys.stdin.read()
    os._exit(0)  # at once: nobody reads what is still being computed


def _say(answers: TextIO, message: Mapping[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
