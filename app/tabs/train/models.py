"""Fine-tuned models to choose from in Think and Compare: added by the owner, kept over restarts."""

from __future__ import annotations

import contextlib
from pathlib import Path

from app.jobs.registry import JobError
from app.models.registry import EngineRegistry
from app.tabs.train.runs import MODELS, TrainingRunStore, TrainRun
from s1core import S1Error

MARK = "tried"
"""A file in the folder of a run whose model was added; beside the model of a step, it ends with this."""


class TrainedModels:
    """Adds finished models to the registry of engines."""

    def __init__(self, engines: EngineRegistry, runs: TrainingRunStore) -> None:
        """Add those that were added before."""
        self._engines, self._runs = engines, runs
        for run in runs.all():
            for step in (None, *run.steps):
                model = run.model(step)
                if model is not None and _mark(run, step).is_file():
                    with contextlib.suppress(S1Error):
                        engines.offer(run.called(step), model)

    @property
    def names(self) -> list[str]:
        """All models to choose from."""
        return self._engines.models

    @property
    def any(self) -> bool:
        """Whether one was added."""
        return bool(self._engines.offered)

    def run(self, name: str) -> TrainRun:
        """A run by its name.

        Raises:
            NoSuchRun: there is none.
        """
        return self._runs.find(name)

    def offer(self, name: str, step: int | None = None) -> str:
        """Add the model of a run, or of one of its steps; returns what it is called.

        Raises:
            S1Error: there is none, or another one has its name.
        """
        run = self.run(name)
        model = run.model(step)
        if model is None:
            raise JobError(f"{run.called(step)} has no finished model yet; it is written when the last step is done.")
        self._engines.offer(run.called(step), model)
        with contextlib.suppress(OSError):  # a full disk: it is there until the server ends
            _mark(run, step).touch()
        return run.called(step)


def _mark(run: TrainRun, step: int | None) -> Path:
    return run.folder / MARK if step is None else run.folder / MODELS / f"{run.called(step)}.{MARK}"
