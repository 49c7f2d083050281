"""The method as three tools of other programs: solve, sweep, probe. Each returns what it found as JSON. No Gradio.

They obey the limits of the page and stand in its line, so that nobody has more by asking here.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from importlib.util import find_spec
from typing import Any

from app.access.admission import Gate, visitor_of
from app.access.limits import bounded
from app.models.registry import EngineRegistry
from app.runs import answer_track
from app.runs.request import RunRequest, read_settings
from app.runs.session import track_gate
from s1core import S1Error, astream
from s1core.engines.base import Engine
from s1core.errors import EngineFailed, InvalidSetting
from s1core.probe import Track, aprobes
from s1core.sweep import asweep
from s1core.types import Trace

MCP_PATH = "/gradio_api/mcp/"
"""Where agents find them."""
MOST_POINTS = 64
"""Settings of one sweep."""
_log = logging.getLogger(__name__)


def require_mcp() -> None:
    """Make sure that tools can be offered to agents.

    Raises:
        InvalidSetting: a package is missing.
    """
    if find_spec("mcp") is None:
        raise InvalidSetting("--mcp needs the package mcp: pip install -r requirements-mcp.txt")


class Tools:
    """The three of them, on the models of one app."""

    def __init__(self, registry: EngineRegistry, gate: Gate) -> None:
        self._registry, self._gate = registry, gate

    async def solve(self, request: Any, asked: RunRequest) -> str:
        """Answer a question under a budget.

        Raises:
            S1Error: as `read_settings`, `bounded`, `Gate.place` and `astream`.
        """
        asked = bounded(asked)
        async with self._engine(request, asked.model, runs=1) as engine:
            trace = await _solved(engine, asked)
        return json.dumps(
            {
                "answer": trace.answer,
                "thinking": trace.thinking_text,
                "reply": trace.answer_text,
                "receipt": trace.receipt.as_dict(),
            },
            ensure_ascii=False,
        )

    async def sweep(self, request: Any, grid: Sequence[RunRequest]) -> str:
        """Answer one question under every setting of a grid, thinking once.

        Raises:
            S1Error: as `solve`.
        """
        grid = [bounded(asked) for asked in grid]
        first = grid[0]
        async with self._engine(request, first.model, runs=len(grid)) as engine:
            swept = await asweep(
                engine,
                first.prompt,
                list(dict.fromkeys(asked.budget.max_thinking_tokens for asked in grid)),
                list(dict.fromkeys(asked.budget.waits for asked in grid)),
                first.sampling,
                wait_text=first.budget.wait_text,
            )
        points = [
            {
                "thinking_budget": point.max_thinking_tokens,
                "waits": point.waits,
                "answer": point.trace.answer,
                "thinking_tokens": point.trace.receipt.thinking_tokens,
                "waits_used": point.trace.receipt.waits_used,
                "closed_by": point.trace.receipt.closed_by,
            }
            for point in swept.points
        ]
        cost = {"sampled_tokens": swept.cost.decoded, "of_independent_runs": swept.cost.independent}
        seed = first.sampling.seed
        return json.dumps({"points": points, "cost": cost, "seed": seed}, ensure_ascii=False)

    async def probe(self, request: Any, asked: RunRequest) -> str:
        """Think once, and ask for the answer along the way.

        Raises:
            S1Error: as `solve`.
        """
        asked = bounded(asked)
        async with self._engine(request, asked.model, runs=1) as engine:
            found = await _probed(engine, asked, await _solved(engine, asked))
        points = [
            {"thinking_tokens": point.thinking_tokens, "answer": point.answer, "probability": point.probability}
            for point in found.points
        ]
        waits = [{"number": wait.number, "before": wait.before, "after": wait.after} for wait in found.waits]
        reply = {"answer": found.trace.answer, "settled_at": found.settled_at, "points": points, "waits": waits}
        reply |= {"thinking": found.trace.thinking_text, "seed": asked.sampling.seed}
        return json.dumps(reply, ensure_ascii=False)

    @asynccontextmanager
    async def _engine(self, request: Any, model: str, runs: int) -> AsyncGenerator[Engine, None]:
        """Wait in line for the engine, and hold the place for the length of a block."""
        with self._gate.place(visitor_of(request), runs) as place:
            await place.turn()
            async for step in self._registry.load(model):
                if not isinstance(step, str):
                    break
            else:
                raise AssertionError("a load ends with an engine or an error")
            try:
                yield step
            except S1Error:
                raise
            except Exception as error:
                _log.exception("the engine failed in the middle of a tool's run")
                raise EngineFailed(f"The engine stopped in the middle of the run ({type(error).__name__}).") from error


def read_grid(
    question: str, model: str, budgets: Sequence[int], waits: Sequence[int], wait_text: str, **more: Any
) -> list[RunRequest]:
    """Check what a sweep asks for.

    Args:
        question: the user's text.
        model: one of those here.
        budgets: most thinking tokens of the points.
        waits: forced Waits of the points.
        wait_text: what is forced.
        **more: passed on to `read_settings`.

    Raises:
        InvalidSetting: the message names the field and the remedy.
    """
    for name, given in (("budgets", budgets), ("waits", waits)):
        if not isinstance(given, list) or not given:
            raise InvalidSetting(f"{name} must be a list of one or more whole numbers.")
    if len(budgets) * len(waits) > MOST_POINTS:
        raise InvalidSetting(
            f"The sweep has {len(budgets) * len(waits)} settings; {MOST_POINTS} are the most. Ask for fewer."
        )
    return [read_settings(question, model, budget, count, wait_text, **more) for budget in budgets for count in waits]


async def _solved(engine: Engine, asked: RunRequest) -> Trace:
    async with aclosing(astream(engine, asked.prompt, asked.budget, asked.sampling)) as events:
        return Trace.from_events([event async for event in events])


async def _probed(engine: Engine, asked: RunRequest, trace: Trace) -> Track:
    thought = trace.receipt.thinking_tokens
    every, width = answer_track.step(thought), answer_track.at_once(thought)
    probes = aprobes(engine, asked.prompt, trace, every, asked.budget, asked.sampling, at_once=width)
    async with track_gate(engine), aclosing(probes) as points:
        return Track.of(trace, [point async for point in points])
