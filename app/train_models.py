"""Fine-tuned models to choose from in Think and Compare: added by the owner, kept over restarts."""

from __future__ import annotations

import contextlib

from app.jobs import JobError
from app.shelf import EngineShelf
from app.train_runs import TrainRun, TrainShelf
from s1core import S1Error

MARK = "tried"
"""A file in the folder of a run whose model was added."""


class TrainedModels:
    """Puts finished models on the shelf of engines."""

    def __init__(self, engines: EngineShelf, runs: TrainShelf) -> None:
        """Add those that were added before."""
        self._engines, self._runs = engines, runs
        for run in runs.all():
            if (run.folder / MARK).is_file() and run.model is not None:
                with contextlib.suppress(S1Error):
                    engines.offer(run.name, run.model)

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

    def offer(self, name: str) -> str:
        """Add the model of a run; returns what it is called.

        Raises:
            S1Error: there is none, or another one has its name.
        """
        run = self.run(name)
        if run.model is None:
            raise JobError(f"{name} has no finished model yet; it is written when the last step is done.")
        self._engines.offer(name, run.model)
        with contextlib.suppress(OSError):  # a full disk: it is there until the server ends
            (run.folder / MARK).touch()
        return name
