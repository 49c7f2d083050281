"""Curations as jobs: launched by the owner alone, one at a time, known by the set that they fill."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from app.access import owner
from app.jobs.commands import CODE
from app.jobs.registry import Job, JobError, Jobs
from app.shell.responses import View
from app.tabs.curate.form import CurationRequest

KIND = "curate"
LEAVES_S = 5.0
"""A process that has said its last word, as that it asks before it spends, needs a moment to end."""


class CurateJobs:
    """Launches and stops."""

    def __init__(self, root: Path, jobs: Jobs | None = None) -> None:
        """Set up.

        Args:
            root: folder of the curated sets.
            jobs: the registry.
        """
        self._root = root
        self._jobs = jobs or Jobs()

    def require_owner(self, request: Any) -> None:
        """Let the owner pass.

        Raises:
            NotTheOwner: anybody else.
        """
        owner.require_owner(request)

    def launch(self, asked: CurationRequest) -> str:
        """Start a curation, or go on with it; returns the name of its set.

        Raises:
            JobError: another one is at work, or it cannot be started.
        """
        argv = [sys.executable, *asked.launch_words(self._root)]
        ends_s = time.monotonic() + LEAVES_S
        while (job := self._of(asked.name)) and self._jobs.runs(job) and time.monotonic() < ends_s:
            time.sleep(0.1)
        # Two would wait for each other's cache in vain.
        self._jobs.launch(KIND, argv, cwd=CODE, about={"name": asked.name, "set": asked.name}, alone=True)
        return asked.name

    def stop(self, name: str) -> str:
        """Stop the job that fills a set; returns a sentence for the page.

        Raises:
            JobError: none does.
        """
        job = self._of(name)
        if job is None or not self._jobs.runs(job):
            raise JobError("No job of this page works on the set that is shown; choose the one that is running.")
        self._jobs.stop(job)
        return f"Stopping {name}: what is done is kept, and the same form goes on from there."

    def view(self, name: str) -> View:
        """Whether a job fills this set, and the last thing that it said."""
        job = self._of(name)
        if job is None:
            return {"runs": False, "said": ""}
        return {"runs": self._jobs.runs(job), "said": self._jobs.last_words(job).partition("curate.run: ")[2]}

    def _of(self, name: str) -> Job | None:
        return next((job for job in self._jobs.all(KIND) if job.about.get("set") == name), None)
