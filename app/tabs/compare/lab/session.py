"""The Wait lab of one visitor: a trace and its forks, as a tree. No Gradio.

A lab begins with a trace of a race, live or recorded. Every fork is a branch that runs on the engine of the trace's own
model and pays for its new tokens alone; it can be forked like the trace it came from.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from app.access.limits import bounded
from app.runs import render
from app.runs.poll_rate import POLL_RATE
from app.runs.recording import RecordedRace
from app.runs.request import RunRequest, read_settings
from app.runs.runner import single_outcome
from app.runs.samples import LiveSamples
from app.runs.session import SameAnswer, answer_card
from app.shell.responses import View
from app.tabs.compare.import_lm_eval import ENGINE as LOG_ENGINE
from app.tabs.compare.lab.positions import Drawn, drawn, utf16
from s1core import S1Error
from s1core.engines.base import Engine
from s1core.errors import EngineFailed, InvalidSetting
from s1core.fork import CLOSE, IGNORE, Turn, afork_stream, saved_tokens
from s1core.types import Event, Finished, Tokens, Trace

MOST_LABS = 64
MOST_BRANCHES = 32
"""Of one lab."""
MOST_TOKENS = 500_000
"""Of all labs together: some 50 MB."""
KINDS = ("say", "ignore", "close")
_log = logging.getLogger(__name__)


class NoSuchLab(S1Error, LookupError):
    """The key names no lab, or the number no branch, that is still here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForkRequest:
    """A fork that a visitor asks for, checked."""

    parent: int
    at: int
    turn: Turn
    asked: RunRequest


@dataclass(kw_only=True)
class Node:
    """A trace in the tree."""

    number: int
    """0 is the trace that the lab began with."""
    wanted: ForkRequest | None
    asked: RunRequest
    live: LiveSamples
    trace: Trace | None = None
    """None while it runs."""
    saved: int = 0
    kept_characters: int | None = None
    """Of its text, as a browser counts them, those that it took over."""
    drawn: Drawn | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)


