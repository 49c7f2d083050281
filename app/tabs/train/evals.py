"""Sweeps of fine-tuned models as jobs: `evals.run` on a finished model, and on its parent if that has no curve yet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from app.jobs.commands import CODE, FormError
from app.jobs.registry import Job, JobError, Jobs
from app.shell.responses import View
from app.tabs.train.form import device_here
from app.tabs.train.runs import TrainRun
from evals.benchmarks import BENCHMARKS, SOURCES
from s1core.models import resolve
from s1core.nano import BASE

KIND = "eval"
QUESTIONS = (20, 100, 500)
MEASURED_PARENTS = {BASE.resolve(): "nano-base"}
"""Models whose curve comes with the app, and what it is called there."""


class TrainEvals:
    """Launches sweeps, and reports their state."""

    def __init__(self, root: Path, jobs: Jobs, *, options: tuple[str, ...] = ()) -> None:
        """Set up.

        Args:
            root: folder of the sweeps.
            jobs: the registry.
            options: further words for `evals.run`; by default it measures every budget.
        """
        self.root = root
        self._jobs, self._options = jobs, options

    def launch(self, run: TrainRun, benchmark: Any, questions: Any, step: int | None = None) -> str:
        """Start the sweep of a run's model, or of a step's, and its parent's after it; returns a sentence for the page.

        Raises:
            S1Error: there is no finished model, no such benchmark, or it is at work already.
        """
        name, model = run.called(step), run.model(step)
        if model is None:
            raise JobError(f"{name} has no finished model yet; it is written when the last step is done.")
        if benchmark not in BENCHMARKS or questions not in QUESTIONS:
            raise FormError("Choose one of the benchmarks and numbers of questions that are offered.")
        if any(not job.over for job in self._of(run.name) if job.about.get("model") == name):
            raise JobError(f"{name} is being evaluated already; wait for it.")
        parent = str(run.config.get("model") or "")
        known = MEASURED_PARENTS.get(Path(parent).resolve()) if benchmark == "nano" else None
        self._start(run, name, str(model), benchmark, questions, known or resolve(parent).name)
        if known is None:
            self._start(run, resolve(parent).name, parent, benchmark, questions, "")
        return f"{name} is being evaluated on {questions} questions of {_title(benchmark)}."

    def _start(self, run: TrainRun, name: str, model: str, benchmark: str, questions: int, parent: str) -> None:
        """One sweep; the same one again goes on where it was stopped, and is over at once where it was done."""
        out = self.root.resolve() / f"{name}-{benchmark}-{questions}"
        words = [f"--model={model}", f"--benchmark={benchmark}", f"--limit={questions}", *self._options, f"--out={out}"]
        about = {"name": f"evaluation of {name}", "run": run.name, "model": name, "parent": parent}
        about |= {"benchmark": _title(benchmark), "questions": questions}
        about["out"] = out.name
        device = (run.job.device if run.job else None) or device_here()
        argv = [sys.executable, "-m", "evals.run", *words]
        self._jobs.launch(KIND, argv, cwd=CODE, about=about, device=device)

    def _of(self, name: str) -> list[Job]:
        return [job for job in self._jobs.all(KIND) if job.about.get("run") == name]

    def view(self, name: str, *, owner: bool) -> list[View]:
        """The sweeps that were begun for a run, the newest first; the last of each kind alone."""
        seen: dict[tuple[Any, ...], View] = {}
        for job in self._of(name):
            about = job.about
            sweep = {key: about.get(key) for key in ("model", "parent", "benchmark", "questions")}
            reason = job.reason if owner else ""
            view = {**sweep, "state": job.state, "over": job.over, "reason": reason, "samples": self._samples(job)}
            seen.setdefault(tuple(sweep.values()), view)
        return list(seen.values())

    def _samples(self, job: Job) -> int:
        """How many samples a sweep has measured so far."""
        try:
            with (self.root / str(job.about.get("out", "")) / "samples.jsonl").open("rb") as lines:
                return sum(1 for _ in lines)
        except OSError:
            return 0


def _title(benchmark: str) -> str:
    """As the Curves tab calls it."""
    return SOURCES[benchmark].title if benchmark in SOURCES else benchmark
