"""Servers that are not what they seem: a chat template of their own, long silence; and connections that are closed."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from completions_server import CompletionsServer, hashed_script
from engine_helpers import arun, ask, preset, run

from s1core import Budget, Sampling, solve
from s1core.engines.base import Request
from s1core.engines.http.completions import Completion
from s1core.engines.http.engine import HttpEngine
from s1core.engines.http.introduction import UNKNOWN
from s1core.engines.scripted import ScriptedEngine, byte_codec
from s1core.errors import EngineFailed, ModelUnavailable


class TextServer:
    """Answers by text, as most servers do; counts prompt tokens with so many more of a template."""

    def __init__(self, *, template: int | None = 0, template_in_streams: int | None = None) -> None:
        self.template = template
        """None: usage is not told."""
        self.template_in_streams = template if template_in_streams is None else template_in_streams
        self.codec = byte_codec()
        self.streams = 0
        self.silent = False
        self.comments = 0
        """Signs of life before the first token, half a second apart."""
        self.stopped = threading.Event()


@contextmanager
def serving(server: TextServer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            self.reply({"data": [{"id": "random"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = body["prompt"]
            count = len(prompt) if isinstance(prompt, list) else len(server.codec.encode_template(prompt))
            if body.get("stream"):
                server.streams += 1
                self.stream(body, count)
            else:
                self.reply({"choices": [{"text": "a"}], **self.usage(count, server.template)})

        def usage(self, count: int, template: int | None) -> dict[str, Any]:
            return {} if template is None else {"usage": {"prompt_tokens": count + template}}

        def reply(self, data: Any) -> None:
            text = json.dumps(data).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def stream(self, body: dict[str, Any], count: int) -> None:
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            if server.silent:
                server.stopped.wait(30)
                return
            for _ in range(server.comments):
                self.wfile.write(b": still reading\n\n")
                server.stopped.wait(0.5)
            text = "x" * body["max_tokens"]
            lines = [{"choices": [{"text": text, "finish_reason": "length"}]}]
            lines.append({"choices": [], **self.usage(count, server.template_in_streams)})
            for line in lines:
                self.wfile.write(f"data: {json.dumps(line)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        server.stopped.set()
        http.shutdown()
        http.server_close()


def notes(engine: HttpEngine) -> str:
    return "; ".join(solve(engine, "abc", Budget(max_thinking_tokens=8)).receipt.unsupported)


@pytest.mark.parametrize("template", [3, 9, 40])
def test_a_server_with_a_template_of_its_own_is_refused(qwen2_folder: Path, template: int) -> None:
    with serving(TextServer(template=template)) as url, pytest.raises(ModelUnavailable) as raised:
        HttpEngine.load(preset(qwen2_folder), url=url)
    assert f"chat template of its own (it read {1 + template} tokens where 1 was sent)" in str(raised.value)


@pytest.mark.parametrize("start", [0, 1, 2])
def test_a_server_that_takes_prompts_as_they_are_is_used(qwen2_folder: Path, start: int) -> None:
    with serving(TextServer(template=start)) as url:
        assert "prompt" not in notes(HttpEngine.load(preset(qwen2_folder), url=url))


def test_a_server_that_does_not_say_what_it_read_is_noted(qwen2_folder: Path) -> None:
    with serving(TextServer(template=None)) as url:
        assert UNKNOWN in notes(HttpEngine.load(preset(qwen2_folder), url=url))


def test_a_template_that_shows_in_streams_is_noted(qwen2_folder: Path) -> None:
    with serving(TextServer(template=None, template_in_streams=30)) as url:
        assert "read more than it was sent" in notes(HttpEngine.load(preset(qwen2_folder), url=url))


def test_a_silent_server_is_asked_once_and_named(qwen2_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S1_TIMEOUT_S", "0.5")
    server = TextServer()
    server.silent = True
    with serving(server) as url:
        engine = HttpEngine.load(preset(qwen2_folder), url=url)
        with pytest.raises(EngineFailed, match=r"said nothing for 0.5 seconds; .* S1_TIMEOUT_S"):
            run(engine, ask((97,), 4))
        with pytest.raises(EngineFailed, match="said nothing for 0.5 seconds"):
            asyncio.run(arun(engine, ask((97,), 4)))
    assert server.streams == 2


def test_another_server_goes_on_where_one_is_silent(qwen2_folder: Path) -> None:
    silent, other = TextServer(), TextServer()
    silent.silent = True
    with serving(silent) as url, serving(other) as second:
        engine = HttpEngine.load(preset(qwen2_folder), url=[url, second], timeout_s=0.5)
        answers = [run(engine, ask((97 + n,), 4)).ids for n in range(3)]
    assert [len(ids) for ids in answers] == [4] * 3
    assert silent.streams <= 1


def test_comment_lines_are_a_sign_of_life(qwen2_folder: Path) -> None:
    server = TextServer()
    server.comments = 6
    with serving(server) as url:
        engine = HttpEngine.load(preset(qwen2_folder), url=url, timeout_s=2.0)
        assert len(run(engine, ask((97,), 4)).ids) == 4
        assert len(asyncio.run(arun(engine, ask((97,), 4))).ids) == 4
    assert server.streams == 2


def test_a_client_is_closed_with_its_event_loop(qwen2_folder: Path) -> None:
    with CompletionsServer(ScriptedEngine(hashed_script)) as server:
        engine = HttpEngine.load(preset(qwen2_folder), url=server.url)
        clients: list[httpx.AsyncClient] = []

        async def several() -> None:
            await asyncio.gather(*(arun(engine, ask((97, n), 5)) for n in range(4)))
            clients.append(await engine._aclient())
            assert await engine._aclient() is clients[-1]
            assert not clients[-1].is_closed

        asyncio.run(several())
        asyncio.run(several())
        assert clients[0] is not clients[1]
        assert all(client.is_closed for client in clients)


async def test_closing_the_engine_closes_the_clients(qwen2_folder: Path) -> None:
    with CompletionsServer(ScriptedEngine(hashed_script)) as server:
        engine = HttpEngine.load(preset(qwen2_folder), url=server.url)
        await arun(engine, ask((97,), 5))
        client = await engine._aclient()
        engine.close()
        for _ in range(100):
            await asyncio.sleep(0)
        assert client.is_closed
        with pytest.raises(EngineFailed, match="closed"):
            await arun(engine, ask((97,), 5))


@pytest.mark.parametrize("asynchronous", [False, True])
def test_closing_the_engine_fails_what_runs(qwen2_folder: Path, asynchronous: bool) -> None:
    server = TextServer()
    server.comments = 1000
    with serving(server) as url:
        engine = HttpEngine.load(preset(qwen2_folder), url=url)
        threading.Timer(0.3, engine.close).start()
        with pytest.raises(EngineFailed, match="closed"):
            if asynchronous:
                asyncio.run(arun(engine, ask((97,), 5)))
            else:
                run(engine, ask((97,), 5))


def test_filters_are_sent_where_they_are_asked_for() -> None:
    def body(**asked: Any) -> dict[str, Any]:
        sampling = Sampling(temperature=0.6, **asked)
        return Completion(
            Request(prompt_ids=(97,), max_tokens=4, sampling=sampling), byte_codec(), "m", takes_ids=True
        ).body()

    plain = body()
    assert plain["top_p"] == 1.0 and not {"top_k", "min_p"} & set(plain)
    asked = body(top_p=0.95, top_k=20, min_p=0.05, question_id="q7")
    assert (asked["top_p"], asked["top_k"], asked["min_p"]) == (0.95, 20, 0.05)
    assert asked["seed"] != plain["seed"]


def test_receipts_say_that_filters_are_passed_on(qwen2_folder: Path) -> None:
    with CompletionsServer(ScriptedEngine(hashed_script)) as server:
        engine = HttpEngine.load(preset(qwen2_folder), url=server.url)
        trace = solve(engine, "abc", Budget(max_thinking_tokens=8), Sampling(temperature=0.6, top_p=0.95, top_k=20))
    assert "top_p, top_k, min_p: passed on, not checked" in trace.receipt.unsupported
    assert trace.receipt.drawn == "temperature 0.6, top_p 0.95, top_k 20, seed 0"