class Lab:
    """A trace and its forks."""

    def __init__(self, asked: RunRequest, trace: Trace, *, runs: int, expected: str | None, same: SameAnswer) -> None:
        self.asked = asked
        self._expected, self._same = expected, same
        self._runs = runs
        self.nodes: dict[int, Node] = {
            0: Node(number=0, wanted=None, asked=asked, live=LiveSamples(asked), trace=trace)
        }
        self._next = 1

    @classmethod
    def of(cls, race: RecordedRace, lane: int, run: int, same: SameAnswer) -> Lab:
        """Begin with a run of a lane.

        Raises:
            InvalidSetting: there is none, or it broke off.
        """
        if not 0 <= lane < len(race.lanes):
            raise InvalidSetting("There is no such lane to fork. Choose one of those shown.")
        events: dict[int, list[Event]] = {}
        for each in race.lanes[lane].happened:
            events.setdefault(each.number, []).append(each.event)
        own = events.get(run, [])
        if not own or not isinstance(own[-1], Finished):
            raise InvalidSetting(
                "This run broke off before its end, so it cannot be forked. Choose another lane, or race again."
            )
        receipt = own[-1].receipt
        if receipt.engine == LOG_ENGINE:
            raise InvalidSetting("A log of lm-eval has texts without tokens. Fork a trace that was made here.")
        if receipt.accounting != "total":
            raise InvalidSetting("This trace was cut after the fact. Fork one whose budget counts over the whole run.")
        asked = race.lanes[lane].asked
        sampling = replace(asked.sampling, sample_index=run)
        budget = replace(asked.budget, max_thinking_tokens=receipt.max_thinking_tokens)
        single = replace(asked, method="forcing", count=1, track=False, sampling=sampling, budget=budget)
        return cls(single, Trace.from_events(own), runs=len(events), expected=race.expected, same=same)

    @property
    def tokens(self) -> int:
        """Tokens of all its traces."""
        return sum(len(node.trace.token_ids) for node in self.nodes.values() if node.trace)

    def node(self, number: Any) -> Node:
        """Return a trace of the tree.

        Raises:
            NoSuchLab: there is none.
        """
        if not isinstance(number, int) or number not in self.nodes:
            raise NoSuchLab("This branch is no longer here. Choose another one.")
        return self.nodes[number]

    def draw(self, engine: Engine, number: int) -> Drawn:
        """Work out where a trace can be forked, and what the page shows of it up to each place."""
        node = self.node(number)
        if node.trace is None:
            raise InvalidSetting("This branch is still being written. Fork it when it has ended.")
        if node.drawn is None:
            node.drawn = drawn(engine.codec, node.trace, node.asked, _close_label(node.wanted))
        return node.drawn

    def read(self, value: Any) -> ForkRequest:
        """Check a fork that the page asks for: `{node, at, kind, word, budget, waits}`.

        Raises:
            InvalidSetting: the message names the field and the remedy.
        """
        ask: dict[str, Any] = value if isinstance(value, dict) else {}
        parent = self.node(ask.get("node"))
        at, kind = ask.get("at"), ask.get("kind")
        if parent.trace is None or type(at) is not int:
            raise InvalidSetting("Choose a place in a trace that has ended, then fork it there.")
        if kind not in KINDS:
            raise InvalidSetting(f"At a fork one can {', '.join(KINDS)}; choose one.")
        if len(self.nodes) > MOST_BRANCHES:
            raise InvalidSetting(f"A lab holds {MOST_BRANCHES} branches. Fork a lane anew to begin another one.")
        word = str(ask.get("word") or "")
        turn = CLOSE if kind == "close" else Turn.say(word) if kind == "say" and word else IGNORE
        unlimited = ask.get("budget") is None
        read = read_settings(self.asked.question, self.asked.model, ask.get("budget") or 0, ask.get("waits", 0), word)
        before = sum(s.source == "wait" for s in _up_to(parent.trace, at))
        budget = replace(
            self.asked.budget,
            max_thinking_tokens=None if unlimited else read.budget.max_thinking_tokens,
            min_thinking_tokens=0,
            waits=before + (turn.kind == "say") + read.budget.waits,
            wait_text=word if turn.kind == "say" else self.asked.budget.wait_text,
        )
        return ForkRequest(parent=parent.number, at=at, turn=turn, asked=bounded(replace(self.asked, budget=budget)))

    async def fork(self, engine: Engine, wanted: ForkRequest) -> AsyncGenerator[View, None]:
        """Run a branch and yield what the page shows of it, at most 20 times a second, until it has ended.

        Closing the generator frees the engine and takes the branch out of the tree.

        Raises:
            S1Error: the trace cannot be forked like that.
        """
        live = LiveSamples(wanted.asked, _close_label(wanted))
        node = Node(number=self._next, wanted=wanted, asked=wanted.asked, live=live)
        self._next += 1
        self.nodes[node.number] = node
        task = asyncio.create_task(self._produce(engine, node, wanted))
        try:
            with POLL_RATE.open_page():
                while not task.done():
                    yield self.view(node)
                    await POLL_RATE.next_update({task})
            task.result()
            yield self.view(node)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
            if node.trace is None:
                self.nodes.pop(node.number, None)

    async def _produce(self, engine: Engine, node: Node, wanted: ForkRequest) -> None:
        trace = self.node(wanted.parent).trace
        assert trace is not None
        asked, events, kept = wanted.asked, list[Event](), 0
        stream = afork_stream(
            engine,
            asked.prompt,
            trace,
            wanted.at,
            asked.budget,
            asked.sampling,
            turn=wanted.turn,
            cancel=node.stop,
        )
        try:
            async with aclosing(stream) as happening:
                async for event in happening:
                    if isinstance(event, Tokens):
                        if kept < wanted.at:
                            kept += len(event.token_ids)
                        elif node.kept_characters is None:
                            node.kept_characters = utf16(node.live.text)
                    events.append(event)
                    node.live.take(0, event)
                    # An engine that never waits would keep the page from being served.
                    await asyncio.sleep(0)
        except S1Error:
            raise
        except Exception as error:
            _log.exception("the engine failed in the middle of a fork")
            raise EngineFailed(f"The engine stopped in the middle ({type(error).__name__}). Fork again.") from None
        node.saved = saved_tokens(events)
        node.trace = Trace.from_events(events)

    def view(self, node: Node) -> View:
        """Return what the page shows of a trace of the tree."""
        trace, wanted, live = node.trace, node.wanted, node.live
        at = wanted.at if wanted else 0
        outcome = trace and single_outcome(node.asked, trace, stopped=node.stop.is_set())
        state: render.State = "running" if outcome is None else "cancelled" if outcome.cancelled else "done"
        spent = trace.receipt.thinking_tokens if trace else live.current.spent_tokens
        new = max(0, spent - at)
        rows = (
            [["Kept", f"{render.count(at)} of thinking"], ["New", f"{render.count(new)} of thinking"]] if wanted else []
        )
        if wanted and trace:
            rows.append(["Saved", f"{render.count(node.saved)} from the prefix cache"])
        return {
            "node": node.number,
            "parent": wanted.parent if wanted else None,
            "at": at,
            "kind": wanted.turn.kind if wanted else "",
            "word": render.plain(wanted.turn.word) if wanted else "",
            "state": state,
            "text": node.drawn.text if node.drawn else live.text,
            "kept": node.kept_characters or 0,
            "new": new,
            "saved": node.saved,
            "spent": spent,
            "answer": answer_card(node.asked, outcome, live, self._expected, self._same),
            "receipt": [*rows, *_closed_rows(wanted, outcome.rows)] if outcome else [],
        }

    def whole(self, key: str, engine: Engine) -> View:
        """Return what the page shows of the lab when it is opened."""
        self.draw(engine, 0)
        return {
            "lab": key,
            "question": render.plain(self.asked.question),
            "model": self.asked.model,
            "runs": self._runs,
            "budget": self.asked.budget.max_thinking_tokens,
            "nodes": [self.view(node) for node in self.nodes.values()],
        }


