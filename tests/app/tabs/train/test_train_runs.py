"""Runs as the Train tab reads them, whoever started them, and what may be launched and stopped."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from app.artifacts.curated.sets import EXAMPLES, SetStore
from app.artifacts.curves.store import CurveStore
from app.jobs.commands import CODE, FormError
from app.jobs.registry import JobError, Jobs
from app.models.registry import EngineRegistry
from app.tabs.train import examples
from app.tabs.train.evals import TrainEvals
from app.tabs.train.exports import TrainSteps, read_step
from app.tabs.train.jobs import TrainJobs
from app.tabs.train.metrics import read_metrics
from app.tabs.train.models import TrainedModels
from app.tabs.train.runs import NoSuchRun, TrainingRunStore
from s1core.errors import InvalidSetting
from s1core.nano import BASE, WEIGHTS
from tests.app.tabs.train.test_train_form import read
from tests.app.tabs.train.train_data import write_run
from tests.browser.playground import scripted_engines

EXAMPLE = str(EXAMPLES.resolve() / "nano-1k" / "rows.jsonl")


@pytest.fixture
def sets(tmp_path: Path) -> SetStore:
    return SetStore(tmp_path / "curated")


@pytest.fixture
def jobs(tmp_path: Path) -> TrainJobs:
    return TrainJobs(tmp_path / "sft", Jobs(tmp_path / "jobs", grace_s=5))


@pytest.fixture
def store(jobs: TrainJobs, sets: SetStore) -> TrainingRunStore:
    return TrainingRunStore(jobs, sets)


def test_a_run_of_the_command_line_is_shown_too(store: TrainingRunStore, jobs: TrainJobs) -> None:
    write_run(jobs.root / "mine", lr=0.5, epochs=5)
    (jobs.root / "not-a-run").mkdir()
    assert [store.line(run)["id"] for run in store.all()] == ["mine", *examples.names()]
    view = store.view(store.find("mine"), owner=True)
    assert (view["state"], view["step"], view["eval_loss"], view["seconds"]) == ("done", 3, 0.75, 1.5)
    assert view["settings"] == ["lr=0.5"] and ["model", "base"] in view["facts"]


def test_the_tab_opens_on_a_finished_run_even_for_strangers(store: TrainingRunStore, jobs: TrainJobs) -> None:
    name = examples.names()[0]
    run = store.find(name, owner=False)
    view = store.view(run, owner=False)
    assert view["example"] and view["state"] == "done" and view["step"] == view["total"] > 100
    curves = read_metrics(run.folder).curves()
    assert curves["loss"][0] > curves["loss"][-1] and len(curves["loss"]) == view["total"]
    assert view["saved"] == [] and "/" not in json.dumps(run.config)
    with pytest.raises(NoSuchRun):
        store.find("example...", owner=True)


def test_what_is_kept_of_a_run_names_no_folder_of_the_machine(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "mine", data="/home/me/rows.jsonl", model="/home/me/model")
    examples.keep(folder, tmp_path / "kept")
    kept = "".join((tmp_path / "kept" / name).read_text() for name in examples.FILES)
    assert "/home" not in kept and "rows.jsonl" in kept and '"loss"' in kept


def test_a_run_whose_process_is_gone_was_interrupted(store: TrainingRunStore, jobs: TrainJobs) -> None:
    folder = write_run(jobs.root / "mine", state="running")
    assert store.find("mine").state == "interrupted"
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps(status | {"pid": os.getpid()}))
    assert store.find("mine").state == "running"
    # Of another machine's process only its last words are known.
    (folder / "slurm").mkdir()
    (folder / "slurm/job.json").write_text('{"job": "7"}')
    assert store.find("mine").state == "interrupted"
    (folder / "status.json").write_text(json.dumps(status | {"time": time.time()}))
    assert store.find("mine").state == "running"


def test_the_page_gets_what_it_does_not_have(jobs: TrainJobs) -> None:
    folder = write_run(jobs.root / "mine", steps=2)
    first = read_metrics(folder).curves()
    assert first["whole"] and first["step"] == [1, 2] and first["eval_loss"] == [0.75]
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "loss": 0.5, "lr": 0.1}\n{"step": 4, "lo')
    more = read_metrics(folder).curves(first["lines"], first["file"])
    assert not more["whole"] and more["step"] == [3] and more["eval_step"] == [] and more["grad_norm"] == [None]
    (folder / "metrics.jsonl").rename(folder / "old")
    write_run(folder, steps=1)
    anew = read_metrics(folder).curves(more["lines"], more["file"])
    assert anew["whole"] and anew["step"] == [1]
    assert read_metrics(folder / "nowhere").curves()["step"] == []


def test_checkpoints_are_listed_when_they_are_whole(store: TrainingRunStore, jobs: TrainJobs) -> None:
    folder = write_run(jobs.root / "mine")
    for step in (2, 10):
        (folder / f"checkpoints/step-{step}").mkdir(parents=True)
        (folder / f"checkpoints/step-{step}/state.json").write_text("{}")
    (folder / "checkpoints/.step-12.tmp").mkdir()
    (folder / "final").mkdir()
    (folder / "final/receipt.json").write_text('{"steps": 10}')
    assert [one["name"] for one in store.view(store.find("mine"), owner=True)["saved"]] == [
        "step 2",
        "step 10",
        "final",
    ]
    shutil.copytree(BASE, folder / "models" / "mine-step-2")
    shutil.copytree(BASE, folder / "models" / "mine-step-4")
    saved = store.view(store.find("mine"), owner=True)["saved"]
    assert [(one["step"], one["kept"], one["model"]) for one in saved] == [
        (2, True, True),
        (4, False, True),
        (10, True, False),
        (10, False, True),
    ]


def test_strangers_see_runs_on_open_data_and_no_words_of_this_machine(store: TrainingRunStore, jobs: TrainJobs) -> None:
    write_run(jobs.root / "open", data=EXAMPLE, state="failed", reason="/somewhere is full")
    write_run(jobs.root / "closed", data="/home/me/diary.jsonl")
    assert [run.name for run in store.all(owner=False)] == ["open", *examples.names()]
    view = store.view(store.find("open", owner=False), owner=False)
    assert (view["data"], view["reason"], view["command"], view["folder"]) == ("nano-1k", "", "", "")
    assert str(CODE) not in json.dumps(view)
    with pytest.raises(NoSuchRun):
        store.find("closed", owner=False)


@pytest.mark.parametrize("name", ["../sft", "", ".", "nothing", "a/b", "x" * 200])
def test_names_that_are_none(name: str, store: TrainingRunStore, jobs: TrainJobs) -> None:
    write_run(jobs.root)
    with pytest.raises(NoSuchRun, match="no run of this name"):
        store.find(name)


def test_what_is_done_or_at_work_is_not_launched_again(tmp_path: Path, jobs: TrainJobs, sets: SetStore) -> None:
    asked = read(sets, name="mine")
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    registry = Jobs(tmp_path / "jobs", grace_s=5)
    about = {"name": "mine", "run": "mine"}
    registry.launch("train", sleep, cwd=tmp_path, about=about, device="cpu")
    registry.launch("train", sleep, cwd=tmp_path, about={"name": "next", "run": "next"}, device="cpu")
    with pytest.raises(JobError, match="mine is at work already"):
        jobs.launch(asked)
    waits = jobs.of("next")
    assert waits is not None and waits.state == "queued" and jobs.ahead(waits) == ["mine"]
    assert "out of the queue" in jobs.stop("next") and "Stopping mine" in jobs.stop("mine")
    ends = time.monotonic() + 20
    while (job := jobs.of("mine")) is not None and not job.over and time.monotonic() < ends:
        time.sleep(0.02)
    with pytest.raises(JobError, match="No job works"):
        jobs.stop("mine")
    (jobs.root / "other" / "final").mkdir(parents=True)
    with pytest.raises(JobError, match="other is done; change a setting"):
        jobs.launch(read(sets, name="other"))


def test_a_finished_model_can_be_tried_also_after_a_restart(store: TrainingRunStore, jobs: TrainJobs) -> None:
    def engines() -> EngineRegistry:
        return EngineRegistry("echo", engines={"echo": scripted_engines()["echo"]})

    folder = write_run(jobs.root / "mine")
    first = TrainedModels(engines(), store)
    with pytest.raises(JobError, match="mine has no finished model yet"):
        first.offer("mine")
    shutil.copytree(BASE, folder / "final")
    assert first.offer("mine") == "mine" and first.names[:2] == ["echo", "mine"]
    assert TrainedModels(engines(), store).names[:2] == ["echo", "mine"]
    write_run(jobs.root / "s1-nano")
    shutil.copytree(BASE, jobs.root / "s1-nano" / "final")
    with pytest.raises(InvalidSetting, match="another model called s1-nano"):
        first.offer("s1-nano")
    # The model of a step has a name of its own.
    with pytest.raises(JobError, match="mine-step-2 has no finished model yet"):
        first.offer("mine", 2)
    shutil.copytree(BASE, folder / "models" / "mine-step-2")
    assert first.offer("mine", 2) == "mine-step-2" and "mine-step-2" in TrainedModels(engines(), store).names
    write_run(jobs.root / "mine-step-2")
    shutil.copytree(BASE, jobs.root / "mine-step-2" / "final")
    with pytest.raises(InvalidSetting, match="another model called mine-step-2"):
        first.offer("mine-step-2")


def test_a_step_becomes_a_model_beside_a_run_that_is_at_work(
    tmp_path: Path, store: TrainingRunStore, jobs: TrainJobs
) -> None:
    registry = Jobs(tmp_path / "jobs", grace_s=5)
    about = {"name": "mine", "run": "mine"}
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    works = registry.launch("train", sleep, cwd=tmp_path, about=about, device="cpu")
    folder = write_run(jobs.root / "mine", state="running")
    (folder / "checkpoints/step-2").mkdir(parents=True)
    (folder / "checkpoints/step-2/state.json").write_text('{"step": 2}')
    steps, run = TrainSteps(registry), store.find("mine")
    with pytest.raises(JobError, match="no checkpoint of step 1 any more"):
        steps.write(run, 1)
    assert "goes on by itself" in steps.write(run, 2) and "goes on by itself" in steps.write(run, 2)
    (job,) = registry.all("export")
    assert job.state == "running" and job.argv[1:] == ["-m", "train.export_step", f"--run={folder}", "--step=2"]
    ends = time.monotonic() + 60
    while not steps.view(run, owner=True)[0]["over"] and time.monotonic() < ends:
        time.sleep(0.1)
    # There is nothing in this checkpoint; what comes of a real one is tested in a browser.
    (told,) = steps.view(run, owner=True)
    assert told["state"] == "failed" and "the model /elsewhere/base cannot be loaded" in told["reason"]
    assert steps.view(run, owner=False) == [told | {"reason": ""}]
    registry.stop(works)


@pytest.mark.parametrize("value", ["2", True, 0, -1, 1.5, [2]])
def test_what_is_no_step(value: object) -> None:
    assert read_step(None) is None and read_step(2) == 2
    with pytest.raises(FormError, match="Choose one of the checkpoints"):
        read_step(value)


def test_a_model_is_evaluated_by_the_command_line_and_its_curve_is_among_the_others(
    tmp_path: Path, store: TrainingRunStore, jobs: TrainJobs
) -> None:
    registry = Jobs(tmp_path / "jobs")
    sweeps = TrainEvals(tmp_path / "evals", registry, options=("--budgets=0", "--waits="))
    folder = write_run(jobs.root / "mine", model=str(BASE))
    with pytest.raises(JobError, match="no finished model yet"):
        sweeps.launch(store.find("mine"), "nano", 20)
    shutil.copytree(WEIGHTS, folder / "final")
    for benchmark, questions in (("--out=x", 20), ("nano", 7), (None, None)):
        with pytest.raises(FormError, match="Choose one of the benchmarks"):
            sweeps.launch(store.find("mine"), benchmark, questions)
    assert "on 20 questions of nano" in sweeps.launch(store.find("mine"), "nano", 20)
    with pytest.raises(JobError, match="is being evaluated already"):
        sweeps.launch(store.find("mine"), "nano", 100)
    ends = time.monotonic() + 120
    while not all(one["over"] for one in sweeps.view("mine", owner=True)) and time.monotonic() < ends:
        time.sleep(0.1)
    told = sweeps.view("mine", owner=True)
    assert told[0]["samples"] >= 20, "the page counts them while it runs"
    assert [(one["model"], one["parent"], one["state"]) for one in told] == [("mine", "nano-base", "done")], told
    results = CurveStore(tmp_path / "evals")
    series = results.catalogue()["series"]
    mine = next(one for one in series if one["model"] == "mine")
    assert [point["n"] for point in mine["points"]] == [20, 20] and mine["origin"] == "measured"
    assert any(one["model"] == "nano-base" and one["benchmark"] == mine["benchmark"] for one in series)
    assert len(list(results.find(mine["run"]).rows())) == 40


def test_a_parent_without_a_curve_is_evaluated_too(tmp_path: Path, store: TrainingRunStore, jobs: TrainJobs) -> None:
    registry = Jobs(tmp_path / "jobs", grace_s=1)
    sleeps = registry.launch(
        "test", [sys.executable, "-c", "import time; time.sleep(60)"], cwd=tmp_path, about={}, device="cpu"
    )
    sweeps = TrainEvals(tmp_path / "evals", registry)
    folder = write_run(jobs.root / "mine", model=str(WEIGHTS))
    shutil.copytree(BASE, folder / "final")
    sweeps.launch(store.find("mine"), "nano", 20)
    waiting = [job for job in registry.all("eval") if job.state == "queued"]
    assert [job.argv[3] for job in reversed(waiting)] == [f"--model={folder / 'final'}", f"--model={WEIGHTS}"]
    with pytest.raises(JobError, match="mine-step-2 has no finished model"):
        sweeps.launch(store.find("mine"), "nano", 20, 2)
    shutil.copytree(BASE, folder / "models" / "mine-step-2")
    assert "mine-step-2 is being evaluated" in sweeps.launch(store.find("mine"), "nano", 20, 2)
    assert [(one["model"], one["parent"]) for one in sweeps.view("mine", owner=True)][-1] == ("mine", "s1-nano")
    waiting = [job for job in registry.all("eval") if job.state == "queued"]
    assert any(job.argv[3] == f"--model={folder / 'models' / 'mine-step-2'}" for job in waiting)
    for job in [*waiting, sleeps]:
        registry.stop(job)


def test_a_value_that_the_launcher_refuses_makes_no_job(jobs: TrainJobs, sets: SetStore) -> None:
    with pytest.raises(Exception, match="micro_batch must be at least 1"):
        jobs.launch(read(sets, settings="micro_batch=0"))
    assert jobs.all() == {}
