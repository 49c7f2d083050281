"""Checkpoints made into models, as jobs: `train.export_step`, when a step of a run is to be tried or evaluated."""

from __future__ import annotations

import sys
from typing import Any

from app.jobs.commands import CODE, FormError
from app.jobs.registry import Job, JobError, Jobs
from app.shell.responses import View
from app.tabs.train.runs import TrainRun

KIND = "export"


class TrainSteps:
    """Launches exports of checkpoints, and reports their state."""

    def __init__(self, jobs: Jobs) -> None:
        """Set up with the registry."""
        self._jobs = jobs

    def write(self, run: TrainRun, step: int) -> str:
        """Start to export a step's checkpoint; returns a sentence for the page.

        It waits for no device, so that a run can be tried while it trains.

        Raises:
            JobError: there is no such checkpoint.
        """
        if step not in run.checkpoints:
            raise JobError(f"{run.name} has no checkpoint of step {step} any more; choose a newer one.")
        if not any(not job.over for job in self._of(run) if job.about.get("step") == step):
            about = {"name": f"model of {run.called(step)}", "run": run.name, "step": step}
            words = ["-m", "train.export_step", f"--run={run.folder.resolve()}", f"--step={step}"]
            self._jobs.launch(KIND, [sys.executable, *words], cwd=CODE, about=about)
        return f"Step {step} of {run.name} is being made into a model; then it goes on by itself."

    def view(self, run: TrainRun, *, owner: bool) -> list[View]:
        """How the last making of each step is."""
        exports: dict[int, View] = {}
        for job in self._of(run):
            step = int(job.about.get("step", 0))
            exports.setdefault(
                step, {"step": step, "state": job.state, "over": job.over, "reason": job.reason if owner else ""}
            )
        return list(exports.values())

    def _of(self, run: TrainRun) -> list[Job]:
        return [job for job in self._jobs.all(KIND) if job.about.get("run") == run.name]


def read_step(value: Any) -> int | None:
    """The step that a page names; None for the finished model.

    Raises:
        FormError: it is no step.
    """
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise FormError("Choose one of the checkpoints that are shown.")
    return value
