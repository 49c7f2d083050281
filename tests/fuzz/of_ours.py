"""What runs of our own left on disk, torn or meddled with: registry, events, metrics, manifests, stores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from app.artifacts.curated.funnel import FunnelFile
from app.artifacts.curated.rejected import RejectedFile, rejection_view
from app.artifacts.curated.sets import EXAMPLES, SetStore
from app.jobs.outcome import outcome
from app.jobs.registry import Job, Jobs
from app.tabs.train.jobs import TrainJobs
from app.tabs.train.metrics import read_metrics
from app.tabs.train.runs import TrainingRunStore
from curate.cache import Facts
from curate.claude.journal import Journal
from curate.progress import read_events
from evals.reports.cached import run_series
from evals.reports.packed_run import read_packed
from s1core.recording import read_runs
from s1core.store import read_manifest, read_rows
from tests.fuzz.inputs import altered, documents, json_lines, torn
from tests.fuzz.of_visitors import RACES, race_file
from tests.fuzz.target import Target, in_file, in_folder

_EXAMPLE = EXAMPLES / "nano-1k"
_MANIFEST = json.loads((_EXAMPLE / "manifest.json").read_text(encoding="utf-8"))
_EVENTS = [json.loads(line) for line in (_EXAMPLE / "progress.jsonl").read_text(encoding="utf-8").splitlines()]
_REJECTED = json.loads((_EXAMPLE / "rejected.jsonl").read_text(encoding="utf-8").splitlines()[0])
_JOB = {
    "id": "train-1",
    "kind": "train",
    "argv": ["true"],
    "about": {"run": "mine", "name": "mine"},
    "at": 1.0,
    "state": "done",
    "device": "cuda:0",
    "cwd": "/",
    "pid": 0,
    "run": "/tmp/none",
}
_STATUS = {"pid": 0, "state": "running", "reason": "", "step": 3, "total": 9, "started": 1.0, "time": 2.0}
_STEP = {
    "step": 1,
    "loss": 0.5,
    "lr": 1e-4,
    "grad_norm": 1.0,
    "tokens_s": 9.0,
    "step_s": 0.1,
    "eta_s": 3.0,
    "eval_loss": 1,
}
_CONFIG = {
    "config": {
        "model": "m",
        "benchmark": "nano",
        "settings": [{"label": "natural", "max_thinking_tokens": None, "waits": 0}],
    },
    "config_hash": "x",
}
_ROW = {
    "id": "q",
    "group": "g",
    "setting": "natural",
    "sample_index": 0,
    "correct": True,
    "answered": True,
    "thinking_tokens": 3,
    "answer_tokens": 1,
    "answer": "5",
    "closed_by": "model",
    "segments": [["model", "thinking", "a"]],
}
_PACKED = {"format": "s1-playground run 1", **_CONFIG, "settings": ["natural"], "columns": ["setting", "correct"]}
_GROUP = {"id": "q", "group": "g", "sample_index": 0, "thinking": [["model", "ab"]], "points": [[0, True, 1, []]]}
_JOURNAL = [
    {"do": "ask", "about": "grading", "key": "k", "run": "r", "worst": 0.1},
    {
        "do": "answer",
        "about": "grading",
        "key": "k",
        "run": "r",
        "task": "t",
        "outcome": "ok",
        "value": "yes",
        "usage": {},
        "usd": 0.1,
    },
    {"do": "plan", "about": "grading", "nonce": "n", "keys": ["k"], "run": "r", "worst": 0.1, "at": 1.0},
    {"do": "made", "nonce": "n", "id": "b"},
    {"do": "over", "nonce": "n"},
]
_FACT = {"key": "k", "text": "a fact"}


def _registry(root: Path) -> None:
    """One damaged job hides no other one."""
    good = root / "good"
    good.mkdir()
    (good / "job.json").write_text(json.dumps(_JOB | {"id": "good"}), encoding="utf-8")
    # A job that would run is not let run: only what is told of it is of interest here.
    jobs = Jobs._read(_unstarted(root))
    if "good" not in [job.id for job in jobs]:
        raise AssertionError("a damaged job hides another one")
    for job in jobs:
        _ = job.command, job.over


def _unstarted(root: Path) -> Jobs:
    jobs = object.__new__(Jobs)
    jobs.root = root
    return jobs


def _ended(folder: Path) -> None:
    """How a job ended is told, whatever its command left behind."""
    (folder / "job").mkdir()
    for name in ("exit.json", "job.json", "log.txt"):
        (folder / "job" / name).write_bytes((folder / "status.json").read_bytes())
    job = Job(**{**_JOB, "id": "job", "state": "running", "run": str(folder), "started": 1.0})
    # Without a whole exit code all processes are searched for its own; that is slow, and the same for every case.
    (folder / "job" / "exit.json").write_text('{"code": 1, "time": 2}', encoding="utf-8")
    if not _unstarted(folder)._settled(job).over:
        raise AssertionError("a job that is over counts as running")


def _funnel(path: Path) -> None:
    json.dumps(FunnelFile(path).read().view(alive=False), allow_nan=False).encode()


def _rejected(path: Path) -> None:
    file = RejectedFile(path)
    for stage, rule in file.counts():
        for entry in file.page(stage, rule, 0):
            rejection_view(entry, hidden=False)


def _sets(folder: Path) -> None:
    """One damaged set hides no other one."""
    store = SetStore(folder, runs=lambda pid: False)
    for owner in (True, False):
        for one in store.all(owner=owner):
            json.dumps(store.view(one), allow_nan=False).encode()
        if not any(line["example"] for line in store.catalogue(owner=owner)["sets"]):
            raise AssertionError("a damaged set hides the others")


def _runs(folder: Path) -> None:
    jobs = TrainJobs(folder, _unstarted(folder / "jobs"))
    store = TrainingRunStore(jobs, SetStore(folder / "curated"))
    for run in store.all():
        json.dumps(store.view(run, owner=True), allow_nan=False).encode()


def _metrics(folder: Path) -> None:
    from train.finetune.run_folder import RunFolder
    from train.finetune.run_folder import read_metrics as read_log

    metrics = read_metrics(folder)
    json.dumps([metrics.curves(), metrics.last, metrics.seconds], allow_nan=False).encode()
    read_log(folder)
    RunFolder(folder).begin_metrics(1)


def _store(folder: Path) -> None:
    read_manifest(folder)
    list(read_rows(folder))


def _series(folder: Path) -> None:
    run_series(folder)


def _packed(path: Path) -> None:
    list(read_packed(path)[1])


def _journal(folder: Path) -> None:
    where = folder / "claude"
    Journal(where, "r", 1.0).close()
    (where / "samples.jsonl").write_bytes((folder / "journal").read_bytes())
    with Journal(where, "r", 1.0) as journal:
        _ = journal.spent_usd, journal.left_usd()


def _facts(folder: Path) -> None:
    cache = folder / "cache"
    with Facts(cache, "trace", {}) as facts:
        where = facts.folder
    (where / "samples.jsonl").write_bytes((folder / "facts").read_bytes())
    with Facts(cache, "trace", {}) as facts:
        for key, fact in facts.items():
            if facts.get(key) is None:
                raise AssertionError(f"a fact is lost: {fact}")


def _read_logs(given: tuple[Any, Any, str]) -> None:
    code, status, log = given
    for asked in (True, False):
        outcome(asked=asked, code=code, status=status, log=log)


_CODES = st.none() | st.integers(-70, 300)

TARGETS = (
    Target(
        name="the registry of jobs",
        fed=documents(_JOB),
        read=in_file("bad/job.json", lambda p: _registry(p.parents[1])),
        refuses=(),
    ),
    Target(
        name="what a job left behind",
        fed=documents(_STATUS),
        read=in_folder("status.json", _ended),
        refuses=(),
        share=0.5,
    ),
    Target(
        name="how a job ended",
        fed=st.tuples(_CODES, altered(_STATUS).filter(lambda s: isinstance(s, dict)), st.text()),
        read=_read_logs,
        refuses=(),
    ),
    Target(
        name="progress of a curation",
        fed=json_lines(*_EVENTS),
        read=in_file("progress.jsonl", _funnel),
        refuses=(),
        share=2,
    ),
    Target(
        name="progress, read to resume",
        fed=json_lines(*_EVENTS),
        read=in_folder("progress.jsonl", read_events),
        refuses=(),
    ),
    Target(name="rejected rows", fed=json_lines(_REJECTED), read=in_file("rejected.jsonl", _rejected), refuses=()),
    Target(
        name="curated sets",
        fed=documents(_MANIFEST),
        read=in_file("mine/manifest.json", lambda p: _sets(p.parents[1])),
        refuses=(),
        share=0.2,
    ),
    Target(
        name="runs of Train: status",
        fed=documents(_STATUS),
        read=in_file("mine/status.json", lambda p: _runs(p.parents[1])),
        refuses=(),
        share=0.3,
    ),
    Target(
        name="runs of Train: metrics",
        fed=json_lines(_STEP),
        read=in_folder("metrics.jsonl", _metrics),
        refuses=(),
        share=0.5,
    ),
    Target(name="manifest of a run", fed=documents(_CONFIG), read=in_folder("manifest.json", _store)),
    Target(
        name="samples of a run", fed=json_lines(_ROW), read=in_folder("samples.jsonl", lambda f: list(read_rows(f)))
    ),
    Target(name="a packed run", fed=json_lines(_GROUP, head=_PACKED), read=in_file("run.jsonl", _packed)),
    Target(
        name="a recording to replay",
        fed=torn(altered(*RACES).map(race_file)),
        read=in_file("r.jsonl", lambda p: read_runs(p, "s1-nano")),
    ),
    Target(
        name="the journal of Claude",
        fed=json_lines(*_JOURNAL),
        read=in_file("journal", lambda p: _journal(p.parent)),
        share=0.1,
    ),
    Target(
        name="facts of a curation", fed=json_lines(_FACT), read=in_file("facts", lambda p: _facts(p.parent)), share=0.1
    ),
)
