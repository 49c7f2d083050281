"""Jobs that outlive pages and servers, and who may start them."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.access.owner import NotTheOwner, require_owner
from app.jobs.registry import Job, JobError, Jobs
from app.tabs.curate.form import read_form
from app.tabs.curate.jobs import CurateJobs
from tests.app.tabs.curate.test_curate_form import form

SLEEP = [sys.executable, "-c", "print('at work', flush=True); import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "child = subprocess.Popen([sys.executable, '-c', 'import signal, time;"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)']); print(child.pid, flush=True); time.sleep(60)",
]


def soon(holds: Callable[[], Any], within_s: float = 20.0) -> bool:
    ends = time.monotonic() + within_s
    while not holds() and time.monotonic() < ends:
        time.sleep(0.02)
    return bool(holds())


def start(jobs: Jobs, argv: list[str], **more: Any) -> Job:
    return jobs.launch("test", argv, cwd=jobs.root.parent, about={"name": "mine"}, **more)


def test_another_server_finds_the_job_and_stops_it(tmp_path: Path) -> None:
    first = Jobs(tmp_path / "jobs")
    job = start(first, SLEEP)
    assert soon(lambda: first.last_words(job) == "at work")
    again = Jobs(tmp_path / "jobs")
    assert again.all("test") == [job] and again.all("other") == []
    assert again.runs(job)
    told = json.loads((tmp_path / "jobs" / job.id / "job.json").read_text())
    assert told["argv"] == SLEEP and os.getpgid(job.pid) == job.pid
    again.stop(job)
    assert soon(lambda: not first.runs(job) and not again.runs(job))


def test_what_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs", grace_s=0.5)
    job = start(jobs, STUBBORN)
    assert soon(lambda: jobs.last_words(job).isdigit())
    child = Path(f"/proc/{jobs.last_words(job)}/stat")
    time.sleep(0.3)  # until the child ignores the request too
    jobs.stop(job)
    assert soon(lambda: not jobs.runs(job))
    assert soon(lambda: not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z")


def test_a_number_that_is_used_again_is_not_the_job(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs")
    job = Job(id="x", kind="test", argv=[], pid=os.getpid(), began="1", at=0.0)
    assert not jobs.runs(job)
    jobs.stop(job)  # and this process lives on


def test_one_at_a_time_where_asked(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "jobs", grace_s=0.5)
    job = start(jobs, SLEEP, alone=True)
    with pytest.raises(JobError, match="Another job is at work .mine."):
        start(jobs, SLEEP, alone=True)
    jobs.stop(job)
    # One that was told to stop is waited for.
    second = start(jobs, STUBBORN, alone=True)
    assert not jobs.runs(job) and jobs.runs(second)
    jobs.stop(second)
    third = start(jobs, SLEEP, alone=True)
    assert not jobs.runs(second)
    jobs.stop(third)


def test_a_program_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="cannot be started"):
        start(Jobs(tmp_path / "jobs"), ["/no/such/program"])
    damaged = tmp_path / "jobs" / "bad"
    damaged.mkdir()
    (damaged / "job.json").write_text("{")
    assert Jobs(tmp_path / "jobs").all() == []


def test_a_curation_that_cannot_begin_leaves_its_last_words(tmp_path: Path) -> None:
    curations = CurateJobs(tmp_path / "curated", Jobs(tmp_path / "jobs"))
    name = curations.launch(read_form(form(files="nowhere.jsonl")))
    assert soon(lambda: not curations.view(name)["runs"], within_s=60)
    assert curations.view(name)["said"].startswith("no source and no file is called 'nowhere.jsonl'")
    with pytest.raises(JobError, match="No job of this page"):
        curations.stop(name)
    assert curations.view("another") == {"runs": False, "said": ""}


def request(host: str = "127.0.0.1", username: str | None = None, **headers: str) -> Any:
    given = {"host": "127.0.0.1:7860", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return SimpleNamespace(client=SimpleNamespace(host=host), headers=given, username=username)


@pytest.mark.parametrize(
    ("asked", "may"),
    [
        (request(), True),
        (request(origin="http://127.0.0.1:7860"), True),
        (request(host="::1"), True),
        (request(host="192.168.0.7"), False),
        (request(x_forwarded_for="127.0.0.1"), False),
        (request(origin="https://evil.example"), False),
        (request(origin="null"), False),
        (request(host="somewhere"), False),
    ],
)
def test_the_owner_sits_at_the_machine(asked: Any, may: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.delenv("S1_OWNER", raising=False)
    if may:
        require_owner(asked)
    else:
        with pytest.raises(NotTheOwner, match="Read-only"):
            require_owner(asked)


def test_a_name_that_was_bound_to_this_address_is_no_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    asked = request()
    asked.headers["host"] = "evil.example:7860"
    with pytest.raises(NotTheOwner):
        require_owner(asked)


def test_in_public_only_who_signed_in_as_the_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/s1")
    for asked in (request(), request(username="someone")):
        with pytest.raises(NotTheOwner):
            require_owner(asked)
    monkeypatch.setenv("S1_OWNER", "someone")
    require_owner(request(host="10.0.0.1", username="someone"))
    with pytest.raises(NotTheOwner):
        require_owner(request(username=None))
