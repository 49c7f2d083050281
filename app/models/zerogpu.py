"""A Space on ZeroGPU: the GPU is lent for seconds at a time, to another process, which a decorated function runs in.

There `hold` loads the model and serves whatever is asked while it has the GPU; here `ZeroGpuEngine` is an engine like
others, which borrows the GPU when something is asked and gives it back when nothing is. So all visitors of a moment
decode together, and a run with its Waits and probes borrows once.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from s1core import load_engine
from s1core.engines.base import Capabilities, Chunk, Engine, Request
from s1core.engines.hf.token_stream import AsyncTokenStream, SyncTokenStream, TokenStream
from s1core.errors import EngineFailed
from s1core.models import ModelPreset
from s1core.thinking import thinking_format

VARIABLE = "SPACES_ZERO_GPU"
"""Set by the platform."""
LOAD_S, TOKENS_PER_S, MOST_S = 20.0, 40.0, 120.0
"""Of a loan: for loading a model, how fast that decodes at least, and the longest. Short ones are granted sooner."""
ENOUGH_S = 30.0
"""Left of a loan, for a request that may take longer; most end early."""
IDLE_S = 2.0
"""A loan ends when nothing has been asked for so long; a run's own requests follow each other much faster."""
AT_ONCE = 64
_ENDED = "The GPU was lent for {seconds:.0f} s, and they are over; ask for a smaller budget, or try again."
_log = logging.getLogger(__name__)


def is_here() -> bool:
    """Whether this is a Space on ZeroGPU."""
    return os.environ.get(VARIABLE, "").lower() in ("1", "t", "true") and find_spec("spaces") is not None


def prepare() -> None:
    """Let the platform's package look at torch before anybody else does; nothing where this is not ZeroGPU."""
    if is_here():
        import spaces  # type: ignore[import-not-found] # noqa: F401


def announce() -> None:
    """Tell the platform that the app is ready, and what it will borrow the GPU for."""
    if is_here():
        import spaces.zero  # type: ignore[import-not-found]

        borrow()
        # Gradio's `launch` would do so; this app is served without it.
        spaces.zero.startup()


@cache
def borrow() -> Callable[[str, str, float], None]:
    """Return `hold`, decorated: to call it is to borrow the GPU."""
    import spaces  # type: ignore[import-not-found]

    return spaces.GPU(duration=_duration_s)(hold)


def seconds_for(request: Request) -> float:
    """How long a loan must be that begins with this request."""
    return min(MOST_S, LOAD_S + request.max_tokens / TOKENS_PER_S)


def _duration_s(_model: str, _address: str, seconds: float) -> float:
    return seconds


_held: dict[str, Engine] = {}
"""The model of a process that has the GPU; it may be lent to the same process again."""


def hold(model: str, address: str, _seconds: float) -> None:
    """Serve what is asked at `address` until nothing more is. Runs in the process that has the GPU.

    Raises:
        S1Error: the model cannot be loaded.
    """
    if model not in _held:
        for other in _held.values():
            other.close()
        _held.clear()
        _held[model] = load_engine(model, engine="transformers")
    engine = _held[model]
    with socket.socket(socket.AF_UNIX) as dialled, ThreadPoolExecutor(AT_ONCE) as threads:
        dialled.connect(address)
        line, lock, dropped = Connection(os.dup(dialled.fileno())), threading.Lock(), set[int]()

        def answer(number: int, request: Request) -> None:
            for said in _said(engine, request):
                if number in dropped:
                    return
                with lock:
                    line.send((number, said))

        with line:
            while (asked := _received(line)) is not None:
                number, request = asked
                if request is None:
                    dropped.add(number)
                else:
                    threads.submit(answer, number, request)


def _said(engine: Engine, request: Request) -> Generator[Chunk | str, None, None]:
    """Yield the chunks; last a sentence, if it fails."""
    try:
        yield from engine.generate(request)
    except Exception as error:
        yield str(error)


def _received(line: Connection) -> Any:
    """Return the next message; None at the end, however it comes about."""
    try:
        return line.recv()
    except (EOFError, OSError):
        return None


