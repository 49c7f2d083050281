"""Fine-tuning runs by name: what `train.sft` leaves in `runs/sft/NAME`, and the job that works on it."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.artifacts.curated.sets import EXAMPLES, SetStore, of_files, process_runs
from app.artifacts.schemas import STATUS, TRAINING, read_shaped
from app.jobs.registry import Job
from app.shell.responses import View
from app.tabs.train import examples
from app.tabs.train.form import catalogue
from app.tabs.train.jobs import TrainJobs, owners
from app.tabs.train.metrics import read_metrics
from s1core import S1Error
from s1core.store import read_object

ROOT_VARIABLE = "S1_RUNS"
SILENT_S = 900.0
"""After so long without a step, a run of Slurm's that was started elsewhere is taken for ended."""
MODELS = "models"
"""In a run's folder: what `train.export_step` makes of its checkpoints."""
MOST_RUNS = 200
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,150}")
_GONE = "There is no run of this name any more; reload the page and choose another one."


class NoSuchRun(S1Error, LookupError):
    """The name is none of a run."""


def default_root() -> Path:
    """Where runs are: `runs/` of the folder that the server was started in, or `S1_RUNS`.

    Fine-tunings lie in `sft/`, sweeps of their models in `evals/`.
    """
    return Path(os.environ.get(ROOT_VARIABLE) or "runs")


@dataclass(frozen=True, kw_only=True)
class TrainRun:
    """One run, as far as it is on disk, and its newest job."""

    name: str
    folder: Path
    job: Job | None

    @property
    def status(self) -> dict[str, Any]:
        """What the run said last; of a run before, if its job has not come so far."""
        found = read_shaped(self.folder / "status.json", STATUS)
        late = self.job is not None and found.get("time", 0) < (self.job.started or self.job.at)
        return {} if late else found

    @property
    def config(self) -> dict[str, Any]:
        """Every setting; empty before the model is loaded."""
        return read_shaped(self.folder / "config.json", TRAINING)

    def called(self, step: int | None) -> str:
        """The name of the finished model, or of the one of a step."""
        return self.name if step is None else f"{self.name}-step-{step}"

    def model(self, step: int | None = None) -> Path | None:
        """The folder of the finished model, or of the one that was made of a step's checkpoint; None without one."""
        place = self.folder / "final" if step is None else self.folder / MODELS / self.called(step)
        folder = place.resolve()
        return folder if (folder / "config.json").is_file() else None

    @property
    def checkpoints(self) -> list[int]:
        """The steps that can be gone on from."""
        numbers = [path.parent.name.removeprefix("step-") for path in self.folder.glob("checkpoints/step-*/state.json")]
        return sorted(int(number) for number in numbers if number.isdecimal())

    @property
    def steps(self) -> list[int]:
        """The steps of which there is a model."""
        names = [path.parent.name for path in (self.folder / MODELS).glob("*-step-*/config.json")]
        numbers = [int(number) for name in names if (number := name.rpartition("-")[2]).isdecimal()]
        return sorted(step for step in numbers if self.model(step))

    @property
    def state(self) -> str:
        """The job's; of a run that was started elsewhere its own."""
        if self.job is not None:
            return self.job.state
        status = self.status
        if status.get("state") != "running":
            return str(status.get("state") or "interrupted")
        if (self.folder / "slurm" / "job.json").is_file():  # its process is on another machine
            alive = time.time() - float(status.get("time") or 0) < SILENT_S
        else:
            alive = process_runs(int(status.get("pid") or 0))
        return "running" if alive else "interrupted"

    @property
    def reason(self) -> str:
        """Why it failed, or how it was stopped."""
        return (self.job.reason if self.job else "") or str(self.status.get("reason") or "")

    @property
    def recipe(self) -> str:
        """Its name."""
        return str(self.config.get("recipe") or (self.job.about.get("recipe") if self.job else "") or "")

    @property
    def settings(self) -> list[str]:
        """What differs from the recipe."""
        config, known = self.config, catalogue()
        usual = known["recipes"].get(self.recipe, {}).get("config", {})
        keys = [key for key in known["keys"] if key not in ("data", "model") and key in config]
        changed = [f"{key}={config[key]}" for key in keys if config[key] != usual.get(key)]
        return changed if config else list(self.job.about.get("settings", [])) if self.job else []


