"""A `/v1/completions` server over an engine, in vLLM's wire format, with faults on demand.

Run as a program it serves `hashed_script` in a process of its own, which a test can kill.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from s1core.engines.base import Engine, Request
from s1core.engines.scripted import ScriptedEngine


class CompletionsServer:
    """Listens on loopback while its context lasts."""

    def __init__(
        self, engine: Engine, *, ids: bool = True, die_after: int | None = None, refuse: int = 0, port: int = 0
    ) -> None:
        self.engine = engine
        self.ids = ids
        self.die_after = die_after
        """Tokens of a stream after which the connection breaks."""
        self.refuse = refuse
        """How many streams are answered by 503 first."""
        self.stall_after: int | None = None
        """Tokens of all streams together after which every stream hangs; the first one says so on standard output."""
        self.pauses: tuple[float, ...] = ()
        """Seconds of silence before the first token of a stream, one after another."""
        self.comments = True
        """A comment line ends each of them."""
        self.well = True
        """What it says when it is asked for its health."""
        self.key: str | None = None
        self.cached: int | None = None
        """Prompt tokens that it says were in its cache."""
        self.streams = 0
        self.sampled = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                if self.path == "/health":
                    self.reply(200 if server.well else 503, {})
                    return
                self.reply(200, {"data": [{"id": "random", "max_model_len": server.engine.context_length}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if server.key and self.headers.get("Authorization") != f"Bearer {server.key}":
                    self.reply(401, {"error": {"message": "wrong key"}})
                elif not body.get("stream"):
                    known = server.ids and isinstance(body["prompt"], list)
                    choice = {"text": "a", **({"token_ids": [97]} if known else {})}
                    self.reply(200 if known else 400, {"choices": [choice]})
                elif server.refuse > 0:
                    server.refuse -= 1
                    self.reply(503, {"error": {"message": "busy"}})
                else:
                    server.streams += 1
                    self.stream(body)

            def reply(self, status: int, data: Any) -> None:
                text = json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def stream(self, body: dict[str, Any]) -> None:
                self.send_response(200)
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                codec = server.engine.codec
                prompt = body["prompt"] if server.ids else codec.encode_template(body["prompt"])
                named = [i for s in body.get("stop", []) if (i := codec.single_id(s)) is not None]
                stops: list[int] = body.get("stop_token_ids") or named
                request = Request(
                    prompt_ids=tuple(prompt),
                    max_tokens=body["max_tokens"],
                    stop_ids=frozenset(stops),
                    forbid_first=frozenset(int(i) for i in body.get("logit_bias", {})),
                )
                for pause_s in server.pauses:
                    time.sleep(pause_s)
                    self.wfile.write(b": still here\n\n" if server.comments else b"")
                    self.wfile.flush()
                sent = 0
                for chunk in server.engine.generate(request):
                    ids = [*chunk.token_ids, *([chunk.stop_id] if chunk.stop_id is not None else [])]
                    sent += len(chunk.token_ids)
                    server.sampled += len(chunk.token_ids)
                    if server.die_after is not None and sent > server.die_after:
                        return
                    if server.stall_after is not None and server.sampled > server.stall_after:
                        sys.stdout.write("stalled\n")
                        sys.stdout.flush()
                        threading.Event().wait()
                    choice: dict[str, Any] = {"text": codec.decode(chunk.token_ids), "finish_reason": chunk.finish}
                    choice |= {"token_ids": ids} if server.ids else {}
                    self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
                    self.wfile.flush()
                usage = {"usage": {"prompt_tokens_details": {"cached_tokens": server.cached}}, "choices": []}
                self.wfile.write(f"data: {json.dumps(usage)}\n\n".encode())
                self.wfile.write(b"data: [DONE]\n\n")

        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> CompletionsServer:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()


def hashed_script(text: str, _request: int) -> str:
    """Write on like a model does: what comes next depends on all of the text, wherever it was broken off."""
    end = "<|im_end|>" if "<|im_start|>answer" in text else "<|im_start|>"
    written = ""
    while True:
        byte = hashlib.sha256((text + written).encode()).digest()[0]
        if byte < 8:
            return written + end
        written += chr(97 + byte % 26)


def main() -> None:
    """Serve until killed: `completions_server.py TOKENS` hangs after that many."""
    with CompletionsServer(ScriptedEngine(hashed_script)) as server:
        server.stall_after = int(sys.argv[1])
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
