"""Commands to the runs of a reply that streams, by the id that all of its chunks have.

Nobody but who reads the stream knows the id. A command waits until the run has obeyed it, which takes a token.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from app.access.limits import new_steering
from app.api.fields import BadRequest, shortened, shown, text, truth, whole, without_nulls
from app.api.openai_schema import MOST_CHOICES
from s1core import S1Error, Steering
from s1core.commands import COUNTED, KINDS, MOST_WORD_CHARACTERS, Command, Steered
from s1core.errors import CommandRefused

LONGEST_S = 10.0
"""After so long without a token the command is left waiting for one."""
LOOK_EVERY_S = 0.01
FIELDS = ("command", "tokens", "word", "at_end", "choice")


class NoSuchStream(S1Error, LookupError):
    """No reply with this id streams here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SteerRequest:
    """A valid request."""

    command: Command
    choice: int | None
    """Which of several answers; None: all of them."""


class Streams:
    """Replies that stream now, by their ids. For one event loop."""

    def __init__(self) -> None:
        """Start with none."""
        self._steerings: dict[str, list[Steering]] = {}

    @contextlib.contextmanager
    def opened(self, stream_id: str, choices: int) -> Iterator[list[Steering]]:
        """Keep a reply findable while the block runs; yields what steers each of its runs."""
        steerings = [new_steering() for _ in range(choices)]
        self._steerings[stream_id] = steerings
        try:
            yield steerings
        finally:
            del self._steerings[stream_id]

    async def steer(self, stream_id: str, asked: SteerRequest) -> tuple[int, dict[str, Any]]:
        """Have the runs of a reply obey; return the status and what became of it.

        Raises:
            NoSuchStream: none has this id.
            BadRequest: it has no such choice.
            CommandRefused: no run can do it, and why.
        """
        steerings = self._steerings.get(stream_id)
        if steerings is None:
            raise NoSuchStream("No reply with this id streams here; it is over, or the id is another one.")
        if asked.choice is not None and asked.choice >= len(steerings):
            raise BadRequest(f"choice must lie between 0 and {len(steerings) - 1}, not {asked.choice}.")
        chosen = range(len(steerings)) if asked.choice is None else (asked.choice,)
        pressed = {number: steerings[number].press(asked.command) for number in chosen}
        await _until_done(list(pressed.values()))
        if all(_refusal(done) for done in pressed.values()):
            raise CommandRefused(next(filter(None, map(_refusal, pressed.values()))))
        results = [{"choice": number, **_said(done)} for number, done in pressed.items()]
        waits = any(not done.done() for done in pressed.values())
        reply = {"id": stream_id, "object": "steering", "command": asked.command.kind, "results": results}
        return (202 if waits else 200), reply


def read_steer(body: dict[str, Any]) -> SteerRequest:
    """Check a body field by field; null is an absent field.

    Raises:
        S1Error: the message names the field and the remedy.
    """
    body = without_nulls(body)
    for name in body:
        if name not in FIELDS:
            raise BadRequest(f"There is no field {shortened(name)!r} here; docs/api.md names those that there are.")
    kind = body.get("command")
    if kind not in KINDS:
        raise BadRequest(f"command must be one of {', '.join(KINDS)}, not {shown(kind)}.")
    word = text("word", body["word"]) if "word" in body else None
    if word is not None and len(word) > MOST_WORD_CHARACTERS:
        raise BadRequest(f"word has {len(word):,} characters; {MOST_WORD_CHARACTERS} are the most.")
    default = 1 if kind == "step" else 0
    tokens = whole("tokens", body.get("tokens", default), at_least=1 if kind in COUNTED else 0)
    choice = body.get("choice")
    return SteerRequest(
        command=Command(kind=kind, tokens=tokens, word=word, at_end=truth("at_end", body.get("at_end", False))),
        choice=None if choice is None else whole("choice", choice, at_most=MOST_CHOICES - 1),
    )


async def _until_done(futures: list[Future[Steered]]) -> None:
    end_s = time.monotonic() + LONGEST_S
    while not all(future.done() for future in futures) and time.monotonic() < end_s:
        await asyncio.sleep(LOOK_EVERY_S)


def _refusal(done: Future[Steered]) -> str:
    """Return why a command was refused; empty where it was not, or not yet."""
    error = done.exception() if done.done() else None
    return "" if error is None else str(error)


def _said(done: Future[Steered]) -> dict[str, Any]:
    if not done.done():
        return {"obeyed": None, "note": "It waits for the run's next token."}
    if reason := _refusal(done):
        return {"obeyed": False, "note": reason}
    obeyed = done.result()
    place = {"at_tokens": obeyed.at_tokens, "after_waits": obeyed.after_waits}
    return {"obeyed": True, **place} | ({"tokens": obeyed.tokens} if obeyed.kind in COUNTED else {})
