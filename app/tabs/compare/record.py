"""`python -m app.tabs.compare.record app/recordings`: race a model and keep the recordings that come with the app.

With `--opening` only the pair is recorded that plays when the page opens: one question, stopped at once and made to
wait. Its question is the first example that the model gets wrong without a Wait and right with one.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.models.registry import EngineRegistry
from app.runs.questions import example_families, same_answer
from app.runs.recording import RecordedRace
from app.tabs.compare import recording_file
from app.tabs.compare.opening import is_lesson, opening_name
from app.tabs.compare.race import Race
from app.tabs.compare.request import presets, read_comparison
from s1core import S1Error
from s1core.models import PRESETS, S1_NANO
from s1core.problems import expected_answer
from s1core.store import write_atomically

OTHER = "weak-2"
RASPBERRY = "How many r in raspberry?"
Lanes = list[dict[str, Any]]


def comparisons() -> dict[str, tuple[str, str, Lanes]]:
    """Return what s1-nano races: by name the title, the question and the lanes."""
    waits, budgets, words, models = (preset["lanes"] for preset in presets(S1_NANO, OTHER))
    one = waits[1]
    methods = [one | {"method": "none"}, one | {"method": "vote", "budget": 128, "waits": 0, "count": 5}, one]
    return {
        "race-budgets": ("Three budgets, one question", "How many s in mississippi?", budgets),
        "race-waits": ("No Wait, one, two, four", RASPBERRY, waits),
        "race-words": ("No Wait, Wait, Hmm, Alternatively", RASPBERRY, words),
        "race-models": ("s1-nano and a weaker model", "How many r in strawberry?", models),
        "race-methods": ("No limit, a majority of five, one Wait", RASPBERRY, methods),
    }


async def record(registry: EngineRegistry, question: str, lanes: Lanes) -> RecordedRace:
    """Race once and return what happened."""
    race = Race(read_comparison({"question": question, "lanes": lanes}, expected_answer), same_answer)
    async for _ in race.views(registry.load):
        pass
    return race.recorded()


async def record_opening(registry: EngineRegistry, model: str, questions: list[str]) -> RecordedRace:
    """Race a model without a Wait and with one, on the first question that shows what a Wait is for.

    Raises:
        S1Error: none of the questions does.
    """
    lanes: Lanes = [{"method": "forcing", "budget": 1024, "waits": waits, "model": model} for waits in (0, 1)]
    for question in questions:
        race = await record(registry, question, lanes)
        if is_lesson(race, same_answer):
            # Once more, so that no lane has waited for the model to be loaded.
            return replace(await record(registry, question, lanes), title=f"{model}: stopped at once, made to wait")
    raise S1Error(f"On none of {len(questions)} questions is {model} wrong at once and right after a Wait.")


def examples(model: str) -> list[str]:
    """The questions of the model's example chips, one of each family first."""
    families = [list(family.questions) for family in example_families(model)]
    return [family[place] for place in range(max(map(len, families))) for family in families if place < len(family)]


def _write(folder: Path, name: str, race: RecordedRace) -> None:
    path = folder / f"{name}.jsonl"
    write_atomically(path, "".join(recording_file.write(race)))
    print(path)


async def _all(folder: Path) -> None:
    registry = EngineRegistry(S1_NANO)
    for name, (title, question, lanes) in comparisons().items():
        await record(registry, question, lanes)  # once before, so that no lane waits for the model to be loaded
        _write(folder, name, replace(await record(registry, question, lanes), title=title))


async def _opening(folder: Path, model: str, questions: list[str]) -> None:
    race = await record_opening(EngineRegistry(model), model, questions or examples(model))
    _write(folder, opening_name(model), race)


def main() -> int:
    """Read the command line and record; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m app.tabs.compare.record", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the recordings go; made if it is not there")
    parser.add_argument("--opening", action="store_true", help="record the opening pair alone")
    parser.add_argument("--model", default=S1_NANO, choices=PRESETS, help="of the opening pair (default: %(default)s)")
    parser.add_argument(
        "--question", action="append", default=[], help="of the opening pair; several are tried in turn"
    )
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    try:
        if not asked.opening:
            asyncio.run(_all(asked.folder))
        asyncio.run(_opening(asked.folder, asked.model, asked.question))
    except S1Error as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
