"""The playground on a shared host: arguments for `python -m app` from the environment, folders that can be written.

`S1_MODEL` names another model, `S1_ENDPOINT` a server of it that speaks OpenAI's completions, `GRADIO_SERVER_PORT`
another port; with `S1_AUTH` the owner can sign in. A home folder that cannot be written is not needed.
On ZeroGPU a model that is not bundled borrows the GPU (`zerogpu.py`).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

from app.access.sign_in import VARIABLE as AUTH
from app.artifacts.curated.sets import ROOT_VARIABLE as SETS
from app.jobs.registry import ROOT_VARIABLE as JOBS
from app.models import zerogpu
from app.tabs.train.runs import ROOT_VARIABLE as RUNS
from s1core.weights import MODEL_VARIABLE

MODEL, ENDPOINT, PORT = MODEL_VARIABLE, "S1_ENDPOINT", "GRADIO_SERVER_PORT"
CACHE = "HF_HOME"
"""Where the hub's client keeps what it fetched, by default under the home folder."""


def main() -> int:
    """Serve in public mode; return the exit status."""
    prepare(os.environ)
    zerogpu.prepare()
    # Imported after the folders are chosen: the hub's client looks at its own when it is imported.
    from app.__main__ import main as serve

    return serve(words(os.environ))


def words(environment: MutableMapping[str, str]) -> list[str]:
    """Return the arguments for `python -m app`."""
    # Joined to their options, so that no value can be taken for an option.
    arguments = ["--public", "--host=0.0.0.0", f"--port={environment.get(PORT) or 7860}"]
    if model := environment.get(MODEL):
        arguments.append(f"--model={model}")
    if environment.get(AUTH):
        arguments.append("--auth")
    if endpoint := environment.get(ENDPOINT):
        arguments.append(f"--endpoint={endpoint}")
    return arguments


def prepare(environment: MutableMapping[str, str], *, here: Path | None = None) -> None:
    """Choose a temporary folder for everything whose usual one cannot be written.

    Args:
        environment: is changed where a folder is not chosen yet.
        here: where jobs, curated sets and runs usually are; by default the current folder.
    """
    home = Path(environment.get("HOME") or "/")
    usual = {
        JOBS: (here or Path.cwd()) / "jobs",
        SETS: (here or Path.cwd()) / "curated",
        RUNS: (here or Path.cwd()) / "runs",
        CACHE: home / ".cache" / "huggingface",
    }
    chosen = {name: place for name, place in usual.items() if not environment.get(name)}
    if lost := [name for name, place in chosen.items() if not _can_be_written(place)]:
        folder = Path(tempfile.mkdtemp(prefix="s1-playground-"))
        for name in lost:
            environment[name] = str(folder / name.lower())


def _can_be_written(place: Path) -> bool:
    """Whether it can, without making it."""
    try:
        nearest = next(folder for folder in (place, *place.parents) if folder.exists())
    except OSError:
        return False
    if not nearest.is_dir():
        return False
    try:
        with tempfile.TemporaryFile(dir=nearest):
            return True
    except OSError:
        return False
