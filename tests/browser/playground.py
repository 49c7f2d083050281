"""The real server around scripted engines, in a thread, so that tests can look at the engines while a page is open."""

from __future__ import annotations

import asyncio
import math
import socket
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import uvicorn

from app.access.limits import PUBLIC_VARIABLE
from app.access.sign_in import Credentials
from s1core.engines.base import Capabilities, Chunk, Request
from s1core.engines.scripted import Script, ScriptedEngine, byte_codec

LETTERS = "First look: 2.\n"
CHECK = ", let me check. r1 a1 s1 p1 b1 e1 r2 r3 y3. So 3.\n"
HOSTILE = (
    "<img src=x onerror=\"document.title='pwned'\"> ${document.title='pwned'} {{value}} "
    "<script>document.title='pwned'</script> \\boxed{<b>7</b>} \ue001Wait"
)
LONG = "".join(f"Step {n}: carry on with the next one, and then the one after it.\n" for n in range(400))


def think(text: str, _request: int) -> str:
    """First a quick look; after a Wait a check; then the answer."""
    thinking, _, answer = text.rpartition("<|im_start|>think")[2].partition("<|im_start|>answer")
    if answer or "<|im_start|>answer" in text:
        return (" 3" if "So 3" in thinking else " 2") if "Final" in answer else "\nFinal Answer: 3<|im_end|>"
    if thinking.endswith("Wait"):
        return CHECK + "<|im_start|>"
    return LETTERS + "<|im_start|>"


def hostile(text: str, _request: int) -> str:
    """Everything that a page might be tempted to execute."""
    return f"\nFinal Answer: {HOSTILE}<|im_end|>" if "<|im_start|>answer" in text else HOSTILE + "<|im_start|>"


def natural(text: str, _request: int) -> str:
    """A model that says Wait of its own accord."""
    return "\nFinal Answer: 3<|im_end|>" if "<|im_start|>answer" in text else "It is 2. Wait, no: 3.<|im_start|>"


def endless(text: str, _request: int) -> str:
    """More thinking than any budget here allows."""
    return " 42<|im_end|>" if "<|im_start|>answer" in text else LONG


def echo(text: str, _request: int) -> str:
    """Repeat the question, so that a text on the wrong page would be seen."""
    question = text.partition("<|im_start|>user\n")[2].partition("<|im_end|>")[0]
    return " done<|im_end|>" if "<|im_start|>answer" in text else (question + " ") * 200


class PacedEngine(ScriptedEngine):
    """A scripted engine that takes its time over every token, and may break on the way."""

    def __init__(
        self,
        script: Script,
        *,
        delay_s: float = 0.0,
        forced_delay_s: float = 0.0,
        breaks_after: int | None = None,
        sure: float | None = None,
        context_length: int = 4096,
    ) -> None:
        """Make an engine.

        Args:
            script: what it says.
            delay_s: before every token.
            forced_delay_s: before every token of an answer after a forced close; of a probe, for instance.
            breaks_after: chunks of one request.
            sure: the probability of every token, as the engine tells it; None: it tells none.
            context_length: in tokens.
        """
        super().__init__(script, codec=byte_codec(), context_length=context_length, default_answer_tokens=256)
        self._delay_s, self._forced_delay_s, self._breaks_after = delay_s, forced_delay_s, breaks_after
        self._logprob = None if sure is None else math.log(sure)
        self.capabilities = Capabilities(logprobs="unsupported" if sure is None else "enforced")

    async def agenerate(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Stream the script, one token every `delay_s`."""
        self.requests.append(request)
        self.running += 1
        forced = self.codec.decode(request.prompt_ids).endswith("Final Answer:")
        try:
            for count, chunk in enumerate(self._chunks(request)):
                if count == self._breaks_after:
                    raise RuntimeError("out of memory, say")
                await asyncio.sleep(self._forced_delay_s if forced and self._forced_delay_s else self._delay_s)
                told = () if self._logprob is None else (self._logprob,) * len(chunk.token_ids)
                yield replace(chunk, logprobs=told)
        finally:
            self.running -= 1


def scripted_engines() -> dict[str, PacedEngine]:
    """One engine for every kind of behaviour that the tests need."""
    engines = {
        "paced": PacedEngine(think, delay_s=0.004),
        "hostile": PacedEngine(hostile),
        "natural": PacedEngine(natural),
        "endless": PacedEngine(endless, delay_s=0.004, context_length=32_768),
        "echo": PacedEngine(echo, delay_s=0.004),
        "breaks": PacedEngine(think, delay_s=0.004, breaks_after=9),
        "tiny": PacedEngine(think, context_length=400),
        "sure": PacedEngine(think, delay_s=0.001, sure=0.75),
        "slow probes": PacedEngine(think, delay_s=0.001, forced_delay_s=0.25),
    }
    for name, engine in engines.items():
        engine.model = name
    return engines


class Playground:
    """A server on a free port, stopped at the end of a `with` block."""

    def __init__(
        self, model: str, engines: dict[str, PacedEngine] | None = None, *, app: Any = None, **options: Any
    ) -> None:
        """Build the whole application around the engines, unless a part of it is given."""
        self.engines = engines or {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        if app is None:
            # Imported late: Gradio takes a while, and a part of the application may do without.
            from app.build import build_app

            app = build_app(model, engines=self.engines, **options)
        config = uvicorn.Config(
            app,
            log_level="warning",
            timeout_graceful_shutdown=1,
            lifespan="on",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Playground:
        self._thread.start()
        deadline = time.monotonic() + 30
        while not self._server.started:
            if time.monotonic() > deadline:
                raise TimeoutError("the server did not start within 30 s")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()


@contextmanager
def owned(user: str, password: str) -> Iterator[Playground]:
    """A public playground with an owner, as on a machine that is no Space."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SPACE_ID", "S1_OWNER", "SPACE_AUTHOR_NAME"):
            patch.delenv(name, raising=False)
        patch.setenv(PUBLIC_VARIABLE, "1")
        with Playground("paced", scripted_engines(), owner=Credentials(user=user, password=password)) as playground:
            yield playground