class TrainingRunStore:
    """Finds runs. Safe from any thread."""

    def __init__(self, jobs: TrainJobs, sets: SetStore) -> None:
        """Set up.

        Args:
            jobs: knows the root of the runs.
            sets: decides which data visitors may see.
        """
        self._jobs, self._sets = jobs, sets

    def all(self, *, owner: bool = True) -> list[TrainRun]:
        """Every run, the last one worked on first."""
        jobs = self._jobs.all()
        names = {path.name for path in _folders(self._jobs.root)} | jobs.keys()
        runs = [self._run(name, jobs.get(name)) for name in names if _NAME.fullmatch(name)]
        seen = [run for run in runs if owner or self._is_open(run)]
        shown = sorted(seen, key=_worked_on, reverse=True)[:MOST_RUNS]
        return [*shown, *(self._run(name, None) for name in examples.names())]

    def find(self, name: str, *, owner: bool = True) -> TrainRun:
        """A run by its name.

        Args:
            name: of its folder.
            owner: whether it is for the owner, who also sees what was trained on his own files.

        Raises:
            NoSuchRun: there is none.
        """
        run = self._run(name, self._jobs.of(name)) if _NAME.fullmatch(name) else None
        if run is None or not (run.job or is_run(run.folder)) or not (owner or self._is_open(run)):
            raise NoSuchRun(_GONE)
        return run

    def _run(self, name: str, job: Job | None) -> TrainRun:
        place = examples.folder_of(name) if name in examples.names() else self._jobs.root / name
        return TrainRun(name=name, folder=place, job=job)

    def _is_open(self, run: TrainRun) -> bool:
        """Whether its rows are of an example, or of a set that was made of public sources alone."""
        if run.name in examples.names():
            return True
        data = Path(str(run.config.get("data") or ""))
        if not data.parts:
            return run.job is not None and run.job.about.get("personal") is False
        made_here = data.parent == self._sets.root.resolve() and not of_files(data)
        return made_here or data.is_relative_to(EXAMPLES.resolve())

    def line(self, run: TrainRun) -> View:
        """One run in the list."""
        status, metrics = run.status, read_metrics(run.folder)
        last = metrics.last
        return {
            "id": run.name,
            "example": run.name in examples.names(),
            "state": run.state,
            "recipe": run.recipe,
            "data": _data_name(run),
            "settings": run.settings,
            "step": status.get("step", 0),
            "total": status.get("total", 0),
            "loss": last.get("loss"),
            "eval_loss": last.get("eval_loss"),
            "seconds": round(metrics.seconds, 1),
        }

    def view(self, run: TrainRun, *, owner: bool) -> View:
        """All of a run but its curves and its log."""
        last = read_metrics(run.folder).last
        job = run.job
        return {
            **self.line(run),
            **owners(job, owner=owner),
            "reason": run.reason if owner else "",
            "waits": self._jobs.last_words(job) if owner and job and _waits_for_nodes(run, job) else "",
            "ahead": self._jobs.ahead(job) if job and job.state == "queued" else [],
            "eta_s": last.get("eta_s"),
            "tokens_s": last.get("tokens_s"),
            "lr": last.get("lr"),
            "facts": _facts(run),
            "saved": saved(run),
        }


def _waits_for_nodes(run: TrainRun, job: Job) -> bool:
    """Whether Slurm has the run, and it has not begun."""
    return bool(job.about.get("slurm")) and job.state == "running" and not run.status


def is_run(folder: Path) -> bool:
    """Whether `train.sft` has begun something here."""
    return (folder / "status.json").is_file() or (folder / "config.json").is_file()


def saved(run: TrainRun) -> list[View]:
    """What can be gone on from or used: whole checkpoints, models of steps, and the finished model."""
    kept, made = set(run.checkpoints), set(run.steps)
    steps: list[View] = [
        {"name": f"step {step}", "step": step, "final": False, "kept": step in kept, "model": step in made}
        for step in sorted(kept | made)
    ]
    receipt = read_object(run.folder / "final" / "receipt.json")
    if receipt:
        steps.append({"name": "final", "step": receipt.get("steps"), "final": True, "kept": False, "model": True})
    return steps


def _facts(run: TrainRun) -> list[list[str]]:
    config = run.config
    if not config:
        return []
    data, held = config.get("data_facts") or {}, config.get("parameters_held") or []
    facts = [
        ("model", _model_name(str(config.get("model", "")))),
        ("rows", f"{data.get('rows', 0):,}" + (f", {data['held_out']:,} held out" if data.get("held_out") else "")),
        ("too long", f"{data.get('too_long', 0):,}" if data.get("too_long") else ""),
        ("batch", f"{config.get('global_batch')} rows a step"),
        ("processes", str(config.get("world", 1))),
        ("parameters held by each", f"{max(held):,}" if held else ""),
        ("adapters", f"rank {config['lora_rank']}" if config.get("lora_rank") else ""),
    ]
    return [[name, value] for name, value in facts if value]


def _model_name(model: str) -> str:
    """As it is known on the page: a hub id, or the last part of a folder."""
    return Path(model).name if Path(model).is_absolute() else model


def _data_name(run: TrainRun) -> str:
    if run.job and run.job.about.get("data"):
        return str(run.job.about["data"])
    path = Path(str(run.config.get("data") or ""))
    return path.parent.name if path.name == "rows.jsonl" else path.stem


def _worked_on(run: TrainRun) -> float:
    """When it was last worked on; what is at work comes first."""
    if run.job and not run.job.over:
        return float("inf")
    return max(float(read_shaped(run.folder / "status.json", STATUS).get("time", 0)), run.job.at if run.job else 0)


def _folders(root: Path) -> list[Path]:
    try:
        return [path for path in root.iterdir() if is_run(path)]
    except OSError:
        return []
