"""Finished runs that come with the app, so that the Train tab opens on something real.

`python -m app.tabs.train.examples runs/sft/NAME`: keep a run's settings and curves, without its checkpoints and without
what names files of the machine that trained it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from s1core.store import read_object, write_atomically

FOLDER = Path(__file__).parents[2] / "example_runs"
PREFIX = "example."
"""Of the names of these runs; nobody can launch one so."""
FILES = ("config.json", "status.json", "metrics.jsonl")
_OF_A_STEP = ("step", "total", "loss", "eval_loss", "lr", "grad_norm", "tokens_s", "step_s", "time")


def folder_of(name: str) -> Path:
    """Return the folder of an example by its name on the page."""
    return FOLDER / name.removeprefix(PREFIX)


def names() -> list[str]:
    """Return the names of all examples."""
    return [PREFIX + path.parent.name for path in sorted(FOLDER.glob("*/config.json"))]


def keep(run: Path, folder: Path) -> None:
    """Copy what is shown of a finished run.

    Args:
        run: the run's folder.
        folder: where it goes.
    """
    config, status = read_object(run / "config.json"), read_object(run / "status.json")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [{name: line[name] for name in _OF_A_STEP if name in line} for line in lines]
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "config.json", json.dumps(_anonymous(config), indent=1) + "\n")
    write_atomically(folder / "status.json", json.dumps({**status, "pid": 0}, indent=1) + "\n")
    write_atomically(folder / "metrics.jsonl", "".join(json.dumps(_short(step)) + "\n" for step in steps))


def _anonymous(value: Any) -> Any:
    """Without folders of the machine: of an absolute path the last part alone."""
    if isinstance(value, dict):
        return {name: _anonymous(part) for name, part in value.items()}
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def _short(step: dict[str, Any]) -> dict[str, Any]:
    return {
        name: float(f"{value:.6g}") if isinstance(value, float) and name != "time" else value
        for name, value in step.items()
    }


def main() -> None:
    """Read the command line and keep one run."""
    parser = argparse.ArgumentParser(prog="python -m app.tabs.train.examples", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--name", help="its name on the page (default: the folder's)")
    asked = parser.parse_args()
    keep(asked.run, FOLDER / (asked.name or asked.run.resolve().name))


if __name__ == "__main__":
    main()