def _is_close(wanted: ForkRequest | None) -> bool:
    return wanted is not None and wanted.turn.kind == "close"


def _close_label(wanted: ForkRequest | None) -> Callable[[str, int], str] | None:
    """Say who closed the thinking of a branch, where that was the visitor."""
    return (lambda _, spent_tokens: f"closed by you · token {spent_tokens:,}") if _is_close(wanted) else None


def _closed_rows(wanted: ForkRequest | None, rows: list[list[str]]) -> list[list[str]]:
    """Return the receipt, with the visitor where he closed the thinking."""
    return [[name, "you"] if name == "Closed by" and _is_close(wanted) else [name, value] for name, value in rows]


def _up_to(trace: Trace, at: int) -> list[Any]:
    """Return the segments of thinking that end at or before a place, without a Wait that lies at it."""
    found, spent = [], 0
    for segment in trace.segments:
        spent += len(segment.token_ids)
        if segment.phase != "thinking" or spent > at or (spent == at and not segment.token_ids):
            break
        found.append(segment)
    return found


class LabStore:
    """Labs by key, which cannot be guessed. Safe from any thread; the oldest make room for new ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._labs: OrderedDict[str, Lab] = OrderedDict()

    def keep(self, lab: Lab) -> str:
        """Store a lab and return its key."""
        key = secrets.token_urlsafe(18)
        with self._lock:
            self._labs[key] = lab
            while len(self._labs) > 1 and (len(self._labs) > MOST_LABS or self._tokens() > MOST_TOKENS):
                self._labs.popitem(last=False)
        return key

    def find(self, key: Any) -> Lab:
        """Return a lab.

        Raises:
            NoSuchLab: the key is none, or its lab has made room for newer ones.
        """
        with self._lock:
            if not isinstance(key, str) or key not in self._labs:
                raise NoSuchLab("This lab is no longer here; labs are kept for a while only. Fork a lane anew.")
            self._labs.move_to_end(key)
            return self._labs[key]

    def _tokens(self) -> int:
        return sum(lab.tokens for lab in self._labs.values())
