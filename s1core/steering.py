"""Steering a run while it goes on: commands from any thread, obeyed by whoever drives the run, between two tokens.

>>> from s1core import Steering, load_engine, stream
>>> steering = Steering()
>>> engine = load_engine("s1-nano")
>>> for event in stream(engine, "How many r in raspberry?", steering=steering):
...     if getattr(event, "source", "") == "model" and not steering.pressed:
...         _ = steering.answer_now()
>>> event.receipt.closed_by
'you'

A command acts on what has been read of the text: tokens that the engine has written beyond that are dropped. Whoever
holds the text (`pause`, `step`) lets the engine write ahead.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future

from s1core.commands import Command, Steered
from s1core.engines.base import Chunk
from s1core.errors import CommandRefused, InvalidSetting
from s1core.run import Run
from s1core.types import Event

MOST_WAITING = 64
"""Commands that wait to be obeyed; a run looks after every token."""
LOOK_EVERY_S = 0.02
"""While the text is held, whoever drives the run looks for commands this often."""


class Steering:
    """Commands to one run. Thread-safe; pressing never blocks."""

    def __init__(
        self,
        *,
        script: Iterable[Steered] = (),
        most_thinking_tokens: int | None = None,
        longest_pause_s: float = math.inf,
    ) -> None:
        """Set up; give it to `stream` or `astream`.

        Args:
            script: commands of a recorded run, to be obeyed again where they were; nobody holds the text then.
            most_thinking_tokens: what the budget may be raised to, at most; None: to what the context allows.
            longest_pause_s: seconds after which a text that is held goes on by itself.
        """
        self.most_thinking_tokens = most_thinking_tokens
        self.pressed = 0
        """Commands so far, the refused ones included."""
        self._longest_pause_s = longest_pause_s
        self._script = deque(script)
        self._waiting: deque[tuple[Command, Future[Steered]]] = deque()
        self._lock = threading.Lock()
        self._begun = self._over = False
        self._held_since_s: float | None = None
        self._steps = 0

    def press(self, command: Command) -> Future[Steered]:
        """Ask for something; the future tells where it was done, or raises `CommandRefused` with the reason."""
        future: Future[Steered] = Future()
        with self._lock:
            self.pressed += 1
            if self._over:
                refusal = "the run is over; start another one"
            elif len(self._waiting) >= MOST_WAITING:
                refusal = f"{MOST_WAITING} commands wait to be obeyed already; press again in a moment"
            else:
                self._waiting.append((command, future))
                return future
        future.set_exception(CommandRefused(refusal))
        return future

    def answer_now(self) -> Future[Steered]:
        """Close the thinking here; the answer follows."""
        return self.press(Command(kind="answer"))

    def wait(self, word: str | None = None, *, at_end: bool = False) -> Future[Steered]:
        """Force a Wait.

        Args:
            word: what is written; None is the run's own wait text.
            at_end: in place of the next end of thinking, not at once. An empty word then ignores that end.
        """
        return self.press(Command(kind="wait", word=word, at_end=at_end))

    def more(self, tokens: int) -> Future[Steered]:
        """Raise the budget."""
        return self.press(Command(kind="more", tokens=tokens))

    def less(self, tokens: int) -> Future[Steered]:
        """Lower the budget; one that is spent by now closes the thinking."""
        return self.press(Command(kind="less", tokens=tokens))

    def pause(self) -> Future[Steered]:
        """Hold the text."""
        return self.press(Command(kind="pause"))

    def step(self, tokens: int = 1) -> Future[Steered]:
        """Show some tokens of a text that is held."""
        return self.press(Command(kind="step", tokens=tokens))

    def resume(self) -> Future[Steered]:
        """Let a text that is held go on."""
        return self.press(Command(kind="resume"))

    # What follows is for whoever drives the run, from one thread.

    def begin(self) -> None:
        """Take a run.

        Raises:
            InvalidSetting: it has one already.
        """
        if self._begun:
            raise InvalidSetting("a Steering steers one run; make another one for the next run")
        self._begun = True

    def act_on(self, run: Run) -> list[Event]:
        """Have the run obey what has been pressed by now; return what happened."""
        events: list[Event] = []
        while self._script and self._until(run) <= 0:
            try:
                events += run.steer(self._script.popleft().command, recorded=True)
            except CommandRefused:
                continue  # this run is another one than the recorded one, and cannot do it
        if self._held_since_s is not None and time.monotonic() - self._held_since_s > self._longest_pause_s:
            self.resume()
        for _ in range(len(self._waiting)):
            command, future = self._waiting.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                done = self._obeyed(run, command)
            except CommandRefused as refusal:
                future.set_exception(refusal)
                continue
            events += done
            future.set_result(next(event for event in done if isinstance(event, Steered)))
        return events

    def admitted(self, run: Run, chunk: Chunk) -> tuple[Chunk | None, Chunk | None]:
        """Return what the run may be fed of a chunk, and what has to wait; nothing, while the text is held."""
        most = self._until(run) if self._script else math.inf
        held = self._held_since_s is not None
        if held:
            most = min(most, self._steps)
        if _steps(chunk) <= most:
            part, rest = chunk, None
        elif most < 1:
            return None, chunk
        else:
            part, rest = chunk.split(int(most))
        if held:
            self._steps -= _steps(part)
        return part, rest

    def end(self) -> None:
        """The run is over: refuse what has not been obeyed, and what is pressed from now on."""
        with self._lock:
            self._over = True
        while self._waiting:
            _, future = self._waiting.popleft()
            if future.set_running_or_notify_cancel():
                future.set_exception(CommandRefused("the run is over; start another one"))

    def _obeyed(self, run: Run, command: Command) -> list[Event]:
        held = self._held_since_s is not None
        match command.kind:
            case "pause" if held:
                raise CommandRefused("the text is held already; step through it or resume")
            case "step" | "resume" if not held:
                raise CommandRefused(f"the text is not held; pause it first to {command.kind}")
            case _:
                events = run.steer(command)
        if command.kind == "pause":
            self._held_since_s, self._steps = time.monotonic(), 0
        elif command.kind == "step":
            self._held_since_s = time.monotonic()
            self._steps += command.tokens
        elif command.kind in ("resume", "answer"):  # who asks for the answer wants to read it
            self._held_since_s = None
        return events

    def _until(self, run: Run) -> float:
        """Return the tokens until the next command of the script."""
        waits, tokens = run.position
        following = self._script[0]
        if following.after_waits != waits:
            return math.inf if following.after_waits > waits else 0
        return following.at_tokens - tokens


def _steps(chunk: Chunk) -> int:
    """Count the tokens of a chunk; its end is a step of its own, since something follows from it."""
    return len(chunk.token_ids) + (chunk.finish is not None)
