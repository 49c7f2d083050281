"""A local server that speaks the Messages and Message Batches wire format, with faults on demand."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = dict[str, Any] | str
"""The text of an answer, or the parts of a message that differ from an ordinary one."""


def error(status: int, kind: str, headers: dict[str, str] | None = None) -> Fault:
    return Fault(status=status, kind=kind, headers=headers or {})


@dataclass
class Fault:
    """What a request meets instead of an answer."""

    status: int
    kind: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class FakeClaude:
    """State and behaviour; `url` is where it listens."""

    answer: Callable[[str], Reply] = lambda text: "Yes"
    faults: list[Fault | str] = field(default_factory=list)
    """Met by the next requests that make something, one each; `hang`, `drop` and `made_then_drop` are no HTTP."""
    batch_faults: list[dict[str, Any]] = field(default_factory=list)
    """Results that the next questions of batches get instead of an answer."""
    on_batch: Callable[[str], None] = lambda batch_id: None
    """Called when a batch is made, before its id is told."""
    polls: int = 1
    """How often a batch is still under way when asked for."""
    hang_s: float = 1.0
    output_tokens: int = 20
    key: str = "sk-ant-test"

    def __post_init__(self) -> None:
        self.asked: Counter[str] = Counter()
        """User messages that were answered, live or in batches."""
        self.requests: list[dict[str, Any]] = []
        self.arrived: list[float] = []
        """When each message request arrived, on a clock of its own."""
        self.batches: dict[str, dict[str, Any]] = {}
        self.cached: set[str] = set()
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"fake": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def message(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer one question, as the service would."""
        text = params["messages"][0]["content"]
        with self.lock:
            self.asked[text] += 1
            self.requests.append(params)
            system = json.dumps(params["system"])
            read = system in self.cached
            self.cached.add(system)
        reply = self.answer(text)
        parts = {"content": [{"type": "text", "text": reply}]} if isinstance(reply, str) else reply
        size = len(system) // 3
        usage = {
            "input_tokens": len(text) // 3 + 5,
            "cache_creation_input_tokens": 0 if read else size,
            "cache_read_input_tokens": size if read else 0,
            "output_tokens": self.output_tokens,
        }
        return {
            "id": f"msg_{len(self.requests)}",
            "type": "message",
            "role": "assistant",
            "model": params["model"],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": usage,
            **parts,
        }

    def make_batch(self, requests: list[dict[str, Any]]) -> dict[str, Any]:
        with self.lock:
            batch_id = f"msgbatch_{len(self.batches) + 1:04d}"
            self.batches[batch_id] = {"requests": requests, "polls": self.polls, "results": None, "at": time.time()}
        self.on_batch(batch_id)
        return self.batch(batch_id)

    def batch(self, batch_id: str) -> dict[str, Any]:
        state = self.batches[batch_id]
        ended = state["results"] is not None
        kinds = Counter(r["result"]["type"] for r in state["results"] or [])
        names = ("succeeded", "errored", "canceled", "expired")
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(state["at"]))
        return {
            "id": batch_id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {
                "processing": 0 if ended else len(state["requests"]),
                **{name: kinds[name] for name in names},
            },
            "created_at": when,
            "expires_at": when,
            "ended_at": when if ended else None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{self.url}/v1/messages/batches/{batch_id}/results" if ended else None,
        }

    def poll(self, batch_id: str) -> dict[str, Any]:
        state = self.batches[batch_id]
        if state["polls"] > 0:
            state["polls"] -= 1
        elif state["results"] is None:
            state["results"] = [
                {"custom_id": r["custom_id"], "result": self._result(r["params"])} for r in state["requests"]
            ]
        return self.batch(batch_id)

    def _result(self, params: dict[str, Any]) -> dict[str, Any]:
        if self.batch_faults:
            return self.batch_faults.pop(0)
        return {"type": "succeeded", "message": self.message(params)}


class _Handler(BaseHTTPRequestHandler):
    fake: FakeClaude

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        given = self.headers["x-api-key"] or self.headers["authorization"].removeprefix("Bearer ")
        if given != self.fake.key:
            why = {"type": "authentication_error", "message": f"invalid key {given}"}
            self._send(401, {"type": "error", "error": why})
            return
        if "anthropic-version" not in self.headers:
            self._send(400, {"type": "error", "error": {"type": "invalid_request_error", "message": "no version"}})
            return
        self.fake.arrived.append(time.monotonic())
        fault = self.fake.faults.pop(0) if self.fake.faults else None
        if isinstance(fault, Fault):
            content = {"type": "error", "error": {"type": fault.kind, "message": f"a {fault.kind}"}}
            self._send(fault.status, content, fault.headers)
            return
        if fault == "hang":
            time.sleep(self.fake.hang_s)
        if fault == "drop":
            self.close_connection = True
            self.connection.close()
            return
        made = self.fake.make_batch(body["requests"]) if self.path.endswith("/batches") else self.fake.message(body)
        if fault == "made_then_drop":
            self.connection.close()
            return
        self._send(200, made)

    def do_GET(self) -> None:
        if match := re.fullmatch(r"/v1/messages/batches/(\w+)/results", self.path):
            lines = self.fake.batches[match[1]]["results"]
            # In another order than asked, as the service may do it.
            self._send(200, "".join(json.dumps(line) + "\n" for line in reversed(lines)))
        elif match := re.fullmatch(r"/v1/messages/batches/(\w+)", self.path):
            self._send(200, self.fake.poll(match[1]))
        else:
            newest_first = [self.fake.poll(batch_id) for batch_id in reversed(self.fake.batches)]
            ids = [batch["id"] for batch in newest_first] or [None]
            self._send(200, {"data": newest_first, "has_more": False, "first_id": ids[0], "last_id": ids[-1]})

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        data = (content if isinstance(content, str) else json.dumps(content)).encode()
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            kind = "application/x-jsonl" if isinstance(content, str) else "application/json"
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            pass
