"""`python -m app.tabs.compare.record app/recordings`: race s1-nano and keep the recordings that come with the app."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.models.registry import EngineRegistry
from app.runs.questions import same_answer
from app.runs.recording import RecordedRace
from app.tabs.compare import recording_file
from app.tabs.compare.race import Race
from app.tabs.compare.request import presets, read_comparison
from s1core.problems import expected_answer
from s1core.store import write_atomically

MODEL, OTHER = "s1-nano", "weak-2"
RASPBERRY = "How many r in raspberry?"


def comparisons() -> dict[str, tuple[str, str, list[dict[str, Any]]]]:
    """Return what is raced: by name the title, the question and the lanes."""
    budgets, waits, words, models = (preset["lanes"] for preset in presets(MODEL, OTHER))
    one = waits[1]
    methods = [one | {"method": "none"}, one | {"method": "vote", "budget": 128, "waits": 0, "count": 5}, one]
    return {
        "race-budgets": ("Three budgets, one question", "Map a>d d>k k>b b>g g>a. From a, 7 hops.", budgets),
        "race-waits": ("No Wait, one, two, four", RASPBERRY, waits),
        "race-words": ("Wait, Hmm, Alternatively", RASPBERRY, words),
        "race-models": ("s1-nano and a weaker model", "How many r in strawberry?", models),
        "race-methods": ("No limit, a majority of five, one Wait", RASPBERRY, methods),
    }


async def record(registry: EngineRegistry, question: str, lanes: list[dict[str, Any]]) -> RecordedRace:
    """Race once and return what happened."""
    race = Race(read_comparison({"question": question, "lanes": lanes}, expected_answer), same_answer)
    async for _ in race.views(registry.load):
        pass
    return race.recorded()


async def _all(folder: Path) -> None:
    registry = EngineRegistry(MODEL)
    for name, (title, question, lanes) in comparisons().items():
        await record(registry, question, lanes)  # once before, so that no lane waits for the model to be loaded
        race = replace(await record(registry, question, lanes), title=title)
        path = folder / f"{name}.jsonl"
        write_atomically(path, "".join(recording_file.write(race)))
        print(path)


def main() -> None:
    """Read the command line and record."""
    parser = argparse.ArgumentParser(prog="python -m app.tabs.compare.record", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the recordings go; made if it is not there")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_all(folder))


if __name__ == "__main__":
    main()
