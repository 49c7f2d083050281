"""Fine-tunings as jobs: launched by the owner alone, one after another on their device, known by their run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from app.jobs.commands import CODE
from app.jobs.registry import Job, JobError, Jobs
from app.shell.responses import View
from app.tabs.train import form as train_form
from app.tabs.train.examples import PREFIX
from app.tabs.train.form import TrainingRequest

KIND = "train"
GRACE_S = 700.0
"""More than `train.launch` takes by itself: 600 s to save, 75 s to end what does not."""


class TrainJobs:
    """Launches and stops the jobs of runs, and reports their state."""

    def __init__(self, root: Path, jobs: Jobs | None = None) -> None:
        """Set up.

        Args:
            root: folder of the runs.
            jobs: the registry.
        """
        self.root = root
        self._jobs = jobs or Jobs()

    def launch(self, asked: TrainingRequest) -> str:
        """Start a fine-tuning, or go on with it; returns the name of its run.

        Raises:
            S1Error: it is at work already, is done, or would be refused.
        """
        if asked.name.startswith(PREFIX):
            raise JobError(f"Names that begin with {PREFIX} are those of examples; give the run another one.")
        folder = self.root.resolve() / asked.name
        words = asked.launch_words(self.root)
        job = self.of(asked.name)
        if job is not None and not job.over:
            raise JobError(f"{asked.name} is at work already; wait for it or stop it.")
        if (folder / "final").exists() and (job is None or job.state == "done"):
            raise JobError(f"{asked.name} is done; change a setting, or give the new run a name of its own.")
        train_form.check(asked, self.root)
        about = {"name": asked.name, "run": asked.name, "recipe": asked.recipe, "settings": list(asked.settings)}
        about |= {"data": asked.data.name if asked.data else "", "personal": bool(asked.data and asked.data.personal)}
        about |= {"slurm": asked.slurm is not None}
        argv = [sys.executable, *words]
        self._jobs.launch(KIND, argv, cwd=CODE, about=about, device=asked.device, run=folder, grace_s=GRACE_S)
        return asked.name

    def stop(self, name: str) -> str:
        """Stop the job of a run; returns a sentence for the page.

        Raises:
            JobError: none is at work.
        """
        job = self.of(name)
        if job is None or job.over:
            raise JobError("No job works on the run that is shown; choose the one that is running.")
        self._jobs.stop(job)
        if job.state == "queued":
            return f"{name} was taken out of the queue."
        return f"Stopping {name}: it saves a checkpoint, and the same form goes on from there."

    def all(self) -> dict[str, Job]:
        """The newest job of each run."""
        return {str(job.about.get("run")): job for job in reversed(self._jobs.all(KIND))}

    def of(self, name: str) -> Job | None:
        """The newest job of a run."""
        return self.all().get(name)

    def ahead(self, job: Job) -> list[str]:
        """The names of those that a queued job waits for."""
        return [str(other.about.get("name", other.id)) for other in self._jobs.ahead(job)]

    def log(self, job: Job | None, offset: int) -> View:
        """What a job's log has from an offset on, and the offset after that."""
        text, after = self._jobs.log(job, offset) if job else ("", 0)
        return {"job": job.id if job else "", "text": text, "offset": after}

    def last_words(self, job: Job) -> str:
        """The last line of its log that says anything."""
        return self._jobs.last_words(job)


def owners(job: Job | None, *, owner: bool) -> dict[str, Any]:
    """What of a job only its owner sees: words and files of this machine."""
    return {"command": job.command, "folder": job.run} if job and owner else {"command": "", "folder": ""}