class Loan:
    """One stay of the GPU, and what is asked during it."""

    def __init__(
        self, model: str, hold: Callable[[str, str, float], None], first: Request, stream: TokenStream
    ) -> None:
        """Borrow the GPU for a first request, whose number is 0."""
        self._seconds = seconds = seconds_for(first)
        self._ends_s = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._asked: dict[int, tuple[Request, TokenStream]] = {0: (first, stream)}
        self._line: Connection | None = None
        self._over = False
        self._timer: threading.Timer | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="s1-gpu-"))  # nobody else can enter it
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._folder / "line"))
        self._listener.listen(1)
        self._listener.settimeout(0.2)
        threading.Thread(target=self._listen, daemon=True, name=f"gpu for {model}").start()
        # In the visitor's own context, by which the platform knows whose seconds these are.
        words = (hold, model, str(self._folder / "line"), seconds)
        threading.Thread(target=copy_context().run, args=(self._run, *words), daemon=True).start()

    def take(self, request: Request, stream: TokenStream) -> int | None:
        """Add a request, if there is time for it; return its number."""
        with self._lock:
            needed_s = min(ENOUGH_S, request.max_tokens / TOKENS_PER_S)
            if self._over or time.monotonic() + needed_s > self._ends_s or len(self._asked) >= AT_ONCE:
                return None
            self._keep_awake()
            number = next(self._numbers)
            self._asked[number] = (request, stream)
            self._send((number, request))
            return number

    def drop(self, number: int) -> None:
        """Forget a request that has ended, or whose reader has gone."""
        with self._lock:
            unfinished = self._asked.pop(number, None)
            if unfinished:
                self._send((number, None))
            self._rest_soon()

    def _send(self, message: Any) -> None:
        if self._line:
            with contextlib.suppress(OSError):  # whoever has gone is noticed where `hold` returns
                self._line.send(message)

    def _keep_awake(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _rest_soon(self) -> None:
        if not self._asked and not self._over:
            self._keep_awake()
            self._timer = threading.Timer(IDLE_S, self._rest)
            self._timer.daemon = True
            self._timer.start()

    def _rest(self) -> None:
        with self._lock:
            if not self._asked and not self._over:
                self._over = True
                self._send(None)

    def _run(self, hold: Callable[[str, str, float], None], *words: Any) -> None:
        why = _ENDED.format(seconds=self._seconds)
        try:
            hold(*words)
        except Exception as error:
            # The platform says here that a quota is used up, or that the time is over.
            _log.warning("the GPU was not lent, or taken back", exc_info=error)
            why = f"The GPU was not lent ({getattr(error, 'message', None) or error})."
        with self._lock:
            self._over = True
            left, self._asked = self._asked, {}
        for _, stream in left.values():
            stream.put(EngineFailed(why))
        shutil.rmtree(self._folder, ignore_errors=True)

    def _listen(self) -> None:
        with self._listener:
            while True:
                try:
                    dialled, _ = self._listener.accept()
                    break
                except TimeoutError:
                    if self._over:
                        return
        with Connection(dialled.detach()) as line:
            with self._lock:
                self._line = line
                for number, (request, _) in self._asked.items():
                    self._send((number, request))
                if self._over:
                    self._send(None)
            while (received := _received(line)) is not None:
                self._deliver(*received)
            with self._lock:
                self._over, self._line = True, None

    def _deliver(self, number: int, said: Chunk | str) -> None:
        with self._lock:
            _, stream = self._asked.get(number, (None, None))
            if isinstance(said, str) or said.finish is not None:
                self._asked.pop(number, None)
                self._rest_soon()
        if stream:
            stream.put(EngineFailed(said) if isinstance(said, str) else said)


class ZeroGpuEngine:
    """An engine whose model is loaded where the GPU is, and only while it is lent."""

    name = "transformers"
    capabilities = Capabilities(logprobs="enforced", exact_sweeps="emulated")

    def __init__(self, preset: ModelPreset, source: str | None = None) -> None:
        """Load what is needed here, the tokenizer.

        Args:
            preset: the model.
            source: the model for `load_engine` there; by default the preset's name.

        Raises:
            UnknownModel, ModelUnavailable: as `load_engine`.
        """
        from s1core.engines.hf import loading  # late: it imports torch, which the platform's package wants to see first

        self.model = preset.name
        self._source = source or preset.name
        self.codec, own_length = loading.load_codec(preset)
        self.format = self.codec.fit(thinking_format(preset.format))
        known = [length for length in (preset.context_length, own_length) if length]
        self.context_length = min(known) if known else loading.DEFAULT_CONTEXT
        self.default_answer_tokens = preset.answer_tokens(self.context_length)
        self._lock = threading.Lock()
        self._loan: Loan | None = None

    def generate(self, request: Request) -> Generator[Chunk, None, None]:
        """Stream the continuation of one request."""
        stream = SyncTokenStream()
        loan, number = self._begin(request, stream)
        try:
            while True:
                chunk = stream.get()
                yield chunk
                if chunk.finish is not None:
                    return
        finally:
            loan.drop(number)

    async def agenerate(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Stream the continuation of one request on the caller's event loop."""
        stream = AsyncTokenStream()
        loan, number = self._begin(request, stream)
        try:
            while True:
                chunk = await stream.get()
                yield chunk
                if chunk.finish is not None:
                    return
        finally:
            loan.drop(number)

    def close(self) -> None:
        """Nothing is held between loans."""

    def _begin(self, request: Request, stream: TokenStream) -> tuple[Loan, int]:
        with self._lock:
            if self._loan and (number := self._loan.take(request, stream)) is not None:
                return self._loan, number
            self._loan = Loan(self._source, borrow(), request, stream)
            return self._loan, 0
